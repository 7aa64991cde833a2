//! Roll-outs of a split, scored per frame together with the copy-last-frame baseline.

use std::collections::BTreeMap;

use tch::Tensor;

use super::batch::{self, Batch, Examples, FrameCounts};
use crate::libtorch::convert::{to_host, to_stored};
use reprise_base::{
    config::run::EvaluationSpec,
    metrics::{self, FrameShape},
    scalar::Count,
    vocabulary::{
        MetricName, Predictor,
        rollouts::{PREDICTION, TRUTH},
    },
};
use reprise_data::{Pack, Split};
use reprise_store::store::{
    event::{Score, Scores},
    tensors::StoredTensor,
};

/// PSNR in dB of a frame that is bit-equal to the truth, for which the formula is undefined.
const PSNR_OF_IDENTICAL_FRAMES: f64 = 100.0;
/// Sequences whose frames are saved for the report.
const KEPT_SEQUENCES: usize = 4;

/// The sequences and frames of an evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    pub split: Split,
    /// Maximum number of sequences, counted from the first.
    pub sequences: usize,
    pub batch_size: usize,
    /// Frames to predict; the horizon of training if absent.
    pub predicted: Option<Count>,
}

impl Scope {
    /// Returns the scope of a run's evaluation on a split.
    pub const fn new(split: Split, spec: &EvaluationSpec) -> Self {
        let sequences = match split {
            Split::Train | Split::Validate => spec.validation_sequences,
            Split::Test => spec.test_sequences,
        };
        Self {
            split,
            sequences: sequences.len(),
            batch_size: spec.batch_size.len(),
            predicted: spec.horizon,
        }
    }

    /// Returns the frames of an evaluation, given those of training.
    const fn frame_counts(self, trained: FrameCounts) -> FrameCounts {
        match self.predicted {
            Some(predicted) => FrameCounts { total: trained.context + predicted.len(), ..trained },
            None => trained,
        }
    }
}

/// The results of an evaluation.
#[derive(Debug)]
pub struct Evaluation {
    /// Scores of the model and of the baselines.
    pub scores: Scores,
    /// Tensors of [`rollouts`](reprise_base::vocabulary::rollouts) that show the first sequences.
    pub tensors: Vec<StoredTensor>,
    /// Names of the sequences shown.
    pub names: Vec<String>,
}

/// A metric of a predicted frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameMetric {
    Mse,
    MseSum,
    Psnr,
    Ssim,
}

impl FrameMetric {
    /// The metrics of roll-outs, unless a system chooses others.
    pub const STANDARD: [Self; 3] = [Self::Mse, Self::Psnr, Self::Ssim];

    /// Returns the name in records.
    pub const fn name(self) -> MetricName {
        match self {
            Self::Mse => MetricName::Mse,
            Self::MseSum => MetricName::MseSum,
            Self::Psnr => MetricName::Psnr,
            Self::Ssim => MetricName::Ssim,
        }
    }

    fn of(self, truth: &[f32], prediction: &[f32], shape: FrameShape) -> f64 {
        match self {
            Self::Mse => metrics::mse(truth, prediction),
            Self::MseSum => metrics::mse_sum(truth, prediction),
            Self::Psnr => {
                metrics::psnr(truth, prediction, shape).unwrap_or(PSNR_OF_IDENTICAL_FRAMES)
            }
            Self::Ssim => metrics::ssim(truth, prediction, shape),
        }
    }
}

/// Scores roll-outs of a split and the copy-last-frame baseline by [`FrameMetric::STANDARD`].
///
/// `rollout` takes a batch and the indices of its sequences within the split. It returns
/// `[T, B, C, H, W]`: the context frames followed by the predicted ones.
pub fn score_rollouts(
    pack: &Pack,
    scope: Scope,
    trained: FrameCounts,
    device: tch::Device,
    rollout: impl FnMut(&Batch, &[usize]) -> Tensor,
) -> Evaluation {
    score_rollouts_by(&FrameMetric::STANDARD, pack, scope, trained, device, rollout)
}

