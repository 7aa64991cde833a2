//! Metrics of predicted frames and their averages.

use reprise_base::{
    metrics::{self, FrameShape},
    vocabulary::MetricName,
};
use reprise_store::store::event::Score;

/// PSNR in dB of a frame that is bit-equal to the truth, for which the formula is undefined.
const PSNR_OF_IDENTICAL_FRAMES: f64 = 100.0;

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

    pub(super) fn of(self, truth: &[f32], prediction: &[f32], shape: FrameShape) -> f64 {
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

/// Returns the score of a metric of sets, which has no value by frame or sequence.
pub fn of_set(value: f64) -> Score {
    Score { mean: value, by_frame: Vec::new(), by_sequence: Vec::new() }
}

/// Averages the values of a metric, one list of frames per sequence.
pub(super) fn score(sequences: &[&Vec<f64>]) -> Score {
    let frames = sequences.first().map_or(0, |frames| frames.len());
    let by_sequence: Vec<f64> =
        sequences.iter().map(|frames| mean(frames.iter().copied())).collect();
    let by_frame = (0..frames).map(|t| mean(sequences.iter().map(|frames| frames[t]))).collect();
    Score { mean: mean(by_sequence.iter().copied()), by_frame, by_sequence }
}

/// Computes the mean, summing in the given order.
pub(super) fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len() as f64;
    values.sum::<f64>() / n
}
