//! MoCoGAN in training: real batches from clips, and one iteration of three updates.
//!
//! Not yet one of the systems of [`run::train`](super::run::train), whose batches are sequences of one
//! length. Start from [`MocoganTraining`].

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use super::{
    noise::{RolloutNoise, StepNoise},
    system::Divergence,
};
use crate::{
    config::{model::MocoganSpec, optim::AdamSpec},
    data::{
        Split,
        sampler::{Order, SamplerError},
        strips::{
            Clips,
            sample::{Cut, cut, image_at, sub_sampled},
        },
    },
    models::mocogan::{
        Mocogan, Network,
        training::{Real, loss},
    },
    nn::{
        Mode,
        params::{Builder, Params},
    },
    optim::Adam,
    rng::streams::Stream,
    scalar::{Count, Seed, Step},
};

/// Stream of the starts of sub-sampled videos, by step.
const START_STREAM: &str = "video_start";

/// Three networks with their optimizers.
#[derive(Debug)]
pub struct MocoganTraining {
    model: Mocogan,
    params: Params,
    optimizers: BTreeMap<Network, Adam>,
    seed: Seed,
}

impl MocoganTraining {
    /// Builds the networks with their initial weights; `adam` holds for each of them.
    pub fn new(spec: &MocoganSpec, adam: AdamSpec, seed: Seed, device: Device) -> Self {
        let builder = Builder::new(seed, Kind::Float, device);
        let model = Mocogan::new(&builder, spec);
        let params = builder.finish();
        let optimizers = Network::ORDER
            .map(|network| (network, Adam::of_module(adam, &params, network.module())))
            .into();
        Self { model, params, optimizers, seed }
    }

    /// Returns every tensor of the networks.
    pub const fn params(&self) -> &Params {
        &self.params
    }

    /// Returns every tensor of the networks for loading.
    pub const fn params_mut(&mut self) -> &mut Params {
        &mut self.params
    }

    /// Takes one update of each network, in the original's order, and returns the losses before
    /// them by the original's names.
    ///
    /// # Errors
    /// At the first loss that is not finite. Its network is left as it was; those before it in the
    /// order have been updated.
    pub fn iterate(
        &mut self,
        real: &Real,
        step: Step,
    ) -> Result<BTreeMap<String, f64>, Divergence> {
        let mut random = StepNoise::new(self.seed, step);
        let mut losses = BTreeMap::new();
        // `Network` is ordered as its updates are.
        for (&network, optimizer) in &mut self.optimizers {
            self.params.zero_grad();
            let loss = loss(&self.model, network, real, &mut random);
            let (name, value) = (series(network).to_owned(), loss.double_value(&[]));
            if !value.is_finite() {
                return Err(Divergence { quantity: name, value });
            }
            loss.backward();
            optimizer.step(&self.params);
            losses.insert(name, value);
        }
        Ok(losses)
    }

    /// Makes videos in evaluation mode, `[N, C, T, S, S]` in (−1, 1); a number names a video, which is
    /// the same whatever others are made with it.
    pub fn sample(&self, split: Split, numbers: &[usize]) -> Tensor {
        let generator = &self.model.generator;
        let mut random = RolloutNoise::new(self.seed, split, numbers);
        let samples = size(numbers.len());
        let frames = generator.video_length();
        tch::no_grad(|| generator.sample_videos(samples, frames, Mode::Eval, &mut random).frames)
    }

    /// Returns the tensors of all three optimizers by name.
    pub fn optimizer_state(&self) -> Vec<(String, Tensor)> {
        let states = self.optimizers.values().flat_map(Adam::state);
        states.map(|(name, tensor)| (name, tensor.shallow_clone())).collect()
    }

    /// Takes up a state after `iterations` iterations; `false` if a tensor is missing.
    pub fn restore_optimizer(
        &mut self,
        iterations: u64,
        tensors: &BTreeMap<String, Tensor>,
    ) -> bool {
        let mut complete = true;
        for optimizer in self.optimizers.values_mut() {
            let find = |name: &str| tensors.get(name).map(Tensor::shallow_clone);
            complete &= optimizer.restore(iterations, find);
        }
        complete
    }
}

