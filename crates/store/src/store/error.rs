//! Errors of the store.

use std::path::PathBuf;

use super::{record::RunId, tensors::TensorFileError};
use reprise_base::{config::weights::WeightsId, fs::FsError};

/// Run ids that a message lists.
const LISTED_MAX: usize = 6;

/// Why an operation on the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Fs(#[from] FsError),
    #[error(transparent)]
    Tensors(#[from] TensorFileError),
    #[error("failed to open store `{}`: it is not a reprise store", path.display())]
    NotAStore { path: PathBuf },
    #[error(
        "failed to read `{}`: it has format {found}, but this version of reprise supports only \
         formats up to {known}",
        path.display()
    )]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error("failed to parse `{}`", path.display())]
    Parse {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// `line` counts from 1.
    #[error("failed to parse line {line} of `{}`", path.display())]
    ParseLine {
        path: PathBuf,
        line: usize,
        #[source]
        source: serde_json::Error,
    },
    /// JSON cannot represent the value, for example NaN.
    #[error("failed to write `{}`: JSON cannot represent a value in it, for example NaN", path.display())]
    Encode {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("failed to write `{series}` to the journal: its value {value} is not finite")]
    NonFinite { series: String, value: f64 },
    #[error("failed to create `{}`: it already exists", path.display())]
    Exists { path: PathBuf },
    /// `offset` is in bytes.
    #[error("failed to continue `{}` at byte {offset}: no line begins there", path.display())]
    NoLineStart { path: PathBuf, offset: u64 },
    #[error("failed to read checkpoint `{}`: entry `{entry}` is missing or invalid", path.display())]
    CheckpointEntry { path: PathBuf, entry: &'static str },
    #[error("failed to read `{}`: it is the record of run {found}", path.display())]
    Misplaced { path: PathBuf, found: RunId },
    #[error("failed to read `{}`: the run is not finished", path.display())]
    Unfinished { path: PathBuf },
    #[error("failed to find a run whose id begins with `{prefix}`")]
    NoRun { prefix: String },
    #[error("failed to find imported weights {id}")]
    NoWeights { id: WeightsId },
    #[error(
        "failed to choose a run: `{prefix}` is the beginning of {} run ids: {}",
        candidates.len(),
        list(candidates)
    )]
    AmbiguousRun { prefix: String, candidates: Vec<RunId> },
    #[error(
        "failed to store sweep `{name}`: use only letters, digits, `_`, `-`, and `.` between them \
         in its name"
    )]
    SweepName { name: String },
}

fn list(candidates: &[RunId]) -> String {
    let mut names: Vec<&str> = candidates.iter().take(LISTED_MAX).map(RunId::as_str).collect();
    if candidates.len() > names.len() {
        names.push("…");
    }
    names.join(", ")
}

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
                "the file is damaged: move the folder of the run out of the store; the sweep then \
                 trains the run again"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
