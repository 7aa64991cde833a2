//! Replaces `original` in a build without libtorch, which cannot convert layouts.

use super::export::Names;
use crate::{
    cli::Failure,
    config::model::{ModelSpec, physical_interaction::Port},
    store::{RunDir, tensors::StoredTensor},
};

/// Returns weights unchanged if they already have the names.
///
/// # Errors
/// If they need a conversion.
pub fn of_run(
    dir: &RunDir,
    tensors: Vec<StoredTensor>,
    names: Names,
) -> Result<Vec<StoredTensor>, Failure> {
    let same = match (names, &dir.read_spec()?.model) {
        (Names::Original, ModelSpec::PhysicalInteraction(model)) => {
            model.port == Port::ChainerStateless
        }
        (Names::Own | Names::Original, _) => true,
        (Names::Tensorflow | Names::Chainer, _) => false,
    };
    if same {
        return Ok(tensors);
    }
    Err(Failure::Usage {
        message: "failed to export: this build has no libtorch, which converts names".to_owned(),
        hint: "use `--names own` for the names in the run's files",
    })
}

/// Returns weights unchanged.
///
/// # Errors
/// Never.
pub fn to_own(tensors: Vec<StoredTensor>) -> Result<Vec<StoredTensor>, Failure> {
    Ok(tensors)
}

/// Returns whether a tensor is omitted by an import: never.
pub fn is_left_out(_name: &str) -> bool {
    false
}
