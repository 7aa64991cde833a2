//! The definitions of the metrics in records.
//!
//! Records store these texts, and the report compares them: a changed text makes another metric.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    config::feature_network::{FeatureNetworks, NetworkDigest},
    vocabulary::MetricName,
};

/// The definition of a metric; the report puts different definitions into different columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricDefinition {
    /// Label for tables and axes.
    pub label: String,
    /// Unit, such as `dB`; empty if there is none.
    pub unit: String,
    pub higher_is_better: bool,
    /// The complete definition: range, window, reduction, horizon.
    pub definition: String,
    pub source: String,
}

/// The better direction of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Better {
    Higher,
    Lower,
}

const FINN: &str = "finn_eval_seq of the cvae document's utils.py, after Finn et al. 2016";
const SZEKELY: &str = "Székely & Rizzo 2013, as V-statistic";
const OWN: &str = "this program";

/// Returns the definitions of the metrics in records, by name.
pub fn definitions() -> BTreeMap<String, MetricDefinition> {
    let groups = [of_frames(), of_states(), of_keypoints(), of_videos()];
    groups.into_iter().flatten().map(|(name, it)| (name.to_owned(), it)).collect()
}

/// Returns the definitions of the metrics in the features of networks, by name. The name contains the beginning of the
/// network's SHA-256, and the definition all of it, so scores in the features of different networks never meet.
pub fn network_definitions(
    networks: &FeatureNetworks<NetworkDigest>,
) -> BTreeMap<String, MetricDefinition> {
    let define = |metric: MetricName, label: &str, digest: &NetworkDigest, text: String, source| {
        let short = digest.short();
        let definition = MetricDefinition {
            label: format!("{label} ({short})"),
            unit: String::new(),
            higher_is_better: false,
            definition: format!("{text}; features of the network with SHA-256 {digest}"),
            source: str::to_owned(source),
        };
        (metric.of_network(&short), definition)
    };
    let lpips = networks.lpips.as_ref().map(|digest| {
        let text = format!(
            "squared difference of features of unit length, weighted by the network's heads, mean over \
             places, sum over layers, in f64; {OVER_FRAMES}"
        );
        define(MetricName::Lpips, "LPIPS", digest, text, "Zhang et al. 2018, arXiv:1801.03924")
    });
    let fvd = networks.fvd.as_ref().map(|digest| {
        let text = "Fr\u{e9}chet distance of the features of all predicted videos, context frames and all \
                    samples included, from those of all true videos (of `mocogan`: of generated videos from as many \
                    held-out clips), covariances over n - 1, in f64"
            .to_owned();
        define(MetricName::Fvd, "FVD", digest, text, "Unterthiner et al. 2018, arXiv:1812.01717")
    });
    lpips.into_iter().chain(fvd).collect()
}

/// Formats a value of a metric with label and unit, such as `PSNR 19.94 dB`.
pub fn written(name: &str, value: f64) -> String {
    match definitions().get(name) {
        Some(MetricDefinition { label, unit, .. }) if unit.is_empty() => {
            format!("{label} {value:.4}")
        }
        Some(MetricDefinition { label, unit, .. }) => format!("{label} {value:.2} {unit}"),
        None => format!("{name} {value:.4}"),
    }
}

