//! How close a predicted frame is to the true one.
//!
//! Plain functions of pixel slices: no tensor, no sequence, no averaging over frames beyond what a
//! definition says itself. A frame is planar, `[C, H, W]` row-major, with pixels in [0, 1]; sums are
//! taken in `f64`, in storage order. Start from [`psnr()`], [`ssim()`] and [`mse()`], the three that
//! records carry; [`definitions`] says what each of those names means.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub mod distribution;
mod error;
mod filter;
pub mod ssim;

pub use error::{mse, psnr};
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

/// Returns the definitions of the metrics in records, by name.
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
    let mut definitions = of_sets();
    definitions.extend([
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
    ]);
    definitions
}

/// Returns the definitions of the metrics of generated videos, which have no true frame.
fn of_sets() -> BTreeMap<String, MetricDefinition> {
    let define = |name: &str, label: &str, higher_is_better, definition: String, source: &str| {
        let definition = MetricDefinition {
            label: label.to_owned(),
            unit: String::new(),
            higher_is_better,
            definition,
            source: source.to_owned(),
        };
        (name.to_owned(), definition)
    };
    let energy = |of: &str| {
        format!(
            "2 mean|x - y| - mean|x - x'| - mean|y - y'| between videos x of the predictor and as many \
             videos y that are cut, evenly spread, out of held-out clips; {of}, in [0, 1], in f64; |.| is \
             the root of the mean square; 0 for equal sets"
        )
    };
    let (szekely, own) = ("Székely & Rizzo 2013, as V-statistic", "this program");
    BTreeMap::from([
        define(
            "energy_distance",
            "energy distance",
            false,
            energy("a video is the means over 8x8 blocks of each frame"),
            szekely,
        ),
        define(
            "motion_energy_distance",
            "motion distance",
            false,
            energy("a video is the changes from frame to frame of the means over 8x8 blocks"),
            szekely,
        ),
        define(
            "category_accuracy",
            "category accuracy",
            true,
            "share of generated videos that move most like the requested category: the mean absolute \
             changes of means over 8x8 blocks lie nearest to the mean of that category's training videos; \
             of the baseline `real_videos`, the share of held-out videos that move like their own"
                .to_owned(),
            own,
        ),
        define(
            "recognition_accuracy",
            "recognition accuracy",
            true,
            "share of held-out real videos whose category the video discriminator names".to_owned(),
            own,
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
        assert_eq!(
            better,
            [
                ("category_accuracy", true),
                ("energy_distance", false),
                ("motion_energy_distance", false),
                ("mse", false),
                ("psnr", true),
                ("recognition_accuracy", true),
                ("ssim", true)
            ]
        );
        assert!(definitions.values().all(|it| !it.definition.is_empty()));
    }
}
