//! Weights of a run, for commands that use them.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::cli::Failure;
use reprise_base::config::protocol::CheckpointKind;
use reprise_store::store::{
    FinishedRun, RunDir, RunFile, StoreError,
    tensors::{StoredTensor, TensorMetadata, read_tensors},
};

/// Returns the parser of an option that names a checkpoint.
pub(super) fn parser() -> impl TypedValueParser<Value = CheckpointKind> {
    let values = [
        (CheckpointKind::Best, "The checkpoint with the best validation score"),
        (CheckpointKind::Final, "The weights after the last step"),
    ];
    let possible = values.map(|(kind, help)| PossibleValue::new(kind.name()).help(help));
    PossibleValuesParser::new(possible).map(move |name| {
        let found = values.into_iter().find(|(kind, _)| kind.name() == name);
        found.expect("the parser knows all names").0
    })
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
        message: format!("failed to {action} run {}: the run has no such checkpoint yet", dir.id()),
        hint: "see `reprise status`; choose the other checkpoint",
    })
}
