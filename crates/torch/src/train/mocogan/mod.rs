//! Training of MoCoGAN (`Trainer.train` of sergeytulyakov/mocogan `trainers.py`).
//!
//! A step is one iteration of the original: one update of each of the three networks, on fresh
//! samples. Videos are cut out of the sequences of the batch; frames for the image discriminator
//! have an order of their own.

use tch::{Device, Kind};

use super::{
    batch::Examples,
    evaluate::Scoring,
    noise::{StepNoise, choice_stream_name, rollout_stream_name, stream_name},
    state::TrainState,
    system::{At, Divergence, Scalars, System, UnfitData},
};
use crate::{
    models::{
        ChoicePurpose, NoisePurpose,
        mocogan::{Mocogan, MocoganNetwork, training::loss},
    },
    nn::params::Builder,
};
use reprise_base::{
    config::{
        RunSpec,
        model::{
            MocoganSpec,
            mocogan::{Categories, CategoryLoss, VideoDiscriminator},
        },
        optim::OptimizerSpec,
    },
    scalar::Seed,
    vocabulary::{MetricName, SeriesName},
};
use reprise_data::Pack;
use reprise_store::store::record::SeriesDefinition;

mod judge;
mod real;
pub mod sample;

use real::{Cutting, IMAGE_ORDER_STREAM, START_STREAM};

/// Checks that the networks can be trained on the videos of a pack.
///
/// # Errors
/// If frames have another size, videos are too short, or the data has another number of categories
/// than the model learns.
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

/// Returns whether generated categories mean those of the data: both networks learn them.
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
    /// Categories of the data; labels are indices into this list.
    categories: Vec<String>,
    /// Videos that are generated at a time in evaluations.
    batch_size: i64,
    device: Device,
}

impl MocoganSystem {
    /// Builds the networks with their initial weights.
    ///
    /// # Panics
    /// If the optimizer is not Adam, which [`RunSpec::check`] rejects.
    pub fn new(spec: &RunSpec, mocogan: &MocoganSpec, pack: &Pack, device: Device) -> Self {
        let OptimizerSpec::Adam(adam) = spec.optimizer else {
            panic!("MoCoGAN requires Adam");
        };
        let builder = Builder::new(spec.seed, Kind::Float, device);
        let model = Mocogan::new(&builder, mocogan);
        let state = TrainState::of_modules(
            adam,
            builder.finish(),
            MocoganNetwork::ORDER.map(MocoganNetwork::module),
        );
        Self {
            model,
            state,
            spec: mocogan.clone(),
            seed: spec.seed,
            cutting: Cutting::new(mocogan, spec.seed),
            categories: real::categories(pack),
            batch_size: spec.evaluation.batch_size.size(),
            device,
        }
    }

    /// Returns the networks with the initial weights that the seed draws.
    fn untrained(&self) -> Mocogan {
        Mocogan::new(&Builder::new(self.seed, Kind::Float, self.device), &self.spec)
    }

    fn is_conditional(&self) -> bool {
        is_conditional(&self.spec)
    }

    /// Returns the names of the categories of the latent code, those of the data if these are learned.
    pub fn category_names(&self) -> Vec<String> {
        match self.spec.categories {
            Categories::None => Vec::new(),
            Categories::Count(_) if self.is_conditional() => self.categories.clone(),
            Categories::Count(_) => self.code_names(),
        }
    }

    /// Returns the names of categories that are not those of the data.
    fn code_names(&self) -> Vec<String> {
        (0..self.category_count()).map(|code| format!("code {code}")).collect()
    }

    /// Returns the largest number of frames of a video, if there is one.
    pub const fn frames_max(&self) -> Option<i64> {
        self.model.generator.frames_max()
    }

    /// Returns the number of categories of the latent code, 1 if it has none.
    fn category_count(&self) -> usize {
        match self.spec.categories {
            Categories::None => 1,
            Categories::Count(count) => count.len(),
        }
    }
}

/// Returns the series of a network's loss.
const fn series(network: MocoganNetwork) -> SeriesName {
    match network {
        MocoganNetwork::ImageDiscriminator => SeriesName::ImageDiscriminatorLoss,
        MocoganNetwork::VideoDiscriminator => SeriesName::VideoDiscriminatorLoss,
        MocoganNetwork::Generator => SeriesName::GeneratorLoss,
    }
}

impl System for MocoganSystem {
    fn state(&self) -> &TrainState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut TrainState {
        &mut self.state
    }

    /// Updates each network once, in the original's order; a loss is computed before its update.
    fn update(&mut self, examples: &Examples<'_>, at: At) -> Result<Scalars, Divergence> {
        let real = self.cutting.real(examples, &self.categories, at.batch);
        let mut random = StepNoise::new(self.seed, at.batch);
        let mut scalars = Scalars::new();
        for (module, network) in MocoganNetwork::ORDER.into_iter().enumerate() {
            self.state.params.zero_grad();
            let loss = loss(&self.model, network, &real, &mut random);
            scalars.insert(series(network), loss.double_value(&[]));
            Divergence::check(&scalars)?;
            loss.backward();
            self.state.step_module(module);
        }
        Ok(scalars)
    }

    fn watched_series(&self) -> SeriesName {
        series(MocoganNetwork::Generator)
    }

    fn scoring(&self) -> Scoring<'_> {
        Scoring::Whole(self)
    }

    fn choosing_metric(&self) -> MetricName {
        MetricName::EnergyDistance
    }

    fn series(&self) -> Vec<(SeriesName, SeriesDefinition)> {
        let define = |label, definition: &str| SeriesDefinition::new(label, "", definition);
        let bce = "binary cross-entropy with logits, mean over the discriminator's outputs";
        vec![
            (
                series(MocoganNetwork::ImageDiscriminator),
                define(
                    "loss of the image discriminator",
                    &format!("{bce}: real frames as real plus generated frames as generated"),
                ),
            ),
            (
                series(MocoganNetwork::VideoDiscriminator),
                define(
                    "loss of the video discriminator",
                    &format!(
                        "{bce}: real videos as real plus generated videos as generated, plus the \
                         cross-entropy of the categories of real videos where these are learned"
                    ),
                ),
            ),
            (
                series(MocoganNetwork::Generator),
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

    fn streams(&self) -> Vec<(String, &'static str)> {
        let noise = |purpose, use_| (stream_name(purpose).to_owned(), use_);
        let choice = |purpose, use_| (choice_stream_name(purpose).to_owned(), use_);
        vec![
            (IMAGE_ORDER_STREAM.to_owned(), "order of the frames for the image discriminator"),
            (START_STREAM.to_owned(), "first frame of each training video, by step"),
            noise(NoisePurpose::Content, "content codes, by step"),
            noise(NoisePurpose::MotionStart, "initial states of the motion network, by step"),
            noise(NoisePurpose::Motion, "inputs of the motion network, by step"),
            noise(NoisePurpose::Instance, "noise on the discriminators' inputs, by step"),
            choice(ChoicePurpose::Category, "categories of generated videos, by step"),
            choice(ChoicePurpose::Frames, "generated frames for the image discriminator, by step"),
            choice(ChoicePurpose::Start, "first frame of a video in an LSTM's motion, by step"),
            (rollout_stream_name("SPLIT"), "codes of videos generated for evaluation, by number"),
        ]
    }
}

#[cfg(test)]
mod tests;
