//! MoCoGAN in training (`Trainer.train` of sergeytulyakov/mocogan `trainers.py`).
//!
//! A step is one iteration of the original: an update of each of three networks, on fresh samples. The
//! trainer's order of sequences gives the clips that videos are cut out of; frames for the image
//! discriminator have an order of their own.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use super::{
    batch::Examples,
    evaluate::{Evaluation, Scope},
    noise::{StepNoise, choice_stream_name, stream_name},
    system::{At, Divergence, System, UnfitData},
};
use crate::{
    config::{
        RunSpec,
        model::{
            MocoganSpec,
            mocogan::{Categories, CategoryLoss, VideoDiscriminator},
        },
        optim::{AdamSpec, OptimizerSpec},
    },
    data::{Pack, sampler::ORDER_STREAM},
    models::{
        ChoicePurpose, NoisePurpose,
        mocogan::{Mocogan, Network, training::loss},
    },
    nn::params::{Builder, Params},
    optim::Adam,
    scalar::Seed,
    store::record::SeriesDefinition,
};

mod judge;
mod real;
mod sample;

use real::{Cutting, IMAGE_ORDER_STREAM, START_STREAM};

/// Refuses clips of which no video can be cut that the networks take.
///
/// # Errors
/// If frames have another size, clips are too short, or categories are learned and are not as many as
/// the latent code has.
pub fn check_data(spec: &MocoganSpec, pack: &Pack) -> Result<(), UnfitData> {
    let (side, found) = (spec.side.len(), pack.frame_shape());
    let expected = [side, side, spec.channels.len()];
    if found != expected {
        return Err(UnfitData::FrameShape { expected, found });
    }
    let (used, available) = (spec.video_length.len(), pack.frames());
    if available < used {
        return Err(UnfitData::TooFewFrames { used, available });
    }
    let (Categories::Count(count), true) = (spec.categories, is_conditional(spec)) else {
        return Ok(());
    };
    let (expected, found) = (count.len(), real::categories(pack).len());
    if found == expected { Ok(()) } else { Err(UnfitData::Categories { expected, found }) }
}

/// Returns whether a generated category is one of the data: both networks learn them.
fn is_conditional(spec: &MocoganSpec) -> bool {
    let learned = VideoDiscriminator::Categorical {
        real_categories: CategoryLoss::Added,
        generated_categories: CategoryLoss::Added,
    };
    spec.video_discriminator == learned
}

/// Three networks with their optimizers.
#[derive(Debug)]
pub struct MocoganSystem {
    model: Mocogan,
    params: Params,
    /// One Adam a network; `Network` is ordered as its updates are.
    optimizers: BTreeMap<Network, Adam>,
    spec: MocoganSpec,
    adam: AdamSpec,
    seed: Seed,
    cutting: Cutting,
    /// Categories of the data; a label is an index of this list.
    categories: Vec<String>,
    device: Device,
}

impl MocoganSystem {
    /// Builds the networks with their initial weights.
    ///
    /// # Panics
    /// If the optimizer is not Adam, which [`RunSpec::check`] refuses.
    pub fn new(spec: &RunSpec, mocogan: &MocoganSpec, pack: &Pack, device: Device) -> Self {
        let OptimizerSpec::Adam(adam) = spec.optimizer else {
            panic!("a spec of MoCoGAN without Adam is refused");
        };
        let builder = Builder::new(spec.seed, Kind::Float, device);
        let model = Mocogan::new(&builder, mocogan);
        let params = builder.finish();
        let optimizers = Network::ORDER
            .map(|network| (network, Adam::of_module(adam, &params, network.module())))
            .into();
        Self {
            model,
            params,
            optimizers,
            spec: mocogan.clone(),
            adam,
            seed: spec.seed,
            cutting: Cutting::new(mocogan, spec.seed),
            categories: real::categories(pack),
            device,
        }
    }

    /// Returns the networks as they were before the first step, if no weights were given.
    fn untrained(&self) -> Mocogan {
        Mocogan::new(&Builder::new(self.seed, Kind::Float, self.device), &self.spec)
    }

    fn is_conditional(&self) -> bool {
        is_conditional(&self.spec)
    }