/// Name of a network's loss in the original's log.
const fn series(network: Network) -> &'static str {
    match network {
        Network::ImageDiscriminator => "l_image_dis",
        Network::VideoDiscriminator => "l_video_dis",
        Network::Generator => "l_gen",
    }
}

/// How real batches are made of clips.
#[derive(Clone, Copy, Debug)]
pub struct BatchSizes {
    /// Frames for the image discriminator.
    pub image_batch: Count,
    /// Videos for the video discriminator.
    pub video_batch: Count,
    /// Frames of a video.
    pub video_length: Count,
    /// Distance of two frames of a video in the clip, 2 in the original.
    pub every_nth: Count,
}

/// The real batches of a run: a function of its seed and the step.
#[derive(Debug)]
pub struct ClipBatches<'a> {
    clips: &'a Clips,
    /// The clips that are long enough.
    members: Vec<usize>,
    /// Their frames.
    lengths: Vec<usize>,
    images: Order,
    videos: Order,
    starts: Stream,
    sizes: BatchSizes,
}

impl<'a> ClipBatches<'a> {
    /// Orders the frames and the clips of `members`, those that are shorter than a video left out.
    ///
    /// Each pass is a permutation of our own; the original's DataLoader shuffles frames and clips, too.
    ///
    /// # Errors
    /// If no clip is long enough.
    pub fn new(
        clips: &'a Clips,
        mut members: Vec<usize>,
        sizes: BatchSizes,
        seed: Seed,
    ) -> Result<Self, SamplerError> {
        let frames = |&clip: &usize| clips.clips[clip].frames;
        members.retain(|clip| frames(clip) >= sizes.video_length.len());
        let lengths: Vec<usize> = members.iter().map(frames).collect();
        let order = |count, batch| Order::new(<_>::default(), seed, count, batch);
        Ok(Self {
            images: order(lengths.iter().sum(), sizes.image_batch)?,
            videos: order(members.len(), sizes.video_batch)?,
            starts: Stream::new(seed, START_STREAM),
            clips,
            members,
            lengths,
            sizes,
        })
    }

    /// Returns the frames and videos of an iteration.
    pub fn real(&self, step: Step, device: Device) -> Real {
        let clip = |member: usize| &self.clips.clips[self.members[member]];
        let mut images = Vec::new();
        for item in self.images.batch(step) {
            let (member, frame) = image_at(&self.lengths, item);
            images.extend_from_slice(clip(member).frame(frame));
        }
        let (mut videos, mut categories) = (Vec::new(), Vec::new());
        let mut starts = self.starts.at(step.0);
        let (length, every_nth) = (self.sizes.video_length.len(), self.sizes.every_nth.len());
        for member in self.videos.batch(step) {
            let frames = match cut(self.lengths[member], length, every_nth) {
                Some(Cut::SubSampled { starts: count }) => {
                    let start = usize::try_from(starts.below(count)).expect("a frame's index");
                    sub_sampled(start, length, every_nth)
                }
                Some(Cut::Leading) | None => (0..length).collect(),
            };
            for frame in frames {
                videos.extend_from_slice(clip(member).frame(frame));
            }
            categories.push(size(clip(member).category));
        }
        let side = size(self.clips.side);
        Real {
            images: signed(&images, &[-1, side, side, 3], device).permute([0, 3, 1, 2]),
            videos: signed(&videos, &[-1, size(length), side, side, 3], device)
                .permute([0, 4, 1, 2, 3]),
            categories: Some(Tensor::from_slice(&categories).to_device(device)),
        }
    }
}

/// Maps bytes to [−1, 1]: `(byte / 255 − ½) / ½`, torchvision's `ToTensor` and `Normalize`.
fn signed(bytes: &[u8], shape: &[i64], device: Device) -> Tensor {
    let pixels = Tensor::from_slice(bytes).to_device(device).to_kind(Kind::Float) / 255.0;
    ((pixels - 0.5) / 0.5).view(shape)
}

