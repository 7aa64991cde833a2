//! Generated videos beside real ones that training has not seen.
//!
//! Nothing is predicted, so no frame has a truth: sets of videos are compared
//! ([`metrics::distribution`](crate::metrics::distribution)).

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::{
    MocoganSystem,
    real::{Cutting, category, signed, size},
};
use crate::{
    data::{Pack, Split},
    libtorch::convert::to_stored,
    metrics::distribution::{ClassMeans, Described, VideoShape, energy_distance},
    models::{
        Choice, ChoicePurpose, NoisePurpose, NoiseSource, RandomSource, mocogan::VideoGenerator,
    },
    nn::Mode,
    rng::streams::Stream,
    store::{event::Score, tensors::StoredTensor},
    train::{
        evaluate::{Evaluation, MODEL, Scope},
        noise::RolloutNoise,
    },
};

/// Videos that are cut out of each real clip.
const VIDEOS_PER_CLIP: usize = 6;
/// Pictured videos of each category.
const PICTURED: usize = 3;

/// Videos of the training split against those of the evaluated one: what a perfect memory would score.
const REAL_VIDEOS: &str = "real_videos";
/// The generator with its initial weights.
const UNTRAINED: &str = "untrained_generator";
/// The mean training video, again and again.
const MEAN_VIDEO: &str = "mean_video";
/// Bytes drawn at random.
const NOISE: &str = "noise";
/// Stream of [`NOISE`].
pub(super) const NOISE_STREAM: &str = "noise_videos";

/// Videos `[T, H, W, C]` of bytes.
struct Videos {
    shape: VideoShape,
    /// One after the other.
    bytes: Vec<Vec<u8>>,
    /// The category of each, as far as there are categories.
    categories: Vec<usize>,
}

impl Videos {
    /// Cuts videos out of at most `clips` clips of a split, evenly spread over it.
    fn real(
        cutting: Cutting,
        pack: &Pack,
        split: Split,
        clips: usize,
        categories: &[String],
    ) -> Self {
        let mut videos =
            Self { shape: cutting.shape(pack), bytes: Vec::new(), categories: Vec::new() };
        let (there, clips) = (pack.sequences(split), clips.min(pack.sequences(split)));
        for number in 0..clips {
            let index = number * there / clips;
            let name = category(pack.sequence_name(split, index));
            let class = categories.iter().position(|known| known == name).unwrap_or(0);
            videos.bytes.extend(cutting.spread(&pack.sequence(split, index), VIDEOS_PER_CLIP));
            videos.categories.extend([class; VIDEOS_PER_CLIP]);
        }
        videos
    }

    fn described(&self) -> Vec<Described> {
        self.bytes.iter().map(|video| Described::new(video, self.shape)).collect()
    }
}

impl MocoganSystem {
    /// Scores generated videos beside baselines, as many as there are real ones to compare with.
    pub(super) fn judged(&self, pack: &Pack, scope: Scope) -> Evaluation {
        let Scope { split, sequences, batch_size } = scope;
        let of_split =
            |split, clips| Videos::real(self.cutting, pack, split, clips, &self.categories);
        let held_out = of_split(split, sequences);
        let known = of_split(Split::Train, pack.sequences(Split::Train));
        let numbers: Vec<usize> = (0..held_out.bytes.len()).collect();
        let shape = held_out.shape;
        let made = |generator: &VideoGenerator| Videos {
            shape,
            bytes: self.made(generator, split, &numbers, batch_size),
            categories: numbers.iter().map(|&number| self.requested(number)).collect(),
        };
        let compared = Compared::new(self, &held_out, &known);
        let same = |bytes: Vec<u8>| Videos { shape, bytes: vec![bytes], categories: Vec::new() };
        let mut noise = Stream::new(self.seed, NOISE_STREAM).at(0);
        let mut drawn = || (0..shape.len()).map(|_| byte(noise.next_unit() * 255.0)).collect();
        let noise = Videos {
            shape,
            bytes: numbers.iter().map(|_| drawn()).collect(),
            categories: Vec::new(),
        };
        let generated = made(&self.model.generator);
        let mut of_model = compared.scores(&generated);
        if self.is_conditional() {
            let share = self.recognized(&held_out, split, batch_size);
            of_model.insert("recognition_accuracy".to_owned(), score(share));
        }
        let mut of_real = compared.distances(&known);
        of_real.extend(compared.accuracy(&held_out));
        let scores = [
            (MODEL, of_model),
            (REAL_VIDEOS, of_real),
            (UNTRAINED, compared.scores(&made(&self.untrained().generator))),
            (MEAN_VIDEO, compared.distances(&same(mean(&known)))),
            (NOISE, compared.distances(&noise)),
        ];
        let (pictures, names) = self.pictures(&held_out, split);
        Evaluation {
            scores: scores.map(|(name, scores)| (name.to_owned(), scores)).into(),
            pictures,
            names,
        }
    }

