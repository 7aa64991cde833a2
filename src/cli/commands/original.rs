//! Conversion of weights to and from an original's names and layouts.

use clap::ValueEnum;
use tch::Tensor;

use crate::cli::{Failure, output::tell};
use reprise_base::config::model::ModelSpec;
use reprise_store::store::{RunDir, tensors::StoredTensor};
use reprise_torch::{
    libtorch::convert::{by_name, to_stored},
    models::physical_interaction::foreign,
};

/// Names and layouts of exported tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Names {
    /// Names of the run's original; for most systems equal to `own`
    Original,
    /// TensorFlow names; only for `physical_interaction` with port `tensorflow`
    Tensorflow,
    /// Chainer names; only for `physical_interaction` with port `chainer`
    Chainer,
    /// Names in the run folder
    Own,
}

/// Converts a run's weights to `names`.
///
/// # Errors
/// If the run ports another original.
pub fn of_run(
    dir: &RunDir,
    tensors: Vec<StoredTensor>,
    names: Names,
) -> Result<Vec<StoredTensor>, Failure> {
    let spec = dir.spec()?;
    let own = match &spec.model {
        ModelSpec::PhysicalInteraction(model) => foreign::NamingScheme::of(model.port),
        _ => None,
    };
    let asked = match names {
        Names::Own => return Ok(tensors),
        Names::Original => own,
        Names::Tensorflow => Some(foreign::NamingScheme::Tensorflow),
        Names::Chainer => Some(foreign::NamingScheme::Chainer),
    };
    if asked != own {
        return Err(Failure::Usage {
            message: format!(
                "failed to export run {}: these names belong to another original",
                dir.id()
            ),
            hint: "use `--names original` for the names of the run's original",
        });
    }
    let (ModelSpec::PhysicalInteraction(model), Some(_)) = (&spec.model, own) else {
        return Ok(tensors);
    };
    let [height, width, channels] = dir.read_record()?.data.frame_shape[..] else {
        return Ok(tensors);
    };
    let frame = [channels, height, width].map(u64::cast_signed);
    let theirs = foreign::from_ours(model, frame, spec.training.batch_size, by_name(&tensors, ""))?;
    Ok(stored(theirs))
}

/// Converts weights with an original's names to ours; leaves others unchanged.
///
/// # Errors
/// If the names are an original's, but the shapes are not.
pub fn to_own(tensors: Vec<StoredTensor>) -> Result<Vec<StoredTensor>, Failure> {
    match foreign::to_ours(&by_name(&tensors, ""))? {
        None => Ok(tensors),
        Some(foreign::OriginalWeights { names, weights }) => {
            let program = match names {
                foreign::NamingScheme::Tensorflow => "TensorFlow",
                foreign::NamingScheme::Chainer => "Chainer",
            };
            tell(&format!("converting the names of physical_interaction in {program}"));
            Ok(stored(weights))
        }
    }
}

/// Returns whether a tensor is omitted by an import.
pub fn is_left_out(name: &str) -> bool {
    foreign::is_of_optimizer(name)
}

fn stored(tensors: Vec<(String, Tensor)>) -> Vec<StoredTensor> {
    tensors.into_iter().map(|(name, tensor)| to_stored(name, &tensor)).collect()
}
