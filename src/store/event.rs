//! The events of a run, as the journal stores them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    data::Split,
    scalar::{Epoch, Step},
};

/// One line of the journal. Contains no time and no host, so that equal runs write equal bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    Step(StepEvent),
    /// The scores of a roll-out.
    Evaluation(EvaluationEvent),
}

/// The scalars of one optimizer step, by name (`loss`, `kl_weight`, …).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepEvent {
    /// The first is 0.
    pub step: Step,
    pub epoch: Epoch,
    /// Finite values by series name.
    pub scalars: BTreeMap<String, f64>,
}

/// The scores of a split after an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationEvent {
    pub epoch: Epoch,
    pub split: Split,
    /// Scores of the model and of the baselines.
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
    /// Mean over sequences, per predicted frame.
    pub by_frame: Vec<f64>,
    /// Mean over predicted frames, per sequence in the split's order.
    pub by_sequence: Vec<f64>,
}

impl Event {
    /// Returns every number of the event with its name, in the order of the line.
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

/// Returns every number of the scores, with names such as `model.psnr.by_frame[3]`.
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