    /// Returns the category in which video `number` is made.
    fn requested(&self, number: usize) -> usize {
        number % self.codes()
    }

    /// Makes videos `[T, H, W, C]`; a number names a video.
    fn made(
        &self,
        generator: &VideoGenerator,
        split: Split,
        numbers: &[usize],
        batch_size: usize,
    ) -> Vec<Vec<u8>> {
        let mut videos = Vec::new();
        for numbers in numbers.chunks(batch_size) {
            let frames = self.sample(generator, split, numbers); // [N, C, T, S, S]
            let frames = ((frames + 1.0) * 127.5).round().clamp(0.0, 255.0).to_kind(Kind::Uint8);
            let frames = frames.permute([0, 2, 3, 4, 1]).contiguous().to_device(tch::Device::Cpu);
            for video in 0..numbers.len() {
                let video = frames.get(size(video)).contiguous();
                let mut bytes = vec![0; video.numel()];
                video.copy_data(&mut bytes, video.numel());
                videos.push(bytes);
            }
        }
        videos
    }

    /// Makes videos in evaluation mode, `[N, C, T, S, S]` in (−1, 1); a number names a video and its
    /// category, and the video is the same whatever others are made with it, but for the start of an
    /// LSTM's motion, which is the first video's.
    pub(super) fn sample(
        &self,
        generator: &VideoGenerator,
        split: Split,
        numbers: &[usize],
    ) -> Tensor {
        let categories = numbers.iter().map(|&number| size(self.requested(number))).collect();
        let noise = RolloutNoise::new(self.seed, split, numbers);
        let mut random = Requested { noise, categories };
        let samples = size(numbers.len());
        let frames = generator.video_length();
        tch::no_grad(|| generator.sample_videos(samples, frames, Mode::Eval, &mut random).frames)
    }

    /// Returns the share of real videos whose category the video discriminator names.
    fn recognized(&self, real: &Videos, split: Split, batch_size: usize) -> f64 {
        let shape = real.shape;
        let [frames, height, width, channels] =
            [shape.frames, shape.height, shape.width, shape.channels].map(size);
        let extents = [-1, frames, height, width, channels];
        let mut right = 0.0;
        let numbers: Vec<usize> = (0..real.bytes.len()).collect();
        for numbers in numbers.chunks(batch_size) {
            let bytes: Vec<u8> =
                numbers.iter().flat_map(|&number| real.bytes[number].iter().copied()).collect();
            let videos = signed(&bytes, &extents, self.device).permute([0, 4, 1, 2, 3]);
            // The noise of the discriminator's inputs is not that of the generated videos.
            let of_real: Vec<usize> = numbers.iter().map(|n| n + real.bytes.len()).collect();
            let mut random = RolloutNoise::new(self.seed, split, &of_real);
            let discriminator = &self.model.video_discriminator;
            let logits =
                tch::no_grad(|| discriminator.forward(&videos, Mode::Eval, &mut random).category);
            let named = logits.expect("categories are learned").argmax(1, false);
            let truth: Vec<i64> =
                numbers.iter().map(|&number| size(real.categories[number])).collect();
            let truth = Tensor::from_slice(&truth).to_device(self.device);
            right += named.eq_tensor(&truth).sum(Kind::Double).double_value(&[]);
        }
        right / real.bytes.len() as f64
    }

