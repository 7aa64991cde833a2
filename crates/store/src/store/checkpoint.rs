//! `checkpoint.safetensors`: everything that is needed to resume a run.
//!
//! Besides tensors (parameters, buffers, optimizer moments) it holds the next step, length and digest of the
//! journal at that step, and the trainer's own state as JSON, which is not interpreted here.
//!
//! | Format | Change | In older checkpoints |
//! |---|---|---|
//! | 1 | first format | |
//! | 2 | entry `journal_sha256` | absent, the journal is continued unchecked |

use std::path::Path;

use serde_json::Value;

use super::{
    StoreError,
    journal::{Journal, JournalMark},
    tensors::{StoredTensor, read_tensors, write_tensors},
};
use reprise_base::scalar::Step;

/// Version of the checkpoint format; newer checkpoints are refused.
pub const CHECKPOINT_FORMAT: u32 = 2;

/// The first format with the digest of the journal.
const CHAINED_SINCE: u32 = 2;

/// The point in training at which a checkpoint was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The next step, which equals the number of steps taken.
    pub next_step: Step,
    /// End of the journal before this step.
    pub journal: JournalMark,
}

/// A checkpoint as read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    pub position: Position,
    /// The trainer's own state.
    pub trainer: Value,
    /// Sorted by name.
    pub tensors: Vec<StoredTensor>,
}

/// Writes a checkpoint atomically, after the journal has reached the disk.
pub fn write_checkpoint(
    path: &Path,
    journal: &Journal,
    next_step: Step,
    trainer: &Value,
    tensors: &[StoredTensor],
) -> Result<(), StoreError> {
    journal.sync()?;
    let JournalMark { bytes, sha256 } = journal.mark();
    let entries = [
        ("format", Some(CHECKPOINT_FORMAT.to_string())),
        ("next_step", Some(next_step.0.to_string())),
        ("journal_bytes", Some(bytes.to_string())),
        ("journal_sha256", sha256),
        ("trainer", Some(trainer.to_string())),
    ];
    let entries = entries.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?)));
    write_tensors(path, tensors, &entries.collect())?;
    Ok(())
}

/// Reads a checkpoint; refuses a damaged one.
pub fn read_checkpoint(path: &Path) -> Result<Checkpoint, StoreError> {
    let (tensors, metadata) = read_tensors(path)?;
    let entry = |entry: &'static str| {
        let invalid = move || StoreError::CheckpointEntry { path: path.to_owned(), entry };
        metadata.get(entry).ok_or_else(invalid).map(|text| (text, invalid))
    };
    let number = |name| {
        let (text, invalid) = entry(name)?;
        text.parse::<u64>().map_err(|_| invalid())
    };
    let (format, invalid) = entry("format")?;
    let format: u32 = format.parse().map_err(|_| invalid())?;
    if format > CHECKPOINT_FORMAT {
        let (path, known) = (path.to_owned(), CHECKPOINT_FORMAT);
        return Err(StoreError::Newer { path, found: format, known });
    }
    let next_step = Step(number("next_step")?);
    let sha256 = if format >= CHAINED_SINCE {
        let (digest, _) = entry("journal_sha256")?;
        Some(digest.clone())
    } else {
        None
    };
    let journal = JournalMark { bytes: number("journal_bytes")?, sha256 };
    let position = Position { next_step, journal };
    let (trainer, invalid) = entry("trainer")?;
    let trainer = serde_json::from_str(trainer).map_err(|_| invalid())?;
    Ok(Checkpoint { position, trainer, tensors })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::samples::{step, tensor};

    #[track_caller]
    fn check_refused(metadata: &[(&str, &str)], fragment: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let owned = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
        write_tensors(&path, &[], &metadata.iter().map(owned).collect()).unwrap();
        let message = read_checkpoint(&path).unwrap_err().to_string();
        assert!(message.contains(fragment), "`{message}` lacks `{fragment}`");
    }

    #[test]
    fn a_checkpoint_comes_back_with_the_length_of_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let mut journal = Journal::create(&folder.path().join("journal")).unwrap();
        journal.append(&step(0, &[("loss", 0.5)])).unwrap();
        let trainer = json!({"sampler": {"pass": 2}, "sum": 0.1});
        let tensors = [tensor("a", &[1.0]), tensor("b", &[2.0, 3.0])];
        write_checkpoint(&path, &journal, Step(1), &trainer, &tensors).unwrap();
        let position = Position { next_step: Step(1), journal: journal.mark() };
        let read = read_checkpoint(&path).unwrap();
        assert_eq!(read, Checkpoint { position, trainer, tensors: tensors.to_vec() });
    }

    #[test]
    fn a_newer_checkpoint_is_refused() {
        check_refused(&[("format", "3")], "has format 3, but this version of reprise");
    }

    #[test]
    fn a_checkpoint_without_its_entries_is_refused() {
        check_refused(&[], "entry `format`");
        check_refused(&[("format", "1"), ("next_step", "-1")], "entry `next_step`");
        let no_trainer = [("format", "1"), ("next_step", "1"), ("journal_bytes", "0")];
        check_refused(&no_trainer, "entry `trainer`");
        let no_digest = [("format", "2"), ("next_step", "1"), ("journal_bytes", "0")];
        check_refused(&no_digest, "entry `journal_sha256`");
    }
}
