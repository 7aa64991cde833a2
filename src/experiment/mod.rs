//! Experiments: from a parsed sweep to finished runs.
//!
//! [`ResolvedSweep`] opens the data of a sweep and identifies its runs, [`Workers`] schedules a
//! process for each run that has work left, and [`work`] is the life of one run inside such a
//! process. [`forecast`] says what would be done. Events and messages go to a callback: nothing
//! here prints or reads the environment.

mod error;
mod evaluations;
mod forecast;
mod launcher;
mod parent;
mod parent_problem;
mod resolved;
mod same_training;
#[cfg(test)]
mod tests;
mod worker;
mod workers;

pub use error::ExperimentError;
pub use evaluations::{ResolvedEvaluation, identified, required};
pub use forecast::{PlannedRun, forecast};
pub use launcher::{Launcher, RunCounts};
pub use parent::{changed_schedules, first_spec, parent};
pub use resolved::{ResolvedRun, ResolvedSweep};
pub use worker::{EventFolder, GENERATED, REPORTS, Work, WorkerEnd, WorkerTask, work};
pub use workers::{Machine, SweepEvent, Workers};
