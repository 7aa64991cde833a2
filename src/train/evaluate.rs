//! Roll-outs of a split, scored frame by frame beside the copy-last-frame baseline.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::{
    batch::{self, Batch, Examples},
    system::Horizon,
};
use crate::{
    config::run::EvaluationSpec,
    data::{Pack, Split},
    metrics::{self, FrameShape},
    scalar::Count,
    store::{
        event::{Score, Scores},
        tensors::StoredTensor,
    },
};

/// Name of the trained model among predictors.
pub const MODEL: &str = "model";
/// Name of the baseline that repeats the last context frame.
pub const COPY_LAST_FRAME: &str = "copy_last_frame";

/// PSNR of a frame that equals the truth bit for bit, where the formula has no value.
const PSNR_OF_IDENTICAL_FRAMES: f64 = 100.0;
/// Sequences whose pictures are kept for the report.
const KEPT_SEQUENCES: usize = 4;

/// What an evaluation covers.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// Which split.
    pub split: Split,
    /// At most this many sequences, from the first on.
    pub sequences: usize,
    /// Sequences rolled out together.
    pub batch_size: usize,
    /// Frames to be predicted, if not as many as in training.
    pub predicted: Option<Count>,
}

impl Scope {
    /// Returns the scope of a run's evaluations on a split.
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

    /// Returns the frames that are used, where training uses `trained`.
    const fn horizon(self, trained: Horizon) -> Horizon {
        match self.predicted {
            Some(predicted) => Horizon { frames: trained.context + predicted.len(), ..trained },
            None => trained,
        }
    }
}

/// Scores of a split, and the pictures of its first sequences.
#[derive(Debug)]
pub struct Evaluation {
    /// Scores of the model and of the baseline.
    pub scores: Scores,
    /// `truth`, `prediction`: u8 `[N, T, H, W, C]`.
    pub pictures: Vec<StoredTensor>,
    /// Names of the pictured sequences.
    pub names: Vec<String>,
}

/// A number that a predicted frame is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameMetric {
    /// `mse`.
    Mse,
    /// `mse_sum`.
    MseSum,
    /// `psnr`.
    Psnr,
    /// `ssim`.
    Ssim,
}

impl FrameMetric {
    /// What roll-outs are scored by unless a system asks for more.
    pub const STANDARD: [Self; 3] = [Self::Mse, Self::Psnr, Self::Ssim];

    /// Returns the name, one of [`metrics::definitions`].
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mse => "mse",
            Self::MseSum => "mse_sum",
            Self::Psnr => "psnr",
            Self::Ssim => "ssim",
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

/// Scores roll-outs of a split beside the copy-last-frame baseline, by [`FrameMetric::STANDARD`].
///
/// `rollout` predicts the frames after the context of a batch whose indices within the split it is
/// told: `[T, B, C, H, W]` with the context in front.
pub fn score_rollouts(
    pack: &Pack,
    scope: Scope,
    horizon: Horizon,
    device: tch::Device,
    rollout: impl FnMut(&Batch, &[usize]) -> Tensor,
) -> Evaluation {
    score_rollouts_by(&FrameMetric::STANDARD, pack, scope, horizon, device, rollout)
}

/// Scores roll-outs as [`score_rollouts`] does, by these metrics.
pub fn score_rollouts_by(
    metrics: &[FrameMetric],
    pack: &Pack,
    scope: Scope,
    horizon: Horizon,
    device: tch::Device,
    mut rollout: impl FnMut(&Batch, &[usize]) -> Tensor,
) -> Evaluation {
    let Scope { split, sequences, batch_size, predicted: _ } = scope;
    let horizon = scope.horizon(horizon);
    let [height, width, channels] = pack.frame_shape();
    let shape = FrameShape { channels, height, width };
    let indices: Vec<usize> = (0..sequences.min(pack.sequences(split))).collect();

    let mut model = Tally::new(metrics);
    let mut copied = Tally::new(metrics);
    let mut pictures = Pictures::default();
    for indices in indices.chunks(batch_size) {
        let batch = batch::load(&Examples { pack, split, indices, device }, horizon);
        let prediction = rollout(&batch, indices); // [T, B, C, H, W]
        let (truth, predicted) = (host(&batch.frames), host(&prediction));
        for (b, &index) in indices.iter().enumerate() {
            let at = |t: usize| {
                let start = (t * indices.len() + b) * shape.len();
                start..start + shape.len()
            };
            let last = &truth[at(horizon.context - 1)];
            let frames = || (horizon.context..horizon.frames).map(at);
            model.sequence(frames().map(|at| (&truth[at.clone()], &predicted[at])), shape);
            copied.sequence(frames().map(|at| (&truth[at], last)), shape);
            if pictures.names.len() < KEPT_SEQUENCES {
                pictures.names.push(pack.sequence_name(split, index).to_owned());
                let b = i64::try_from(b).expect("a batch index fits an i64");
                pictures.truth.push(batch.frames.select(1, b));
                pictures.prediction.push(prediction.select(1, b));
            }
        }
    }
    let scores = BTreeMap::from([
        (MODEL.to_owned(), model.scores()),
        (COPY_LAST_FRAME.to_owned(), copied.scores()),
    ]);
    let names = std::mem::take(&mut pictures.names);
    Evaluation { scores, pictures: pictures.stored(), names }
}

/// Scores of every frame of every sequence, by metric.
#[derive(Debug)]
struct Tally<'a> {
    metrics: &'a [FrameMetric],
    sequences: Vec<Vec<Vec<f64>>>,
}

