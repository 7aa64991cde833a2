//! `journal.jsonl`: the events of a run, one [`Event`] per line.
//!
//! Contains no time, host or attempt, so that equal runs write equal bytes however often they were
//! interrupted. A kill can damage only the last line. Resuming truncates the journal to the length that
//! the checkpoint holds and repeats the steps after it. The checkpoint also holds the digest of that part, so
//! that a changed line is not continued.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{
    StoreError,
    event::Event,
    json_lines::{self, Log},
};
use reprise_base::fs::{self, AppendFile};

/// A journal open for appending.
#[derive(Debug)]
pub struct Journal {
    file: AppendFile,
    path: PathBuf,
    /// Has consumed the whole content.
    hasher: Sha256,
}

/// The end of the part of a journal that a checkpoint continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalMark {
    /// Length of the part in bytes.
    pub bytes: u64,
    /// SHA-256 of the part. Checkpoints of format 1 have none.
    pub sha256: Option<String>,
}

impl Journal {
    /// Creates a journal; refuses a file that has content.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        let file = AppendFile::open(path)?;
        if file.is_empty() {
            Ok(Self { file, path: path.to_owned(), hasher: Sha256::new() })
        } else {
            Err(StoreError::Exists { path: path.to_owned() })
        }
    }

    /// Truncates a journal at a mark and continues it there; refuses one that was changed before it.
    pub fn resume(path: &Path, mark: &JournalMark) -> Result<Self, StoreError> {
        let hasher = Self::check(path, mark)?;
        let file = AppendFile::open_truncated_at(path, mark.bytes)?;
        Ok(Self { file, path: path.to_owned(), hasher })
    }

    /// Checks that a journal can be resumed at a mark; returns the hasher of the part before it.
    pub(super) fn check(path: &Path, mark: &JournalMark) -> Result<Sha256, StoreError> {
        let JournalMark { bytes: offset, sha256 } = mark;
        let bytes = json_lines::read_bytes(path)?;
        let Some(part) = json_lines::part(&bytes, *offset) else {
            return Err(StoreError::NoLineStart { path: path.to_owned(), offset: *offset });
        };
        let hasher = Sha256::new_with_prefix(part);
        let found = fs::hex(&hasher.clone().finalize());
        if sha256.as_ref().is_none_or(|sha256| *sha256 == found) {
            Ok(hasher)
        } else {
            Err(StoreError::Altered { path: path.to_owned() })
        }
    }

    /// Appends an event; refuses one with a value that is not finite.
    pub fn append(&mut self, event: &Event) -> Result<(), StoreError> {
        if let Some((series, value)) = event.non_finite() {
            return Err(StoreError::NonFinite { series, value });
        }
        let line = json_lines::append(&mut self.file, &self.path, event)?;
        self.hasher.update(line);
        Ok(())
    }

    /// Returns the current end, at which the next event begins.
    pub fn mark(&self) -> JournalMark {
        let sha256 = fs::hex(&self.hasher.clone().finalize());
        JournalMark { bytes: self.file.len(), sha256: Some(sha256) }
    }

    /// Waits until every event is on the disk.
    pub fn sync(&self) -> Result<(), StoreError> {
        Ok(self.file.sync()?)
    }
}

