//! Errors of the store.

use std::path::PathBuf;

use super::tensors::TensorFileError;
use reprise_base::{
    config::{
        ids::{EvaluationId, RunId},
        weights::WeightsId,
    },
    fs::FsError,
};

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
    #[error("failed to store `{series}`: its value {value} is not finite")]
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
    #[error("failed to read `{}`: it is the record of evaluation {found}, or of another run", path.display())]
    MisplacedEvaluation { path: PathBuf, found: EvaluationId },
    #[error("failed to read `{}`: it is the manifest of sweep `{found}`", path.display())]
    MisplacedManifest { path: PathBuf, found: String },
    #[error("failed to read `{}`: its settings and data are those of run {found}", path.display())]
    OtherSettings { path: PathBuf, found: RunId },
    /// A file contains, or a checkpoint names, a digest that its content does not have.
    #[error("failed to read `{}`: its content does not match its SHA-256", path.display())]
    Altered { path: PathBuf },
    /// A file is not the one that the record of its run names.
    #[error("failed to read `{}`: it is not the file that its run recorded", path.display())]
    NotRecorded { path: PathBuf },
    /// A file that the record of its run names.
    #[error("failed to read `{}`: it is missing, although its run recorded it", path.display())]
    Missing { path: PathBuf },
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
    /// Returns the file or folder at fault, if it is one.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Fs(error) | Self::Tensors(TensorFileError::Fs(error)) => Some(error.path()),
            Self::Tensors(
                TensorFileError::Format { path, .. }
                | TensorFileError::Foreign { path }
                | TensorFileError::Damaged { path }
                | TensorFileError::Encode { path, .. },
            )
            | Self::NotAStore { path }
            | Self::Newer { path, .. }
            | Self::Parse { path, .. }
            | Self::ParseLine { path, .. }
            | Self::Encode { path, .. }
            | Self::Exists { path }
            | Self::NoLineStart { path, .. }
            | Self::CheckpointEntry { path, .. }
            | Self::Misplaced { path, .. }
            | Self::MisplacedEvaluation { path, .. }
            | Self::MisplacedManifest { path, .. }
            | Self::OtherSettings { path, .. }
            | Self::Altered { path }
            | Self::NotRecorded { path }
            | Self::Missing { path }
            | Self::Unfinished { path } => Some(path.clone()),
            _ => None,
        }
    }

    /// Returns whether the content of a file is at fault: it was changed, cut or replaced.
    pub const fn is_damage(&self) -> bool {
        match self {
            Self::Parse { .. }
            | Self::ParseLine { .. }
            | Self::NoLineStart { .. }
            | Self::CheckpointEntry { .. }
            | Self::Misplaced { .. }
            | Self::MisplacedEvaluation { .. }
            | Self::MisplacedManifest { .. }
            | Self::OtherSettings { .. }
            | Self::Altered { .. }
            | Self::NotRecorded { .. }
            | Self::Missing { .. } => true,
            Self::Tensors(TensorFileError::Fs(error)) | Self::Fs(error) => matches!(
                error,
                FsError::NotRegular { .. }
                    | FsError::TooLarge { .. }
                    | FsError::NotUtf8 { .. }
                    | FsError::TooShort { .. }
            ),
            Self::Tensors(error) => matches!(
                error,
                TensorFileError::Format { .. }
                    | TensorFileError::Foreign { .. }
                    | TensorFileError::Damaged { .. }
            ),
            _ => false,
        }
    }

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
            error if error.is_damage() => {
                "see `reprise store verify` for everything that is damaged, and what to do about it"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