    /// Returns generated videos, category by category, and a real one of each category where generated
    /// categories are those of the data; and what the categories are called.
    fn pictures(&self, held_out: &Videos, split: Split) -> (Vec<StoredTensor>, Vec<String>) {
        let codes = self.codes();
        let numbers: Vec<usize> = (0..codes)
            .flat_map(|code| (0..PICTURED).map(move |video| video * codes + code))
            .collect();
        let shape = held_out.shape;
        let stored = |name: &str, videos: &[&[u8]]| {
            let extents =
                [videos.len(), shape.frames, shape.height, shape.width, shape.channels].map(size);
            to_stored(name.to_owned(), &Tensor::from_slice(&videos.concat()).view(extents))
        };
        let generated = self.made(&self.model.generator, split, &numbers, codes);
        let generated: Vec<&[u8]> = generated.iter().map(Vec::as_slice).collect();
        let mut pictures = vec![stored("generated_videos", &generated)];
        if !self.is_conditional() {
            let names = (0..codes).map(|code| format!("code {code}"));
            return (pictures, names.collect());
        }
        let real: Option<Vec<&[u8]>> = (0..codes)
            .map(|code| {
                let at = held_out.categories.iter().position(|&category| category == code)?;
                Some(held_out.bytes[at].as_slice())
            })
            .collect();
        pictures.extend(real.map(|real| stored("real_videos", &real)));
        (pictures, self.categories.clone())
    }
}

/// What videos are compared with.
struct Compared {
    held_out: Vec<Described>,
    /// How training videos of each category move, where categories are asked for.
    classes: Option<ClassMeans>,
}

impl Compared {
    fn new(system: &MocoganSystem, held_out: &Videos, known: &Videos) -> Self {
        let described = known.described();
        let vectors = described.iter().map(|video| video.motion_energy.as_slice());
        let vectors = known.categories.iter().copied().zip(vectors);
        let classes = if system.is_conditional() {
            ClassMeans::of(system.categories.len(), vectors)
        } else {
            None
        };
        Self { held_out: held_out.described(), classes }
    }

    fn scores(&self, videos: &Videos) -> BTreeMap<String, Score> {
        let mut scores = self.distances(videos);
        scores.extend(self.accuracy(videos));
        scores
    }

    fn distances(&self, videos: &Videos) -> BTreeMap<String, Score> {
        let described = videos.described();
        let between = |part: fn(&Described) -> &[f64]| {
            let xs: Vec<&[f64]> = described.iter().map(part).collect();
            let ys: Vec<&[f64]> = self.held_out.iter().map(part).collect();
            score(energy_distance(&xs, &ys))
        };
        BTreeMap::from([
            ("energy_distance".to_owned(), between(|video| &video.blocks)),
            ("motion_energy_distance".to_owned(), between(|video| &video.motion)),
        ])
    }

    /// Returns the share of videos that move as their category does in training.
    fn accuracy(&self, videos: &Videos) -> BTreeMap<String, Score> {
        let Some(classes) = &self.classes else { return BTreeMap::new() };
        let described = videos.described();
        let right = described
            .iter()
            .zip(&videos.categories)
            .filter(|(video, category)| classes.nearest(&video.motion_energy) == **category)
            .count();
        let share = right as f64 / videos.bytes.len() as f64;
        BTreeMap::from([("category_accuracy".to_owned(), score(share))])
    }
}

/// A score of a set as a whole.
fn score(value: f64) -> Score {
    Score { mean: value, by_frame: Vec::new(), by_sequence: Vec::new() }
}

/// Returns the mean of videos, rounded.
fn mean(videos: &Videos) -> Vec<u8> {
    let count = videos.bytes.len() as f64;
    let mean =
        |at: usize| videos.bytes.iter().map(|video| f64::from(video[at])).sum::<f64>() / count;
    (0..videos.shape.len()).map(|at| byte(mean(at))).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is cut off before")]
fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

/// Noise of roll-outs in which the category of each video is asked for.
struct Requested {
    noise: RolloutNoise,
    categories: Vec<i64>,
}

impl NoiseSource for Requested {
    fn standard_normal(
        &mut self,
        purpose: NoisePurpose,
        draw: u64,
        shape: &[i64],
        like: &Tensor,
    ) -> Tensor {
        self.noise.standard_normal(purpose, draw, shape, like)
    }
}

impl RandomSource for Requested {
    fn choose(&mut self, purpose: ChoicePurpose, choice: Choice) -> Vec<i64> {
        match purpose {
            ChoicePurpose::Category => self.categories.clone(),
            ChoicePurpose::Frames | ChoicePurpose::Start => self.noise.choose(purpose, choice),
        }
    }
}
