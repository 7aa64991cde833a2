//! Looks at the runs of a sweep in a store: as input of the plan, and as a status for people.

use serde::Serialize;

use super::plan::{Code, Lease, Observed, Progress};
use crate::{
    scalar::Step,
    store::{
        LeaseState, RunDir, RunFile, State, StoreError,
        event::Event,
        journal::read_journal,
        record::{Outcome, Record},
    },
};

/// Looks at one run for the plan; `sources_sha256` is the digest of the running code.
pub fn observe(dir: &RunDir, sources_sha256: &str) -> Result<Observed, StoreError> {
    let observed = dir.observe()?;
    let progress = match observed.state {
        State::Nothing => Progress::Nothing,
        State::Finished(record) => Progress::Finished { code: code(&record, sources_sha256) },
        State::Resumable(position) => Progress::Resumable { step: position.next_step },
        State::NotResumable { .. } => Progress::NotResumable,
        State::Newer { format } => Progress::Newer { format },
    };
    let lease = match observed.lease {
        LeaseState::Live => Lease::Live,
        LeaseState::Free => Lease::Free,
    };
    Ok(Observed { progress, lease })
}

fn code(record: &Record, sources_sha256: &str) -> Code {
    match &record.canary {
        _ if record.code.sources_sha256 == sources_sha256 => Code::Same,
        Some(_) => Code::Changed,
        None => Code::NoCanary,
    }
}

/// How far a run is, for people.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There is a record.
    Finished {
        /// How the run ended.
        outcome: Outcome,
    },
    /// A process works on it.
    Running {
        /// The last step in its journal.
        last: Option<LastStep>,
    },
    /// It was interrupted and can go on.
    Resumable {
        /// Steps taken at its checkpoint.
        done: u64,
    },
    /// It was interrupted before there was anything to go on from.
    Interrupted,
    /// Nothing was done yet.
    Missing,
    /// A newer reprise wrote it.
    Newer {
        /// The format that it names.
        format: u32,
    },
}

/// The last step that a journal holds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LastStep {
    /// Steps taken.
    pub done: u64,
    /// Loss of the last one.
    pub loss: Option<f64>,
}

/// Looks at one run for people.
pub fn status(dir: &RunDir) -> Result<Status, StoreError> {
    let observed = dir.observe()?;
    Ok(match (observed.state, observed.lease) {
        (State::Finished(record), _) => Status::Finished { outcome: record.outcome },
        (State::Newer { format }, _) => Status::Newer { format },
        (_, LeaseState::Live) => Status::Running { last: last_step(dir)? },
        (State::Resumable(position), LeaseState::Free) => {
            Status::Resumable { done: position.next_step.0 }
        }
        (State::NotResumable { .. }, LeaseState::Free) => Status::Interrupted,
        (State::Nothing, LeaseState::Free) => Status::Missing,
    })
}

/// Returns the last step of a journal that may still be growing.
fn last_step(dir: &RunDir) -> Result<Option<LastStep>, StoreError> {
    if !dir.has(RunFile::Journal)? {
        return Ok(None);
    }
    let events = read_journal(&dir.path(RunFile::Journal))?.values;
    Ok(events.iter().rev().find_map(|event| match event {
        Event::Step(event) => {
            let Step(step) = event.step;
            Some(LastStep { done: step + 1, loss: event.scalars.get("loss").copied() })
        }
        Event::Evaluation(_) => None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Store, journal::Journal, record::RunId, samples};

    struct Place {
        _folder: tempfile::TempDir,
        store: Store,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open_or_create(folder.path()).unwrap();
            Self { _folder: folder, store }
        }

        fn run(&self) -> RunDir {
            self.store.run(&id())
        }
    }

    fn id() -> RunId {
        samples::id('a')
    }

    #[track_caller]
    fn check(dir: &RunDir, sources: &str, progress: Progress, expected: &Status) {
        assert_eq!(observe(dir, sources).unwrap().progress, progress);
        assert_eq!(&status(dir).unwrap(), expected);
    }

    #[test]
    fn an_empty_store_has_nothing_of_a_run() {
        check(&Place::new().run(), "x", Progress::Nothing, &Status::Missing);
    }

    #[test]
    fn a_record_of_other_code_asks_for_the_canary() {
        let place = Place::new();
        let run = place.run();
        drop(run.lease().unwrap());
        let mut record = samples::record(id());
        run.write_record(&record).unwrap();
        let finished = Status::Finished { outcome: Outcome::Completed };
        let progress = |code| Progress::Finished { code };
        check(&run, &record.code.sources_sha256, progress(Code::Same), &finished);
        check(&run, "other", progress(Code::Changed), &finished);
        record.canary = None;
        run.write_record(&record).unwrap();
        check(&run, "other", progress(Code::NoCanary), &finished);
    }

    #[test]
    fn a_journal_with_a_living_process_is_running() {
        let place = Place::new();
        let run = place.run();
        let lease = run.lease().unwrap().unwrap();
        let mut journal = Journal::create(&run.path(RunFile::Journal)).unwrap();
        journal.append(&samples::step(0, &[("loss", 0.5)])).unwrap();
        let last = Some(LastStep { done: 1, loss: Some(0.5) });
        check(&run, "x", Progress::NotResumable, &Status::Running { last });
        drop(lease);
        check(&run, "x", Progress::NotResumable, &Status::Interrupted);
    }
}
