//! Stands in for `original` in a program that was built without libtorch, which moves the numbers.

use super::export::Names;
use crate::{
    cli::Failure,
    config::model::{ModelSpec, physical_interaction::Port},
    store::{RunDir, tensors::StoredTensor},
};

/// Leaves weights whose names are their original's as they are.
///
/// # Errors
/// If other names are asked for, or the run's original has others.
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
        message: "failed to export: this program was built without libtorch".to_owned(),
        hint: "`--names own` takes the names that the run's files have",
    })
}

/// Leaves weights as they are.
///
/// # Errors
/// Never.
pub fn to_own(tensors: Vec<StoredTensor>) -> Result<Vec<StoredTensor>, Failure> {
    Ok(tensors)
}

/// Nothing is left out.
pub fn is_left_out(_name: &str) -> bool {
    false
}
