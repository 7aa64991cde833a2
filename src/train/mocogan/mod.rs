//! MoCoGAN in training (`Trainer.train` of sergeytulyakov/mocogan `trainers.py`).
//!
//! A step is one iteration of the original: an update of each of three networks, on fresh samples. The
//! trainer's order of sequences gives the clips that videos are cut out of; frames for the image
//! discriminator have an order of their own.

use tch::{Device, Kind};

use super::{
    batch::Examples,
    evaluate::{Evaluation, Scope},
    noise::{StepNoise, choice_stream_name, stream_name},
    state::TrainState,
    system::{At, Divergence, Scalars, System, UnfitData},
};
use crate::{
    config::{
        RunSpec,
        model::{
            MocoganSpec,
            mocogan::{Categories, CategoryLoss, VideoDiscriminator},
        },
        optim::OptimizerSpec,
    },
    data::Pack,
    models::{
        ChoicePurpose, NoisePurpose,
        mocogan::{Mocogan, Network, training::loss},
    },
    nn::params::Builder,
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
    state: TrainState,
    spec: MocoganSpec,
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
        let state =
            TrainState::of_modules(adam, builder.finish(), Network::ORDER.map(Network::module));
        Self {
            model,
            state,
            spec: mocogan.clone(),
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
    fn state(&self) -> &TrainState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut TrainState {
        &mut self.state
    }

    /// Takes one update of each network, in the original's order; losses are those before it.
    fn update(&mut self, examples: &Examples<'_>, at: At) -> Result<Scalars, Divergence> {
        let real = self.cutting.real(examples, &self.categories, at.step);
        let mut random = StepNoise::new(self.seed, at.step);
        let mut scalars = Scalars::new();
        for (module, network) in Network::ORDER.into_iter().enumerate() {
            self.state.params.zero_grad();
            let loss = loss(&self.model, network, &real, &mut random);
            scalars.insert(series(network), loss.double_value(&[]));
            Divergence::check(&scalars)?;
            loss.backward();
            self.state.step_module(module);
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

    fn series(&self) -> Vec<(&'static str, SeriesDefinition)> {
        let define = |label, definition: &str| SeriesDefinition::new(label, "", definition);
        let bce = "binary cross-entropy with logits, mean over judgements";
        vec![
            (
                series(Network::ImageDiscriminator),
                define(
                    "loss of the image discriminator",
                    &format!("{bce}: real frames as real plus generated frames as generated"),
                ),
            ),
            (
                series(Network::VideoDiscriminator),
                define(
                    "loss of the video discriminator",
                    &format!(
                        "{bce}: real videos as real plus generated videos as generated, plus the \
                         cross-entropy of the categories of real videos where these are learned"
                    ),
                ),
            ),
            (
                series(Network::Generator),
                define(
                    "loss of the generator",
                    &format!(
                        "{bce}: generated frames and generated videos as real, plus the \
                         cross-entropy of requested categories where these are learned"
                    ),
                ),
            ),
        ]
    }

    fn streams(&self) -> Vec<(&'static str, &'static str)> {
        vec![
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
            (
                "rollout_noise/SPLIT",
                "codes of generated videos that are scored or shown, by number",
            ),
        ]
    }
}

#[cfg(test)]
mod tests;
