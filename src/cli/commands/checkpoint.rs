//! Weights of a run, for commands that use them.

use crate::cli::Failure;
use reprise_base::config::protocol::CheckpointKind;
use reprise_store::store::{
    FinishedRun, RunDir, RunFile, StoreError,
    tensors::{StoredTensor, TensorMetadata, read_tensors},
};

/// Parses the name of a checkpoint on the command line.
pub(super) fn parse(text: &str) -> Result<CheckpointKind, String> {
    match text {
        "best" => Ok(CheckpointKind::Best),
        "final" => Ok(CheckpointKind::Final),
        "average" => Ok(CheckpointKind::Average),
        number => number
            .parse()
            .map(CheckpointKind::Epoch)
            .map_err(|_| "expected `best`, `final`, `average` or a number of epochs".to_owned()),
    }
}

/// Reads weights, with their metadata; `action` says in an error what they are for, as a verb. Those of a finished run
/// are the ones that it recorded.
///
/// # Errors
/// If the run has no such checkpoint, or it is damaged.
pub(super) fn read(
    dir: &RunDir,
    kind: CheckpointKind,
    action: &str,
) -> Result<(Vec<StoredTensor>, TensorMetadata), Failure> {
    let file = RunFile::of(kind);
    let found = match FinishedRun::open(dir) {
        Ok(run) => run.tensors(file)?,
        Err(StoreError::Unfinished { .. }) if dir.has(file)? => {
            Some(read_tensors(&dir.path(file))?)
        }
        Err(StoreError::Unfinished { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    found.ok_or_else(|| Failure::Usage {
        message: format!("failed to {action} run {}: the run has no {kind}", dir.id()),
        hint: "see `reprise status`; `training.keep` keeps the weights of chosen epochs",
    })
}