fn size(n: usize) -> i64 {
    i64::try_from(n).expect("sizes fit an i64")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::model::mocogan::{CategoryLoss, VideoDiscriminator},
        data::strips::Clip,
    };

    fn clips() -> Clips {
        let clip = |number: usize| {
            let frames = 20 + 10 * number;
            let pixels = (0..frames * 64 * 64 * 3)
                .map(|i| u8::try_from((i * (3 + number)) % 256).unwrap())
                .collect();
            Clip { name: format!("{number}/a"), category: number, frames, pixels }
        };
        let categories = vec!["0".to_owned(), "1".to_owned()];
        Clips { side: 64, categories, clips: vec![clip(0), clip(1), clip(2)], warnings: vec![] }
    }

    fn batches(clips: &Clips) -> ClipBatches<'_> {
        let two = Count::literal(2);
        let sizes = BatchSizes {
            image_batch: two,
            video_batch: two,
            video_length: Count::literal(16),
            every_nth: two,
        };
        ClipBatches::new(clips, vec![0, 1], sizes, Seed(1)).unwrap()
    }

    fn training() -> MocoganTraining {
        let two = Count::literal(2);
        let spec = MocoganSpec {
            content_size: two,
            motion_size: two,
            generator_width: two,
            discriminator_width: two,
            video_discriminator: VideoDiscriminator::Categorical {
                real_categories: CategoryLoss::Added,
                generated_categories: CategoryLoss::Added,
            },
            ..MocoganSpec::default()
        };
        MocoganTraining::new(&spec, MocoganSpec::original_optimizer(), Seed(1), Device::Cpu)
    }

    fn values(tensors: impl IntoIterator<Item = (String, Tensor)>) -> BTreeMap<String, Tensor> {
        tensors.into_iter().map(|(name, tensor)| (name, tensor.detach().copy())).collect()
    }

    fn parameters(training: &MocoganTraining) -> BTreeMap<String, Tensor> {
        let entries = training.params().iter();
        values(entries.map(|entry| (entry.name.clone(), entry.tensor.shallow_clone())))
    }

    #[test]
    fn batches_are_a_function_of_the_step_and_lie_between_the_signs() {
        let clips = clips();
        let batches = batches(&clips);
        let real = batches.real(Step(3), Device::Cpu);
        assert_eq!(real.images.size(), [2, 3, 64, 64]);
        assert_eq!(real.videos.size(), [2, 3, 16, 64, 64]);
        assert_eq!(
            (real.videos.min().double_value(&[]), real.videos.max().double_value(&[])),
            (-1.0, 1.0)
        );
        let again = batches.real(Step(3), Device::Cpu);
        assert_eq!(real.videos, again.videos);
        assert_ne!(real.images, batches.real(Step(4), Device::Cpu).images);
    }

    #[test]
    fn an_iteration_goes_on_from_named_tensors_bit_for_bit() {
        let clips = clips();
        let batches = batches(&clips);
        let mut whole = training();
        let mut first = training();
        for step in 0..2 {
            let losses = whole.iterate(&batches.real(Step(step), Device::Cpu), Step(step)).unwrap();
            assert_eq!(losses.len(), 3);
        }
        first.iterate(&batches.real(Step(0), Device::Cpu), Step(0)).unwrap();
        let (tensors, moments) = (parameters(&first), values(first.optimizer_state()));

        let mut second = training();
        second.params_mut().load(tensors).unwrap();
        assert!(second.restore_optimizer(1, &moments));
        second.iterate(&batches.real(Step(1), Device::Cpu), Step(1)).unwrap();
        assert_eq!(parameters(&second), parameters(&whole));
        assert!(!second.restore_optimizer(1, &BTreeMap::new()));
    }

    #[test]
    fn a_video_does_not_depend_on_its_company() {
        let training = training();
        let both = training.sample(Split::Test, &[4, 9]);
        let alone = training.sample(Split::Test, &[9]);
        assert_eq!(both.size(), [2, 3, 16, 64, 64]);
        assert!(both.get(1).allclose(&alone.get(0), 1e-5, 1e-5, false));
        assert!(!both.get(1).allclose(&both.get(0), 1e-3, 1e-3, false));
    }
}
