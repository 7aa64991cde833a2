//! What the training loop requires of a system.

use std::collections::BTreeMap;

use super::{
    batch::Examples,
    evaluate::Scoring,
    state::{BatchPart, TrainState},
};
use reprise_base::{
    scalar::{Epoch, Step},
    vocabulary::{MetricName, SeriesName},
};
use reprise_store::store::{record::SeriesDefinition, tensors::StoredTensor};

/// A system in training: its model with optimizer and schedules.
pub trait System {
    /// Returns the state that training changes.
    fn state(&self) -> &TrainState;

    /// Returns the state that training changes, for loading.
    fn state_mut(&mut self) -> &mut TrainState;

    /// Differentiates the loss of a batch, takes an optimizer step if it is the last batch of an update,
    /// and returns the batch's scalars, one per entry of [`System::series`].
    ///
    /// # Errors
    /// If a quantity is not finite; the parameters that it would have updated are unchanged.
    fn update(&mut self, examples: &Examples<'_>, at: At) -> Result<Scalars, Divergence>;

    /// Takes one optimizer step with the learning rate of the epoch, on as many batches as an update
    /// averages, and includes its result in the average of the weights. Returns the mean scalars.
    ///
    /// # Errors
    /// As [`System::update`].
    fn take_step(&mut self, examples: &Examples<'_>, at: At) -> Result<Scalars, Divergence> {
        self.state_mut().begin(at.epoch);
        let of = self.state().accumulated_batches();
        let size = examples.indices.len() / usize::try_from(of).expect("batches fit in memory");
        let mut mean = Scalars::new();
        for (index, indices) in (0..of).zip(examples.indices.chunks(size)) {
            self.state_mut().select(BatchPart { index, of });
            let at = At { batch: Step(at.step.0 * of + index), ..at };
            for (name, value) in self.update(&Examples { indices, ..*examples }, at)? {
                let share = value / of as f64;
                mean.entry(name).and_modify(|mean| *mean += share).or_insert(share);
            }
        }
        self.state_mut().end();
        Ok(mean)
    }

    /// Returns the series that progress lines show.
    fn watched_series(&self) -> SeriesName {
        SeriesName::Loss
    }

    /// Returns how the model is scored; see [`super::evaluate::evaluate`].
    fn scoring(&self) -> Scoring<'_>;

    /// Returns images of the model's output on training examples for TensorBoard, as bytes in the
    /// form that [`EventFile::pictures`](reprise_store::tensorboard::EventFile::pictures) takes.
    fn training_images(&self, _: &Examples<'_>) -> Vec<StoredTensor> {
        Vec::new()
    }

    /// Returns the metric that chooses the best checkpoint.
    fn choosing_metric(&self) -> MetricName;

    /// Returns the definition of each scalar of [`System::update`].
    fn series(&self) -> Vec<(SeriesName, SeriesDefinition)>;

    /// Returns the names of the random streams that the system draws from, each with its use.
    ///
    /// Initial values and the order of training sequences are not listed here; they have streams of
    /// their own.
    fn streams(&self) -> Vec<(String, &'static str)>;
}

/// Numbers of an update.
pub type Scalars = BTreeMap<SeriesName, f64>;

/// The position of an update in a run.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// Updates of the run before this one.
    pub step: Step,
    pub epoch: Epoch,
    /// Batches of the run before this one: the position of its draws in random streams.
    pub batch: Step,
}

impl At {
    /// Returns the position of an update with a single batch.
    pub const fn update(step: Step, epoch: Epoch) -> Self {
        Self { step, epoch, batch: step }
    }
}

/// A quantity that is NaN or infinite.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    pub quantity: String,
    pub value: f64,
}

impl Divergence {
    /// Checks that all scalars are finite.
    ///
    /// # Errors
    /// If one is not; reports the first by name.
    pub fn check(scalars: &Scalars) -> Result<(), Self> {
        let non_finite = scalars.iter().filter(|(_, value)| !value.is_finite());
        match non_finite.min_by_key(|(series, _)| series.as_str()) {
            Some((series, &value)) => Err(Self { quantity: series.as_str().to_owned(), value }),
            None => Ok(()),
        }
    }
}

/// Why the data of a run does not fit its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitData {
    /// A set of one video has no covariance.
    #[error("failed to compute FVD: it needs at least 2 sequences, but the split has {available}")]
    TooFewVideos { available: usize },
    /// The sequences are shorter than context and horizon together.
    #[error("failed to cut sequences: the run uses {used} frames, but the data has {available}")]
    TooFewFrames { used: usize, available: usize },
    /// The frames have another size than the model takes; both are height, width, channels.
    #[error(
        "failed to fit the data to the model: the model takes frames of {expected:?}, but \
         the data has {found:?}; the setting `resize` of `bair` and `strips` scales frames"
    )]
    FrameShape { expected: [usize; 3], found: [usize; 3] },
    /// The frames are not squares of one of the sides that the model takes.
    #[error(
        "failed to fit the data to the model: the model takes frames of {0}x{0} or {1}x{1}, but the data \
         has {height}x{width}; the setting `resize` of `bair` and `strips` scales frames",
        sides[0], sides[1]
    )]
    NoSuchSide { sides: [usize; 2], height: usize, width: usize },
    /// The model halves frames more often than their sides allow.
    #[error(
        "failed to fit the data to the model: the model takes frames whose sides are multiples of \
         {multiple}, but the data has {height}x{width}"
    )]
    FrameSides { multiple: usize, height: usize, width: usize },
    /// The model predicts positions, but the data has none.
    #[error(
        "failed to fit the data to the model: the model predicts positions, but the data \
         has only frames"
    )]
    NoPositions,
    /// The model predicts keypoints, but the data has none.
    #[error(
        "failed to fit the data to the model: the model predicts keypoints, but the data \
         has only images"
    )]
    NoKeypoints,
    /// The model learns another number of categories than the data has.
    #[error(
        "failed to fit the data to the model: the model learns {expected} categories, but the data \
         has {found}; set `model.mocogan.categories.count={found}`"
    )]
    Categories { expected: usize, found: usize },
}
