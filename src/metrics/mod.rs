//! How close a predicted frame is to the true one.
//!
//! Plain functions of pixel slices: no tensor, no sequence, no averaging over frames beyond what a
//! definition says itself. A frame is planar, `[C, H, W]` row-major, with pixels in [0, 1]; sums are
//! taken in `f64`, in storage order. Start from [`psnr()`], [`ssim()`] and [`mse()`], the three that
//! records carry; [`definitions`] says what each of those names means.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod error;
mod filter;
pub mod keypoints;
pub mod ssim;

pub use error::{mse, mse_sum, psnr};
pub use ssim::{skimage_ssim, ssim};

/// A pixel value in single or double precision; every metric computes in double precision.
pub trait Pixel: Copy + Into<f64> {}

impl Pixel for f32 {}
impl Pixel for f64 {}

/// Channels, height and width of a planar frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameShape {
    /// Number of planes.
    pub channels: usize,
    /// Rows of a plane.
    pub height: usize,
    /// Columns of a plane.
    pub width: usize,
}

impl FrameShape {
    /// Returns the number of pixels of one plane.
    pub const fn plane(&self) -> usize {
        self.height * self.width
    }

    /// Returns the number of values of a frame.
    pub const fn len(&self) -> usize {
        self.channels * self.plane()
    }

    /// Returns whether a frame has no values.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a metric name means; unlike definitions never share a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricDefinition {
    /// Label for a table head, e.g. `PSNR`.
    pub label: String,
    /// Unit, e.g. `dB`; empty where there is none.
    pub unit: String,
    /// Whether larger is better.
    pub higher_is_better: bool,
    /// The whole definition: range, window, reduction, horizon.
    pub definition: String,
    /// Where the definition comes from.
    pub source: String,
}

/// Returns the definitions of the metrics in records, by name: `mse`, `mse_sum`, `psnr`, `ssim` of
/// frames, `state_mse` of states, `rmse`, `rmse_pixels` of keypoints.
pub fn definitions() -> BTreeMap<String, MetricDefinition> {
    let define = |label: &str, unit: &str, higher_is_better, definition: &str, source: &str| {
        MetricDefinition {
            label: label.to_owned(),
            unit: unit.to_owned(),
            higher_is_better,
            definition: definition.to_owned(),
            source: source.to_owned(),
        }
    };
    let finn = "finn_eval_seq of the cvae document's utils.py, after Finn et al. 2016";
    let reduction = "mean over predicted frames, then over sequences; one sample per sequence";
    let honari = "the rcn document's training loss, whose root it reports";
    let coordinates = "mean over all coordinates of all pictures, in f64; one sample per picture";
    BTreeMap::from([
        (
            "state_mse".to_owned(),
            define(
                "state MSE",
                "",
                false,
                &format!(
                    "mean squared difference of the numbers of a position, in the data's units, in \
                     f64; the model is given the first position and all actions and feeds its \
                     predictions back, the baseline repeats the position at the last given frame; \
                     {reduction}"
                ),
                "state_cost of the physical-interaction document's model, without its weight 1e-4",
            ),
        ),
        (
            "rmse".to_owned(),
            define(
                "RMSE",
                "",
                false,
                &format!(
                    "root of the mean squared error of keypoints in the network's units, \
                     (pixel - 48) / 48; {coordinates}"
                ),
                honari,
            ),
        ),
        (
            "rmse_pixels".to_owned(),
            define(
                "RMSE",
                "px",
                false,
                &format!("48 times the RMSE in the network's units; {coordinates}"),
                "ours; the rcn document gives no error in pixels",
            ),
        ),
        (
            "mse".to_owned(),
            define(
                "MSE",
                "",
                false,
                &format!(
                    "mean squared difference over channels and pixels in [0, 1], in f64; {reduction}"
                ),
                finn,
            ),
        ),
        (
            "mse_sum".to_owned(),
            define(
                "MSE per frame, summed",
                "",
                false,
                &format!(
                    "squared difference summed over channels and pixels in [0, 1] of a frame, in \
                     f64; {reduction}"
                ),
                "the convention of the Moving MNIST literature: metric.MSE of OpenSTL, Tan et al. \
                 2023, arXiv:2306.11249",
            ),
        ),
        (
            "psnr".to_owned(),
            define(
                "PSNR",
                "dB",
                true,
                &format!(
                    "-10 log10 of the mean squared difference of each channel, data range 1, in \
                     f64, mean over channels; {reduction}"
                ),
                finn,
            ),
        ),
        (
            "ssim".to_owned(),
            define(
                "SSIM",
                "",
                true,
                &format!(
                    "structural similarity of each channel, 11x11 Gaussian window of sigma 1.5 at \
                     all places where it fits, K1 0.01, K2 0.03, data range 1, population \
                     covariance, in f64, NaN counts as -1, mean over channels; {reduction}"
                ),
                finn,
            ),
        ),
    ])
}

/// Writes a value of a metric with label and unit, e.g. `PSNR 19.94 dB`.
pub fn written(name: &str, value: f64) -> String {
    match definitions().get(name) {
        Some(MetricDefinition { label, unit, .. }) if unit.is_empty() => {
            format!("{label} {value:.4}")
        }
        Some(MetricDefinition { label, unit, .. }) => format!("{label} {value:.2} {unit}"),
        None => format!("{name} {value:.4}"),
    }
}

/// Panics unless both frames have the shape: a mistake of the caller.
#[track_caller]
fn assert_frames<T>(truth: &[T], prediction: &[T], shape: FrameShape) {
    assert!(!shape.is_empty(), "a frame has pixels");
    assert_eq!(truth.len(), shape.len(), "the true frame is [C, H, W]");
    assert_eq!(prediction.len(), shape.len(), "the predicted frame is [C, H, W]");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recorded_metric_is_defined_and_says_which_way_is_better() {
        let definitions = definitions();
        let better: Vec<_> =
            definitions.iter().map(|(name, it)| (name.as_str(), it.higher_is_better)).collect();
        let expected = [
            ("mse", false),
            ("mse_sum", false),
            ("psnr", true),
            ("rmse", false),
            ("rmse_pixels", false),
            ("ssim", true),
            ("state_mse", false),
        ];
        assert_eq!(better, expected);
        let reductions = ["mean over predicted frames", "mean over all coordinates"];
        assert!(
            definitions
                .values()
                .all(|it| reductions.iter().any(|reduction| it.definition.contains(reduction)))
        );
    }
}
