//! Roll-outs of a split, scored frame by frame beside the copy-last-frame baseline.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::{batch, system::System};
use crate::{
    data::{Pack, Split},
    metrics::{self, FrameShape},
    store::{
        event::{Score, Scores},
        tensors::StoredTensor,
    },
};

/// Name of the trained model among predictors.
pub const MODEL: &str = "model";
/// Name of the baseline that repeats the last context frame.
pub const COPY_LAST_FRAME: &str = "copy_last_frame";
/// Metric that chooses the best checkpoint.
pub const CHOOSING_METRIC: &str = "psnr";

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

/// Rolls out and scores a split.
pub fn evaluate(system: &dyn System, pack: &Pack, scope: Scope, device: tch::Device) -> Evaluation {
    let Scope { split, sequences, batch_size } = scope;
    let horizon = system.horizon();
    let [height, width, channels] = pack.frame_shape();
    let shape = FrameShape { channels, height, width };
    let indices: Vec<usize> = (0..sequences.min(pack.sequences(split))).collect();

    let mut model = Tally::default();
    let mut copied = Tally::default();
    let mut pictures = Pictures::default();
    for indices in indices.chunks(batch_size) {
        let batch = batch::load(pack, split, indices, horizon, device);
        let prediction = system.rollout(&batch, split, indices); // [T, B, C, H, W]
        let truth = host(&batch.frames);
        let predicted = host(&prediction);
        let frame = |values: &[f32], t: usize, b: usize| -> Vec<f32> {
            let start = (t * indices.len() + b) * shape.len();
            values[start..start + shape.len()].to_vec()
        };
        for (b, &index) in indices.iter().enumerate() {
            let last = frame(&truth, horizon.context - 1, b);
            let pairs: Vec<_> = (horizon.context..horizon.frames)
                .map(|t| (frame(&truth, t, b), frame(&predicted, t, b)))
                .collect();
            model.sequence(pairs.iter().map(|(x, y)| frame_scores(x, y, shape)));
            copied.sequence(pairs.iter().map(|(x, _)| frame_scores(x, &last, shape)));
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

/// Scores of one frame, in the order of [`METRICS`].
type FrameScores = [f64; METRICS.len()];

/// Metric names in the order in which [`frame_scores`] returns them.
const METRICS: [&str; 3] = ["mse", "psnr", "ssim"];

fn frame_scores(truth: &[f32], prediction: &[f32], shape: FrameShape) -> FrameScores {
    [
        metrics::mse(truth, prediction),
        metrics::psnr(truth, prediction, shape).unwrap_or(PSNR_OF_IDENTICAL_FRAMES),
        metrics::ssim(truth, prediction, shape),
    ]
}

/// Scores of every frame of every sequence.
#[derive(Debug, Default)]
struct Tally {
    sequences: Vec<Vec<FrameScores>>,
}

impl Tally {
    fn sequence(&mut self, frames: impl Iterator<Item = FrameScores>) {
        self.sequences.push(frames.collect());
    }

    fn scores(&self) -> BTreeMap<String, Score> {
        METRICS.iter().enumerate().map(|(m, name)| ((*name).to_owned(), self.score(m))).collect()
    }

    fn score(&self, metric: usize) -> Score {
        let frames = self.sequences.first().map_or(0, Vec::len);
        let by_sequence: Vec<f64> = self
            .sequences
            .iter()
            .map(|frames| mean(frames.iter().map(|scores| scores[metric])))
            .collect();
        let by_frame = (0..frames)
            .map(|t| mean(self.sequences.iter().map(|frames| frames[t][metric])))
            .collect();
        Score { mean: mean(by_sequence.iter().copied()), by_frame, by_sequence }
    }
}

/// Mean in the order given.
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len() as f64;
    values.sum::<f64>() / n
}

/// Copies a tensor to host memory as f32.
fn host(tensor: &Tensor) -> Vec<f32> {
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