impl<'a> Tally<'a> {
    const fn new(metrics: &'a [FrameMetric]) -> Self {
        Self { metrics, sequences: Vec::new() }
    }

    /// Scores pairs of a true frame and its prediction.
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
        let named = |(m, metric): (usize, &FrameMetric)| (metric.name().to_owned(), self.score(m));
        self.metrics.iter().enumerate().map(named).collect()
    }

    fn score(&self, metric: usize) -> Score {
        let of = |frames: &Vec<Vec<f64>>| frames.iter().map(|scores| scores[metric]).collect();
        score(&self.sequences.iter().map(of).collect::<Vec<Vec<f64>>>())
    }
}

/// Averages a metric's values, one list of frames a sequence.
pub(super) fn score(sequences: &[Vec<f64>]) -> Score {
    let frames = sequences.first().map_or(0, Vec::len);
    let by_sequence: Vec<f64> =
        sequences.iter().map(|frames| mean(frames.iter().copied())).collect();
    let by_frame = (0..frames).map(|t| mean(sequences.iter().map(|frames| frames[t]))).collect();
    Score { mean: mean(by_sequence.iter().copied()), by_frame, by_sequence }
}

/// Mean in the order given.
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len() as f64;
    values.sum::<f64>() / n
}

/// Copies a tensor to host memory as f32.
pub(super) fn host(tensor: &Tensor) -> Vec<f32> {
    let tensor = tensor.to_device(tch::Device::Cpu).to_kind(Kind::Float).contiguous();
    let mut values = vec![0.0; tensor.numel()];
    tensor.copy_data(&mut values, tensor.numel());
    values
}

/// Pictures of the first sequences.
#[derive(Debug, Default)]
struct Pictures {
    names: Vec<String>,
    truth: Vec<Tensor>,
    prediction: Vec<Tensor>,
}

impl Pictures {
    fn stored(&self) -> Vec<StoredTensor> {
        let bytes = |frames: &[Tensor]| {
            let stacked = Tensor::stack(frames, 0).permute([0, 1, 3, 4, 2]); // [N, T, H, W, C]
            (stacked * 255.0).round().clamp(0.0, 255.0).to_kind(Kind::Uint8)
        };
        if self.truth.is_empty() {
            return Vec::new();
        }
        [("prediction", &self.prediction), ("truth", &self.truth)]
            .map(|(name, frames)| {
                crate::libtorch::convert::to_stored(name.to_owned(), &bytes(frames))
            })
            .into()
    }
}