    /// Returns how many categories the latent code has, 1 if it has none.
    fn codes(&self) -> usize {
        match self.spec.categories {
            Categories::None => 1,
            Categories::Count(count) => count.len(),
        }
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

impl System for MocoganSystem {
    fn params(&self) -> &Params {
        &self.params
    }

    fn params_mut(&mut self) -> &mut Params {
        &mut self.params
    }

    /// Takes one update of each network, in the original's order; losses are those before it.
    fn update(
        &mut self,
        examples: &Examples<'_>,
        at: At,
    ) -> Result<BTreeMap<String, f64>, Divergence> {
        let real = self.cutting.real(examples, &self.categories, at.step);
        let mut random = StepNoise::new(self.seed, at.step);
        let learning_rate = self.adam.learning_rate.get();
        let mut scalars = BTreeMap::from([("learning_rate".to_owned(), learning_rate)]);
        for (&network, optimizer) in &mut self.optimizers {
            self.params.zero_grad();
            let loss = loss(&self.model, network, &real, &mut random);
            let (name, value) = (series(network).to_owned(), loss.double_value(&[]));
            if !value.is_finite() {
                return Err(Divergence { quantity: name, value });
            }
            loss.backward();
            optimizer.step(&self.params);
            scalars.insert(name, value);
        }
        Ok(scalars)
    }

    fn watched_series(&self) -> &'static str {
        series(Network::Generator)
    }

    fn evaluate(&self, pack: &Pack, scope: Scope, _: Device) -> Evaluation {
        self.judged(pack, scope)
    }

    fn choosing_metric(&self) -> &'static str {
        "energy_distance"
    }

    fn optimizer_state(&self) -> Vec<(String, Tensor)> {
        // The names of the three do not meet.
        let states = self.optimizers.values().flat_map(Adam::state);
        states.map(|(name, tensor)| (name, tensor.shallow_clone())).collect()
    }

    fn restore_optimizer(&mut self, updates: u64, tensors: &BTreeMap<String, Tensor>) -> bool {
        let mut complete = true;
        for optimizer in self.optimizers.values_mut() {
            let find = |name: &str| tensors.get(name).map(Tensor::shallow_clone);
            complete &= optimizer.restore(updates, find);
        }
        complete
    }

    fn context_frames(&self) -> usize {
        0
    }

    fn series(&self) -> BTreeMap<String, SeriesDefinition> {
        let define = |name: &str, label: &str, definition: &str| {
            let (label, unit) = (label.to_owned(), String::new());
            (name.to_owned(), SeriesDefinition { label, unit, definition: definition.to_owned() })
        };
        let bce = "binary cross-entropy with logits, mean over judgements";
        BTreeMap::from([
            define(
                series(Network::ImageDiscriminator),
                "loss of the image discriminator",
                &format!("{bce}: real frames as real plus generated frames as generated"),
            ),
            define(
                series(Network::VideoDiscriminator),
                "loss of the video discriminator",
                &format!(
                    "{bce}: real videos as real plus generated videos as generated, plus the \
                     cross-entropy of the categories of real videos where these are learned"
                ),
            ),
            define(
                series(Network::Generator),
                "loss of the generator",
                &format!(
                    "{bce}: generated frames and generated videos as real, plus the cross-entropy \
                     of requested categories where these are learned"
                ),
            ),
            define("learning_rate", "learning rate", "step size of the three optimizers"),
        ])
    }

    fn streams(&self) -> BTreeMap<String, String> {
        let rollouts = format!("{}/SPLIT", stream_name(NoisePurpose::Rollout));
        let uses = [
            ("init/NAME", "initial values of the parameter NAME"),
            (ORDER_STREAM, "order of the clips that videos are cut out of"),
            (IMAGE_ORDER_STREAM, "order of the frames for the image discriminator"),
            (START_STREAM, "first frame of each video in its clip, by step"),
            (stream_name(NoisePurpose::Content), "content codes, by step"),
            (stream_name(NoisePurpose::MotionStart), "first states of motion, by step"),
            (stream_name(NoisePurpose::Motion), "what drives motion, by step"),
            (stream_name(NoisePurpose::Instance), "noise on the discriminators' inputs, by step"),
            (
                choice_stream_name(ChoicePurpose::Category),
                "categories of generated videos, by step",
            ),
            (
                choice_stream_name(ChoicePurpose::Frames),
                "generated frames that are judged, by step",
            ),
            (choice_stream_name(ChoicePurpose::Start), "where motion of an LSTM is cut, by step"),
            (&rollouts, "codes of generated videos that are scored or shown, by number"),
        ];
        uses.into_iter().map(|(name, use_)| (name.to_owned(), use_.to_owned())).collect()
    }
}

#[cfg(test)]
mod tests;