/// Reads a journal that may still be growing; an incomplete last line is not an error.
pub fn read_journal(path: &Path) -> Result<Log<Event>, StoreError> {
    json_lines::read(path)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::samples;
    use reprise_base::fs;

    fn events() -> Vec<Event> {
        vec![
            samples::step(0, &[("loss", 0.1), ("kl", 1e-300)]),
            samples::step(1, &[("loss", 1.0 / 3.0), ("kl", -0.0)]),
            samples::evaluation(0, 19.75),
        ]
    }

    /// Writes the events; returns the marks before and after each.
    fn written(path: &Path) -> Vec<JournalMark> {
        let mut journal = Journal::create(path).unwrap();
        let mut marks = vec![journal.mark()];
        for event in events() {
            journal.append(&event).unwrap();
            marks.push(journal.mark());
        }
        journal.sync().unwrap();
        marks
    }

    #[track_caller]
    fn check_refused<T: std::fmt::Debug>(result: Result<T, StoreError>, fragment: &str) {
        let message = result.expect_err("the operation is refused").to_string();
        assert!(message.contains(fragment), "`{message}` lacks `{fragment}`");
    }

    #[test]
    fn events_come_back_with_the_same_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let marks = written(&path);
        let log = read_journal(&path).unwrap();
        assert_eq!(log.values, events());
        assert_eq!((log.complete_bytes, log.torn_bytes), (marks[3].bytes, 0));
        let bytes = fs::read(&path, 1 << 20).unwrap();
        assert_eq!(marks[3].sha256, Some(fs::sha256_hex(&bytes)));
    }

    #[test]
    fn a_line_is_compact_json() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        written(&path);
        let text = fs::read_text(&path, 1 << 20).unwrap();
        insta::assert_snapshot!(text.lines().next().unwrap(), @r#"{"step":{"step":0,"epoch":0,"scalars":{"kl":1e-300,"loss":0.1}}}"#);
    }

    #[test]
    fn a_journal_cut_at_any_byte_keeps_its_complete_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let marks = written(&path);
        let whole = fs::read(&path, 1 << 20).unwrap();
        for cut in 0..=whole.len() {
            fs::write_atomic(&path, &whole[..cut]).unwrap();
            let complete = marks.iter().filter(|mark| mark.bytes <= cut as u64).count() - 1;
            let log = read_journal(&path).unwrap();
            assert_eq!(log.values, events()[..complete], "cut at byte {cut}");
            assert_eq!(log.complete_bytes + log.torn_bytes, cut as u64);
        }
    }

    #[test]
    fn a_resumed_journal_ends_with_the_bytes_of_an_uninterrupted_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let marks = written(&path);
        let whole = fs::read(&path, 1 << 20).unwrap();
        for cut in usize::try_from(marks[1].bytes).unwrap()..=whole.len() {
            fs::write_atomic(&path, &whole[..cut]).unwrap();
            let mut journal = Journal::resume(&path, &marks[1]).unwrap();
            for event in &events()[1..] {
                journal.append(event).unwrap();
            }
            assert_eq!(fs::read(&path, 1 << 20).unwrap(), whole, "cut at byte {cut}");
            assert_eq!(journal.mark(), marks[3]);
        }
    }

    #[test]
    fn a_damaged_line_is_reported_by_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let marks = written(&path);
        let mut bytes = fs::read(&path, 1 << 20).unwrap();
        bytes[usize::try_from(marks[1].bytes).unwrap() + 3] = 0;
        fs::write_atomic(&path, &bytes).unwrap();
        check_refused(read_journal(&path), "line 2");
    }

    #[test]
    fn a_value_that_is_not_finite_is_refused_by_series_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = Journal::create(&path).unwrap();
        let event = samples::step(3, &[("kl", 0.0), ("loss", f64::NAN)]);
        check_refused(journal.append(&event), "failed to store `loss`: its value NaN");
        check_refused(journal.append(&samples::evaluation(0, f64::INFINITY)), "model.psnr.mean");
        assert_eq!(journal.mark().bytes, 0);
    }

    #[test]
    fn an_existing_journal_is_not_created_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        written(&path);
        check_refused(Journal::create(&path), "it already exists");
    }

    #[test]
    fn a_journal_is_continued_only_where_a_line_begins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let marks = written(&path);
        let at = |bytes| JournalMark { bytes, sha256: None };
        check_refused(Journal::resume(&path, &at(marks[1].bytes + 1)), "no line begins there");
        check_refused(Journal::resume(&path, &at(marks[3].bytes + 1)), "no line begins there");
    }

    #[test]
    fn a_journal_that_was_changed_before_the_mark_is_not_continued() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let marks = written(&path);
        let text = fs::read_text(&path, 1 << 20).unwrap();
        fs::write_atomic(&path, text.replacen("0.1", "0.2", 1).as_bytes()).unwrap();
        check_refused(Journal::resume(&path, &marks[2]), "does not match its SHA-256");
        let of_format_1 = JournalMark { sha256: None, ..marks[2].clone() };
        assert!(Journal::resume(&path, &of_format_1).is_ok());
    }

    proptest! {
        #[test]
        fn every_finite_value_survives(loss in any::<f64>().prop_filter("finite", |x| x.is_finite())) {
            let line = serde_json::to_string(&samples::step(0, &[("loss", loss)])).unwrap();
            let Event::Step(event) = serde_json::from_str(&line).unwrap() else { unreachable!() };
            prop_assert_eq!(event.scalars["loss"].to_bits(), loss.to_bits());
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            json_lines::parse::<Event>(Path::new("journal.jsonl"), &bytes).ok();
        }
    }
}
