//! `timing.jsonl`: wall-clock times, separate from the journal so that equal runs have equal journals.
//!
//! The caller reads the clock.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{StoreError, json_lines};
use reprise_base::{fs::AppendFile, scalar::Step};

/// One line of the timing log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TimingEvent {
    /// A worker started or resumed the run; `at` is RFC 3339 in UTC.
    Started { at: String, first_step: Step },
    /// Seconds since the worker started, before `next_step`.
    Steps { next_step: Step, elapsed_seconds: f64 },
    /// The worker ended without being killed.
    Ended { at: String, elapsed_seconds: f64 },
}

/// A timing log open for appending.
#[derive(Debug)]
pub struct TimingLog {
    file: AppendFile,
    path: PathBuf,
}

impl TimingLog {
    /// Opens or creates a timing log; removes an incomplete last line.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: json_lines::open(path)?, path: path.to_owned() })
    }

    /// Appends an event.
    pub fn append(&mut self, event: &TimingEvent) -> Result<(), StoreError> {
        json_lines::append(&mut self.file, &self.path, event).map(drop)
    }

    /// Waits until every event is on the disk.
    pub fn sync(&self) -> Result<(), StoreError> {
        Ok(self.file.sync()?)
    }
}

/// Reads a timing log. Lines that cannot be parsed are skipped: no result depends on them.
pub fn read_timing(path: &Path) -> Result<Vec<TimingEvent>, StoreError> {
    let bytes = json_lines::read_bytes(path)?;
    Ok(bytes.split(|&byte| byte == b'\n').flat_map(serde_json::from_slice).collect())
}

/// Sums over a timing log.
#[derive(Clone, Debug, PartialEq)]
pub struct TimingSummary {
    /// Start of the first attempt.
    pub started: Option<String>,
    /// Seconds of work; a killed attempt counts up to its last line.
    pub active_seconds: f64,
    /// Number of starts and resumes.
    pub attempts: u64,
}

/// Sums up a timing log.
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
    use reprise_base::fs;

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
    fn an_empty_log_has_no_attempt() {
        check(&[], 0.0, 0);
    }

    #[test]
    fn an_incomplete_line_does_not_affect_the_next_attempt() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("timing.jsonl");
        TimingLog::open(&path).unwrap().append(&started("a")).unwrap();
        AppendFile::open(&path).unwrap().append(b"{\"started\":{\"at\"").unwrap();
        TimingLog::open(&path).unwrap().append(&started("b")).unwrap();
        assert_eq!(read_timing(&path).unwrap(), [started("a"), started("b")]);
    }

    #[test]
    fn a_damaged_line_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("timing.jsonl");
        let mut log = TimingLog::open(&path).unwrap();
        log.append(&started("a")).unwrap();
        log.append(&steps(2.0)).unwrap();
        let text = fs::read_text(&path, 1000).unwrap().replacen("started", "\u{7f}", 1);
        fs::write_atomic(&path, text.as_bytes()).unwrap();
        assert_eq!(read_timing(&path).unwrap(), [steps(2.0)]);
    }
}
