//! `timing.jsonl`: what the clock said, kept apart from the journal so that equal runs journal equally.
//!
//! The caller reads the clock; this module only writes down and adds up.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    StoreError,
    json_lines::{self, Log},
};
use crate::{fs::AppendFile, scalar::Step};

/// One line of the timing log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TimingEvent {
    /// A process began to work on the run.
    Started {
        /// When, RFC 3339 in UTC.
        at: String,
        /// The step that it takes first.
        first_step: Step,
    },
    /// The process took steps.
    Steps {
        /// The step that it takes next.
        next_step: Step,
        /// Seconds since the process began.
        elapsed_seconds: f64,
    },
    /// The process stopped working on the run of its own accord.
    Ended {
        /// When, RFC 3339 in UTC.
        at: String,
        /// Seconds since the process began.
        elapsed_seconds: f64,
    },
}

/// A timing log open for appending.
#[derive(Debug)]
pub struct TimingLog {
    file: AppendFile,
    path: PathBuf,
}

impl TimingLog {
    /// Opens or creates a timing log; a line that an earlier kill tore is cut off.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: json_lines::open(path)?, path: path.to_owned() })
    }

    /// Appends an event.
    pub fn append(&mut self, event: &TimingEvent) -> Result<(), StoreError> {
        json_lines::append(&mut self.file, &self.path, event)
    }
}

/// Reads a timing log.
pub fn read_timing(path: &Path) -> Result<Log<TimingEvent>, StoreError> {
    json_lines::read(path)
}

/// What a timing log amounts to.
#[derive(Clone, Debug, PartialEq)]
pub struct TimingSummary {
    /// Start of the first attempt, if there was one.
    pub started: Option<String>,
    /// Seconds in which the run was worked on; a killed attempt counts up to its last line.
    pub active_seconds: f64,
    /// How often the run was started or resumed.
    pub attempts: u64,
}

/// Adds up a timing log.
pub fn summarize(events: &[TimingEvent]) -> TimingSummary {
    let mut summary = TimingSummary { started: None, active_seconds: 0.0, attempts: 0 };
    let mut attempt_seconds = 0.0;
    for event in events {
        match event {
            TimingEvent::Started { at, .. } => {
                summary.started.get_or_insert_with(|| at.clone());
                summary.attempts += 1;
                summary.active_seconds += attempt_seconds;
                attempt_seconds = 0.0;
            }
            TimingEvent::Steps { elapsed_seconds, .. }
            | TimingEvent::Ended { elapsed_seconds, .. } => attempt_seconds = *elapsed_seconds,
        }
    }
    summary.active_seconds += attempt_seconds;
    summary
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;

    fn started(at: &str) -> TimingEvent {
        TimingEvent::Started { at: at.to_owned(), first_step: Step(0) }
    }

    fn steps(elapsed_seconds: f64) -> TimingEvent {
        TimingEvent::Steps { next_step: Step(1), elapsed_seconds }
    }

    #[track_caller]
    fn check(events: &[TimingEvent], seconds: f64, attempts: u64) {
        let summary = summarize(events);
        assert_eq!((summary.active_seconds, summary.attempts), (seconds, attempts));
    }

    #[test]
    fn a_killed_attempt_counts_up_to_its_last_line() {
        let ended = TimingEvent::Ended { at: "c".to_owned(), elapsed_seconds: 4.0 };
        check(&[started("a"), steps(1.0), steps(2.0), started("b"), steps(3.0), ended], 6.0, 2);
    }

    #[test]
    fn an_empty_log_is_no_attempt() {
        check(&[], 0.0, 0);
    }

    #[test]
    fn a_torn_line_does_not_spoil_the_next_attempt() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("timing.jsonl");
        TimingLog::open(&path).unwrap().append(&started("a")).unwrap();
        AppendFile::open(&path).unwrap().append(b"{\"started\":{\"at\"").unwrap();
        TimingLog::open(&path).unwrap().append(&started("b")).unwrap();
        let log = read_timing(&path).unwrap();
        assert_eq!(log.values, [started("a"), started("b")]);
        assert_eq!(log.complete_bytes, fs::read(&path, 1000).unwrap().len() as u64);
    }
}