/// A metric name and its definition.
type Named = (&'static str, MetricDefinition);

/// Defines a metric by name, label and unit.
fn define(
    [name, label, unit]: [&'static str; 3],
    better: Better,
    definition: String,
    source: &str,
) -> Named {
    let definition = MetricDefinition {
        label: label.to_owned(),
        unit: unit.to_owned(),
        higher_is_better: better == Better::Higher,
        definition,
        source: source.to_owned(),
    };
    (name, definition)
}

/// The reduction over frames and sequences.
const OVER_FRAMES: &str =
    "mean over predicted frames, then over sequences; one sample per sequence";

fn of_frames() -> Vec<Named> {
    vec![
        define(
            ["mse", "MSE", ""],
            Better::Lower,
            format!(
                "mean squared difference over channels and pixels in [0, 1], in f64; {OVER_FRAMES}"
            ),
            FINN,
        ),
        define(
            ["mse_sum", "MSE per frame, summed", ""],
            Better::Lower,
            format!(
                "squared difference summed over channels and pixels in [0, 1] of a frame, in f64; \
                 {OVER_FRAMES}"
            ),
            "the convention of the Moving MNIST literature: metric.MSE of OpenSTL, Tan et al. 2023, \
             arXiv:2306.11249",
        ),
        define(
            ["psnr", "PSNR", "dB"],
            Better::Higher,
            format!(
                "-10 log10 of the mean squared difference of each channel, data range 1, in f64, \
                 mean over channels; {OVER_FRAMES}"
            ),
            FINN,
        ),
        define(
            ["ssim", "SSIM", ""],
            Better::Higher,
            format!(
                "structural similarity of each channel, 11x11 Gaussian window of sigma 1.5 at all \
                 places where it fits, K1 0.01, K2 0.03, data range 1, population covariance, in \
                 f64, NaN counts as -1, mean over channels; {OVER_FRAMES}"
            ),
            FINN,
        ),
    ]
}

fn of_states() -> Vec<Named> {
    vec![define(
        ["state_mse", "state MSE", ""],
        Better::Lower,
        format!(
            "mean squared difference of the numbers of a position, in the data's units, in f64; the \
             model is given the first position and all actions and feeds its predictions back, the \
             baseline repeats the position at the last given frame; {OVER_FRAMES}"
        ),
        "state_cost of the physical-interaction document's model, without its weight 1e-4",
    )]
}

fn of_keypoints() -> Vec<Named> {
    let coordinates = "mean over all coordinates of all pictures, in f64; one sample per picture";
    vec![
        define(
            ["rmse", "RMSE", ""],
            Better::Lower,
            format!(
                "root of the mean squared error of keypoints in the network's units, \
                 (pixel - 48) / 48; {coordinates}"
            ),
            "the rcn document's training loss, whose root it reports",
        ),
        define(
            ["rmse_pixels", "RMSE", "px"],
            Better::Lower,
            format!("48 times the RMSE in the network's units; {coordinates}"),
            "ours; the rcn document gives no error in pixels",
        ),
    ]
}

fn of_videos() -> Vec<Named> {
    let energy = |of: &str| {
        format!(
            "2 mean|x - y| - mean|x - x'| - mean|y - y'| between videos x of the predictor and as \
             many videos y that are cut, evenly spread, out of held-out clips; {of}, in [0, 1], in \
             f64; |.| is the root of the mean square; 0 for equal sets"
        )
    };
    vec![
        define(
            ["energy_distance", "energy distance", ""],
            Better::Lower,
            energy("a video is the means over 8x8 blocks of each frame"),
            SZEKELY,
        ),
        define(
            ["motion_energy_distance", "motion distance", ""],
            Better::Lower,
            energy("a video is the changes from frame to frame of the means over 8x8 blocks"),
            SZEKELY,
        ),
        define(
            ["category_accuracy", "category accuracy", ""],
            Better::Higher,
            "share of generated videos that move most like the requested category: the mean absolute \
             changes of means over 8x8 blocks lie nearest to the mean of that category's training \
             videos; of the baseline `real_videos`, the share of held-out videos that move like their \
             own"
            .to_owned(),
            OWN,
        ),
        define(
            ["recognition_accuracy", "recognition accuracy", ""],
            Better::Higher,
            "share of held-out real videos whose category the video discriminator names".to_owned(),
            OWN,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recorded_metric_is_defined_once_with_its_better_direction() {
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
                ("mse_sum", false),
                ("psnr", true),
                ("recognition_accuracy", true),
                ("rmse", false),
                ("rmse_pixels", false),
                ("ssim", true),
                ("state_mse", false),
            ]
        );
        assert!(definitions.values().all(|it| !it.definition.is_empty() && !it.source.is_empty()));
    }

    #[test]
    fn every_metric_name_has_a_definition() {
        let networks = FeatureNetworks {
            lpips: Some(NetworkDigest([1; 32])),
            fvd: Some(NetworkDigest([0xab; 32])),
        };
        let of_networks = network_definitions(&networks);
        assert!(of_networks.keys().eq(["fvd_abababababab", "lpips_010101010101"]));
        assert!(of_networks["lpips_010101010101"].definition.ends_with(&"01".repeat(32)));
        let defined = definitions().into_keys().chain(of_networks.into_keys());
        let defined: std::collections::BTreeSet<String> =
            defined.map(|name| MetricName::without_network(&name).to_owned()).collect();
        let names: std::collections::BTreeSet<&str> =
            MetricName::ALL.iter().map(|name| name.as_str()).collect();
        assert!(defined.iter().map(String::as_str).eq(names));
    }
}
