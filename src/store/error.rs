//! Why the store could not do what it was asked.

use std::path::PathBuf;

use super::{record::RunId, tensors::TensorFileError};
use crate::{config::weights::WeightsId, fs::FsError};

/// Why an operation on the store did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file could not be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A tensor file could not be read or written.
    #[error(transparent)]
    Tensors(#[from] TensorFileError),
    /// The folder holds something else.
    #[error("failed to open store `{}`: it is not a reprise store", path.display())]
    NotAStore {
        /// The folder.
        path: PathBuf,
    },
    /// A newer reprise wrote the file.
    #[error(
        "failed to read `{}`: it has format {found}, this version of reprise knows up to {known}",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format that it names.
        found: u32,
        /// The newest format that is understood.
        known: u32,
    },
    /// A JSON file does not hold what it should.
    #[error("failed to parse `{}`", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A complete line of a log does not hold what it should.
    #[error("failed to parse line {line} of `{}`", path.display())]
    ParseLine {
        /// The log.
        path: PathBuf,
        /// Line number, the first is 1.
        line: usize,
        /// Where in the line and why.
        #[source]
        source: serde_json::Error,
    },
    /// A value has no faithful JSON form, as NaN has none.
    #[error("failed to write `{}`: its content does not survive a round trip", path.display())]
    Encode {
        /// The file that was to be written.
        path: PathBuf,
        /// Which part of the text was not understood.
        #[source]
        source: serde_json::Error,
    },
    /// A series value is NaN or infinite.
    #[error("failed to journal `{series}`: its value {value} is not finite")]
    NonFinite {
        /// The series.
        series: String,
        /// The value.
        value: f64,
    },
    /// A log that was to be begun has content already.
    #[error("failed to begin `{}`: it exists", path.display())]
    Exists {
        /// The log.
        path: PathBuf,
    },
    /// A log cannot be continued at the wanted place.
    #[error("failed to continue `{}` at byte {offset}: no line begins there", path.display())]
    NoLineStart {
        /// The log.
        path: PathBuf,
        /// The wanted offset in bytes.
        offset: u64,
    },
    /// A checkpoint's own entries are missing or unreadable.
    #[error("failed to read checkpoint `{}`: entry `{entry}` is missing or broken", path.display())]
    CheckpointEntry {
        /// The checkpoint.
        path: PathBuf,
        /// The entry.
        entry: &'static str,
    },
    /// A record lies in the folder of another run.
    #[error("failed to read `{}`: it is the record of run {found}", path.display())]
    Misplaced {
        /// The record's path.
        path: PathBuf,
        /// The run that the record names.
        found: RunId,
    },
    /// A run has no record yet.
    #[error("failed to read `{}`: the run is not finished", path.display())]
    Unfinished {
        /// Where the record would be.
        path: PathBuf,
    },
    /// No run id begins like this.
    #[error("failed to find a run that begins with `{prefix}`")]
    NoRun {
        /// What was searched.
        prefix: String,
    },
    /// No such weights were imported.
    #[error("failed to find imported weights {id}")]
    NoWeights {
        /// What was searched.
        id: WeightsId,
    },
    /// Several run ids begin like this.
    #[error("failed to choose a run that begins with `{prefix}`: it may be {}", list(candidates))]
    AmbiguousRun {
        /// What was searched.
        prefix: String,
        /// All that match, sorted.
        candidates: Vec<RunId>,
    },
    /// A sweep's name cannot be a file name.
    #[error("failed to name a sweep `{name}`: letters, digits, `_`, `-` and inner `.` only")]
    SweepName {
        /// The name.
        name: String,
    },
}

fn list(candidates: &[RunId]) -> String {
    let mut names: Vec<&str> = candidates.iter().take(LISTED).map(RunId::as_str).collect();
    let more = format!("one of {} others", candidates.len() - names.len());
    if candidates.len() > names.len() {
        names.push(&more);
    }
    names.join(", ")
}

/// Ids that a message lists.
const LISTED: usize = 6;

impl StoreError {
    /// Returns whether the arguments of the command are at fault, not the disk or a file's content.
    pub const fn is_usage_error(&self) -> bool {
        matches!(
            self,
            Self::NotAStore { .. }
                | Self::NoRun { .. }
                | Self::NoWeights { .. }
                | Self::AmbiguousRun { .. }
                | Self::SweepName { .. }
                | Self::Unfinished { .. }
        )
    }

    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotAStore { .. } => {
                "choose another folder with `--store DIR`; `reprise sweep` creates a store"
            }
            Self::Fs(FsError::Io { action, .. }) if action.starts_with("create") => {
                "choose a writable folder with `--store DIR`"
            }
            Self::NoRun { .. } => "see `reprise runs list` for all runs",
            Self::AmbiguousRun { .. } => "give more digits",
            Self::NoWeights { .. } => "import them with `reprise import FILE`",
            Self::Newer { .. } => "update reprise, or choose another store with `--store DIR`",
            Self::Unfinished { .. } => "see `reprise status` for its progress",
            Self::Parse { .. } | Self::Misplaced { .. } => {
                "the file is damaged: move the run's folder away, and the sweep trains it again"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