/// Same as [`score_rollouts`] with the given metrics.
pub fn score_rollouts_by(
    metrics: &[FrameMetric],
    pack: &Pack,
    scope: Scope,
    trained: FrameCounts,
    device: tch::Device,
    mut rollout: impl FnMut(&Batch, &[usize]) -> Tensor,
) -> Evaluation {
    let Scope { split, sequences, batch_size, predicted: _ } = scope;
    let counts = scope.frame_counts(trained);
    let [height, width, channels] = pack.frame_shape();
    let shape = FrameShape { channels, height, width };
    let indices: Vec<usize> = (0..sequences.min(pack.sequences(split))).collect();

    let mut model = Tally::new(metrics);
    let mut copied = Tally::new(metrics);
    let mut shown = ShownRollouts::default();
    for indices in indices.chunks(batch_size) {
        let batch = batch::load(&Examples { pack, split, indices, device }, counts);
        let prediction = rollout(&batch, indices); // [T, B, C, H, W]
        let (truth, predicted) = (to_host::<f32>(&batch.frames), to_host::<f32>(&prediction));
        for (b, &index) in indices.iter().enumerate() {
            let at = |t: usize| {
                let start = (t * indices.len() + b) * shape.len();
                start..start + shape.len()
            };
            let last = &truth[at(counts.context - 1)];
            let frames = || (counts.context..counts.total).map(at);
            model.sequence(frames().map(|at| (&truth[at.clone()], &predicted[at])), shape);
            copied.sequence(frames().map(|at| (&truth[at], last)), shape);
            if shown.names.len() < KEPT_SEQUENCES {
                shown.names.push(pack.sequence_name(split, index).to_owned());
                let b = batch::size(b);
                shown.truth.push(batch.frames.select(1, b));
                shown.prediction.push(prediction.select(1, b));
            }
        }
    }
    let scores = BTreeMap::from([
        (Predictor::Model.as_str().to_owned(), model.scores()),
        (Predictor::CopyLastFrame.as_str().to_owned(), copied.scores()),
    ]);
    Evaluation { scores, tensors: shown.stored(), names: shown.names }
}

/// Scores of one predictor.
#[derive(Debug)]
struct Tally<'a> {
    metrics: &'a [FrameMetric],
    /// By sequence, frame and metric.
    sequences: Vec<Vec<Vec<f64>>>,
}

impl<'a> Tally<'a> {
    const fn new(metrics: &'a [FrameMetric]) -> Self {
        Self { metrics, sequences: Vec::new() }
    }

    /// Scores a sequence, given as pairs of a true frame and its prediction.
    fn sequence<'b>(
        &mut self,
        frames: impl Iterator<Item = (&'b [f32], &'b [f32])>,
        shape: FrameShape,
    ) {
        let scores = |(truth, prediction)| {
            self.metrics.iter().map(|metric| metric.of(truth, prediction, shape)).collect()
        };
        self.sequences.push(frames.map(scores).collect());
    }

    fn scores(&self) -> BTreeMap<String, Score> {
        let named =
            |(m, metric): (usize, &FrameMetric)| (metric.name().as_str().to_owned(), self.score(m));
        self.metrics.iter().enumerate().map(named).collect()
    }

    fn score(&self, metric: usize) -> Score {
        let of = |frames: &Vec<Vec<f64>>| frames.iter().map(|scores| scores[metric]).collect();
        score(&self.sequences.iter().map(of).collect::<Vec<Vec<f64>>>())
    }
}

/// Averages the values of a metric, one list of frames per sequence.
pub(super) fn score(sequences: &[Vec<f64>]) -> Score {
    let frames = sequences.first().map_or(0, Vec::len);
    let by_sequence: Vec<f64> =
        sequences.iter().map(|frames| mean(frames.iter().copied())).collect();
    let by_frame = (0..frames).map(|t| mean(sequences.iter().map(|frames| frames[t]))).collect();
    Score { mean: mean(by_sequence.iter().copied()), by_frame, by_sequence }
}

/// Computes the mean, summing in the given order.
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len() as f64;
    values.sum::<f64>() / n
}

/// Frames of the first sequences.
#[derive(Debug, Default)]
struct ShownRollouts {
    names: Vec<String>,
    truth: Vec<Tensor>,
    prediction: Vec<Tensor>,
}

impl ShownRollouts {
    fn stored(&self) -> Vec<StoredTensor> {
        let bytes = |frames: &[Tensor]| {
            batch::to_bytes(&Tensor::stack(frames, 0).permute([0, 1, 3, 4, 2])) // [N, T, H, W, C]
        };
        if self.truth.is_empty() {
            return Vec::new();
        }
        [(PREDICTION, &self.prediction), (TRUTH, &self.truth)]
            .map(|(name, frames)| to_stored(name.to_owned(), &bytes(frames)))
            .into()
    }
}
