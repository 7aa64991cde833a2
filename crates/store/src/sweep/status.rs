//! The state of a run as it is shown to people and scripts.

use std::fmt;

use serde::Serialize;

use crate::store::{
    LeaseState, RunDir, RunFile, State, event::Event, journal::read_journal, record::Outcome,
};
use reprise_base::{scalar::Step, text::count};

/// The state of a run. `Display` writes it without the number of all steps, which the store does
/// not know; [`RunStatus::describe`] adds it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It has a record.
    Finished {
        /// How the run ended.
        outcome: Outcome,
    },
    /// A process holds its lease.
    Running {
        /// The last step in its journal.
        last: Option<LastStep>,
    },
    /// It was interrupted and has a valid checkpoint.
    Resumable {
        /// Steps taken at its checkpoint.
        done: u64,
    },
    /// It was interrupted and has no valid checkpoint: it will be restarted.
    Interrupted,
    /// It was not started.
    Missing,
    /// A newer reprise wrote it.
    Newer {
        /// The format that it names.
        format: u32,
    },
    /// It has a record, but the content of the record is not what was written.
    Damaged { why: String },
    /// The operating system cannot read it.
    Unreadable { why: String },
}

/// The last step of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LastStep {
    /// Steps taken.
    pub done: u64,
    /// Loss of the last one.
    pub loss: Option<f64>,
}

impl RunStatus {
    /// All names, in the order in which they are counted.
    pub const NAMES: [&'static str; 9] = [
        "finished",
        "diverged",
        "running",
        "resumable",
        "interrupted",
        "not started",
        "newer",
        "damaged",
        "unreadable",
    ];

    /// Returns the state in a word or two.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Finished { outcome: Outcome::Completed | Outcome::StoppedEarly { .. } } => {
                "finished"
            }
            Self::Finished { outcome: Outcome::Diverged { .. } } => "diverged",
            Self::Running { .. } => "running",
            Self::Resumable { .. } => "resumable",
            Self::Interrupted => "interrupted",
            Self::Missing => "not started",
            Self::Newer { .. } => "newer",
            Self::Damaged { .. } => "damaged",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// Returns the state with what is known of it; `total` is the number of steps of the whole run.
    pub fn describe(&self, total: Option<u64>) -> String {
        let of_total = total.map(|total| format!(" of {total}")).unwrap_or_default();
        match self {
            Self::Finished { outcome: Outcome::Diverged { step, quantity, value } } => {
                format!("diverged in step {}: {quantity} is {value}", step.0)
            }
            Self::Finished { outcome: Outcome::StoppedEarly { epochs } } => {
                format!("finished, stopped early after {}", count(epochs.get(), "epoch"))
            }
            Self::Running { last: Some(LastStep { done, loss }) } => {
                let loss = loss.map(|loss| format!(", loss {loss:.4}")).unwrap_or_default();
                format!("running, step {done}{of_total}{loss}")
            }
            Self::Resumable { done } => format!("resumable from step {done}{of_total}"),
            Self::Interrupted => "interrupted before its first valid checkpoint".to_owned(),
            Self::Newer { format } => {
                format!("written by a newer version of reprise (format {format})")
            }
            Self::Damaged { why } | Self::Unreadable { why } => format!("{}: {why}", self.name()),
            Self::Finished { outcome: Outcome::Completed }
            | Self::Running { last: None }
            | Self::Missing => self.name().to_owned(),
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe(None))
    }
}

/// Returns the state of a run; changes nothing.
pub fn run_status(dir: &RunDir) -> RunStatus {
    let observed = dir.observe();
    match (observed.state, observed.lease) {
        (State::Finished(record), _) => RunStatus::Finished { outcome: record.outcome },
        (State::Newer { format }, _) => RunStatus::Newer { format },
        (State::Unreadable { why }, _) => RunStatus::Unreadable { why },
        (_, LeaseState::Live) => RunStatus::Running { last: last_step(dir) },
        (State::Damaged { why }, LeaseState::Free) => RunStatus::Damaged { why },
        (State::Resumable(position), LeaseState::Free) => {
            RunStatus::Resumable { done: position.next_step.0 }
        }
        (State::NotResumable { .. }, LeaseState::Free) => RunStatus::Interrupted,
        (State::Nothing, LeaseState::Free) => RunStatus::Missing,
    }
}

/// Returns the last step of a journal that may still be growing, if it can be read.
fn last_step(dir: &RunDir) -> Option<LastStep> {
    let events = read_journal(&dir.path(RunFile::Journal)).ok()?.values;
    events.iter().rev().find_map(|event| match event {
        Event::Step(event) => {
            let Step(step) = event.step;
            Some(LastStep { done: step + 1, loss: event.scalars.get("loss").copied() })
        }
        Event::Evaluation(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Store, journal::Journal, samples};

    /// A run in a store of its own.
    struct Fixture {
        _folder: tempfile::TempDir,
        run: RunDir,
    }

    impl Fixture {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let run = Store::open_or_create(folder.path()).unwrap().run(&samples::id('a'));
            Self { _folder: folder, run }
        }
    }

    #[track_caller]
    fn check(dir: &RunDir, expected: &RunStatus, text: &str) {
        let status = run_status(dir);
        assert_eq!(&status, expected);
        assert_eq!(status.describe(Some(8)), text);
        assert!(RunStatus::NAMES.contains(&status.name()));
    }

    #[test]
    fn an_empty_store_has_nothing_of_a_run() {
        check(&Fixture::new().run, &RunStatus::Missing, "not started");
    }

    #[test]
    fn a_record_means_finished() {
        let Fixture { _folder, run } = Fixture::new();
        drop(run.lease().unwrap());
        let mut record = samples::record(samples::id('a'));
        run.write_record(&record).unwrap();
        check(&run, &RunStatus::Finished { outcome: Outcome::Completed }, "finished");
        let (quantity, value) = ("loss".to_owned(), "NaN".to_owned());
        record.outcome = Outcome::Diverged { step: Step(3), quantity, value };
        run.write_record(&record).unwrap();
        let expected = RunStatus::Finished { outcome: record.outcome };
        check(&run, &expected, "diverged in step 3: loss is NaN");
    }

    #[test]
    fn a_damaged_record_is_shown_with_its_reason() {
        let Fixture { _folder, run } = Fixture::new();
        drop(run.lease().unwrap());
        reprise_base::fs::write_atomic(&run.path(RunFile::Record), b"").unwrap();
        let status = run_status(&run);
        assert_eq!(status.name(), "damaged");
        let text = status.describe(Some(8));
        assert!(text.starts_with("damaged: failed to parse"), "{text}");
    }

    #[test]
    fn a_journal_with_a_live_lease_is_running() {
        let Fixture { _folder, run } = Fixture::new();
        let lease = run.lease().unwrap().unwrap();
        let mut journal = Journal::create(&run.path(RunFile::Journal)).unwrap();
        journal.append(&samples::step(0, &[("loss", 0.5)])).unwrap();
        let last = Some(LastStep { done: 1, loss: Some(0.5) });
        check(&run, &RunStatus::Running { last }, "running, step 1 of 8, loss 0.5000");
        drop(lease);
        let text = "interrupted before its first valid checkpoint";
        check(&run, &RunStatus::Interrupted, text);
    }
}
