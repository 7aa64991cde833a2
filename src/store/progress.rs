//! What a run says of itself while it is trained.

use serde::{Deserialize, Serialize};

use crate::{
    config::data::Split,
    scalar::{Epoch, Step},
};

/// What happens during training, for whoever watches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Progress {
    /// Training begins or goes on.
    Started {
        /// The step taken first.
        first: Step,
        /// Steps of the whole run.
        total: u64,
    },
    /// A step was taken.
    Stepped {
        /// Steps taken so far.
        done: u64,
        /// Its loss.
        loss: f64,
    },
    /// A split was scored.
    Evaluated {
        /// After this epoch.
        epoch: Epoch,
        /// Which split.
        split: Split,
        /// The metric that chooses the best checkpoint.
        metric: String,
        /// The model's mean.
        value: f64,
    },
}
