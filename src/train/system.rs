//! What the trainer needs of a system.

use std::collections::BTreeMap;

use super::{
    batch::Examples,
    convlstm::{self, ConvLstmSystem},
    cvae::{self, CvaeSystem},
    evaluate::{Evaluation, Scope},
    mocogan::{self, MocoganSystem},
    physical_interaction::{self, PhysicalInteractionSystem},
    rcn::{self, RcnSystem},
    state::TrainState,
};
use crate::{
    config::{
        RunSpec,
        model::{FramesUsed, ModelSpec},
    },
    data::Pack,
    scalar::{Count, Epoch, Step},
    store::{record::SeriesDefinition, tensors::StoredTensor},
};

/// A system in training: its model with optimizer and schedules.
pub trait System {
    /// Returns what training changes.
    fn state(&self) -> &TrainState;

    /// Returns what training changes, for loading.
    fn state_mut(&mut self) -> &mut TrainState;

    /// Takes one optimizer step and returns its scalars by the names of [`System::series`].
    ///
    /// # Errors
    /// If a quantity is not finite; what it would have moved is left as it was.
    fn update(&mut self, examples: &Examples<'_>, at: At) -> Result<Scalars, Divergence>;

    /// Returns the series that a progress line shows.
    fn watched_series(&self) -> &'static str {
        "loss"
    }

    /// Scores the model on the first sequences of a split, beside the baselines of its task.
    ///
    /// Systems that predict frames call [`super::evaluate::score_rollouts`].
    fn evaluate(&self, pack: &Pack, scope: Scope, device: tch::Device) -> Evaluation;

    /// Returns pictures of what the model makes of training examples, for whoever watches: bytes as
    /// [`EventFile::pictures`](crate::tensorboard::EventFile::pictures) takes them.
    fn training_pictures(&self, _: &Examples<'_>) -> Vec<StoredTensor> {
        Vec::new()
    }

    /// Returns the metric that chooses the best checkpoint, one of [`crate::metrics::definitions`].
    fn choosing_metric(&self) -> &'static str;

    /// Returns what each scalar of [`System::update`] means.
    fn series(&self) -> Vec<(&'static str, SeriesDefinition)>;

    /// Returns the named random streams that the system draws from by itself and what each is used
    /// for; initial values and the order of training sequences are the trainer's to name.
    fn streams(&self) -> Vec<(&'static str, &'static str)>;
}

/// Series that the trainer adds to those of every system.
pub const LEARNING_RATE: &str = "learning_rate";

/// Numbers of an update by series name.
pub type Scalars = BTreeMap<&'static str, f64>;

/// Where in training an update stands.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// The update, counted over the whole run.
    pub step: Step,
    /// Its epoch.
    pub epoch: Epoch,
}

/// Frames of a sequence that a system uses.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// Frames that are given.
    pub context: usize,
    /// Frames altogether.
    pub frames: usize,
}

impl Horizon {
    /// Puts given and predicted frames one after the other.
    pub const fn new(context: Count, predicted: Count) -> Self {
        Self { context: context.len(), frames: context.len() + predicted.len() }
    }
}

/// A quantity that stopped being finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// Which quantity.
    pub quantity: String,
    /// Its value.
    pub value: f64,
}

impl Divergence {
    /// Refuses scalars of which one is not finite.
    ///
    /// # Errors
    /// If one is not: the first by name.
    pub fn check(scalars: &Scalars) -> Result<(), Self> {
        match scalars.iter().find(|(_, value)| !value.is_finite()) {
            Some((&quantity, &value)) => Err(Self { quantity: quantity.to_owned(), value }),
            None => Ok(()),
        }
    }
}

/// Why the data of a run does not fit its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitData {
    /// There are too few frames for context and horizon.
    #[error("failed to cut sequences: the run uses {used} frames, the data has {available}")]
    TooFewFrames {
        /// Frames that the run uses.
        used: usize,
        /// Frames of a sequence.
        available: usize,
    },
    /// The model is built for frames of another size.
    #[error(
        "failed to fit the data to the model: it takes {expected:?} frames, the data has {found:?}"
    )]
    FrameShape {
        /// Height, width, channels that the model takes.
        expected: [usize; 3],
        /// Height, width, channels of the data.
        found: [usize; 3],
    },
    /// The model halves frames more often than their sides allow.
    #[error(
        "failed to fit the data to the model: it takes frames whose sides are multiples of \
         {multiple}, the data has {height}x{width}"
    )]
    FrameSides {
        /// What both sides must be a multiple of.
        multiple: usize,
        /// Rows of a frame.
        height: usize,
        /// Columns of a frame.
        width: usize,
    },
    /// The model predicts states, but the data has none.
    #[error(
        "failed to fit the data to the model: it predicts positions, the data has frames alone"
    )]
    NoPositions,
    /// The model learns where keypoints are, and the data does not say.
    #[error("failed to fit the data to the model: its frames have no keypoints")]
    NoKeypoints,
    /// The model learns another number of categories.
    #[error(
        "failed to fit the data to the model: it learns {expected} categories, the data has {found}; \
         set `model.mocogan.categories.count={found}`"
    )]
    Categories {
        /// Categories of the latent code.
        expected: usize,
        /// Categories of the data.
        found: usize,
    },
}

/// Refuses data that the model of a run cannot learn from.
///
/// # Errors
/// If sequences are too short or frames have another size.
pub fn check_data(spec: &RunSpec, pack: &Pack) -> Result<(), UnfitData> {
    for FramesUsed { context, horizon } in spec.frames_used().into_iter().flatten() {
        let (used, available) = (Horizon::new(context, horizon).frames, pack.frames());
        if used > available {
            return Err(UnfitData::TooFewFrames { used, available });
        }
    }
    match &spec.model {
        ModelSpec::Cvae(_) => cvae::check_data(pack),
        ModelSpec::PhysicalInteraction(_) => physical_interaction::check_data(pack),
        ModelSpec::ConvLstm(_) => convlstm::check_data(pack),
        ModelSpec::Mocogan(mocogan) => mocogan::check_data(mocogan, pack),
        ModelSpec::Rcn(_) => rcn::check_data(pack),
    }
}

/// Builds the system of a run on a device for the data of a pack.
pub fn build(spec: &RunSpec, pack: &Pack, device: tch::Device) -> Box<dyn System> {
    match &spec.model {
        ModelSpec::Cvae(cvae) => {
            Box::new(CvaeSystem::new(spec, cvae, pack.condition_size(), device))
        }
        ModelSpec::PhysicalInteraction(model) => {
            Box::new(PhysicalInteractionSystem::new(spec, model, pack, device))
        }
        ModelSpec::ConvLstm(convlstm) => Box::new(ConvLstmSystem::new(spec, convlstm, device)),
        ModelSpec::Mocogan(mocogan) => Box::new(MocoganSystem::new(spec, mocogan, pack, device)),
        ModelSpec::Rcn(rcn) => Box::new(RcnSystem::new(spec, rcn, pack.position_size(), device)),
    }
}
