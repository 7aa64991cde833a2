//! What happens during a run, as the journal keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    data::Split,
    scalar::{Epoch, Step},
};

/// One line of the journal. Free of clock and host, so that equal runs write equal bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// An optimizer step was taken.
    Step(StepEvent),
    /// A split was rolled out and scored.
    Evaluation(EvaluationEvent),
}

/// The scalars of one optimizer step, by name (`loss`, `kl_weight`, …).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepEvent {
    /// Which update this was; the first is 0.
    pub step: Step,
    /// The epoch it belongs to.
    pub epoch: Epoch,
    /// Values by series name; every value is finite.
    pub scalars: BTreeMap<String, f64>,
}

/// The scores of one roll-out of a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationEvent {
    /// The epoch after which the parameters were taken.
    pub epoch: Epoch,
    /// Which sequences were rolled out.
    pub split: Split,
    /// Scores of the model and of its baselines.
    pub scores: Scores,
}

/// Scores by predictor (`model`, `copy_last_frame`), then by metric (`psnr`, `ssim`, …).
pub type Scores = BTreeMap<String, BTreeMap<String, Score>>;

/// One metric over a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Mean over predicted frames, then over sequences.
    pub mean: f64,
    /// Mean over sequences for each predicted frame, first predicted frame first.
    pub by_frame: Vec<f64>,
    /// Mean over predicted frames for each sequence, in the split's order.
    pub by_sequence: Vec<f64>,
}

impl Event {
    /// Returns every number of the event with its name, in the order in which the line has them.
    pub fn values(&self) -> Vec<(String, f64)> {
        match self {
            Self::Step(event) => {
                event.scalars.iter().map(|(series, &value)| (series.clone(), value)).collect()
            }
            Self::Evaluation(event) => score_values(&event.scores),
        }
    }

    /// Returns the first value that is NaN or infinite, with its name.
    pub fn non_finite(&self) -> Option<(String, f64)> {
        self.values().into_iter().find(|(_, value)| !value.is_finite())
    }
}

/// Returns every number of the scores, named like `model.psnr.mean` and `model.psnr.by_frame[3]`.
pub fn score_values(scores: &Scores) -> Vec<(String, f64)> {
    let mut values = Vec::new();
    for (predictor, metrics) in scores {
        for (metric, Score { mean, by_frame, by_sequence }) in metrics {
            values.push((format!("{predictor}.{metric}.mean"), *mean));
            for (list, numbers) in [("by_frame", by_frame), ("by_sequence", by_sequence)] {
                let name = |index| format!("{predictor}.{metric}.{list}[{index}]");
                values.extend(numbers.iter().enumerate().map(|(i, &number)| (name(i), number)));
            }
        }
    }
    values
}
