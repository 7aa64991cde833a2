//! What a worker reports about its run.

use serde::{Deserialize, Serialize};

use reprise_base::{
    config::data::Split,
    scalar::{Epoch, Step},
};

/// An event during training, for display.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WorkerProgress {
    /// Training was started or resumed; it has `total` steps.
    Started { first: Step, total: u64 },
    /// A step was taken, the `done`th of the run.
    Stepped { done: u64, loss: f64 },
    /// A split was scored; `value` is the model's mean of the metric that chooses the best checkpoint.
    Evaluated { epoch: Epoch, split: Split, metric: String, value: f64 },
    /// Of the sequences of an evaluation, `done` are scored.
    Scoring { done: u64, total: u64 },
}
