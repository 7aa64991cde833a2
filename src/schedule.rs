//! Schedules: pure functions of the epoch, so that resuming a run needs no schedule state.
//!
//! The document's schedules are tables that its script fills by repeated addition, rounding included;
//! [`KlWeight::table`] and [`TeacherForcing::table`] return those tables bit for bit.

use serde::{Deserialize, Serialize};

use crate::scalar::{Count, Fraction, NonNegative};

/// Weight β of the KL term by epoch (`kl_annealing` of the document).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum KlWeight {
    /// No KL term: β is 0.
    None,
    /// β is the same in every epoch.
    Constant {
        /// The weight.
        beta: NonNegative,
    },
    /// One ramp from 0 over the first `ratio` of all epochs (0.25 in the document), then constant.
    Monotonic {
        /// Share of the epochs that the ramp takes.
        ratio: Fraction,
    },
    /// `cycles` ramps from 0, each over the first `ratio` of its cycle.
    Cyclical {
        /// Number of cycles.
        cycles: Count,
        /// Share of a cycle that its ramp takes.
        ratio: Fraction,
    },
}

/// Probability of feeding the true frame back, by epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TeacherForcing {
    /// Every step feeds the true frame.
    Always,
    /// Every step feeds the prediction.
    Never,
    /// The document's schedule with its quirks.
    Original {
        /// `tfr` at the start.
        initial: Fraction,
        /// `tfr_start_decay_epoch`.
        start_epoch: u32,
        /// `tfr_lower_bound`.
        lower: Fraction,
    },
    /// A straight line from `initial` at `start_epoch` to `lower` in the last epoch.
    Linear {
        /// Ratio until `start_epoch`.
        initial: Fraction,
        /// Last epoch with the initial ratio.
        start_epoch: u32,
        /// Ratio in the last epoch.
        lower: Fraction,
    },
}
