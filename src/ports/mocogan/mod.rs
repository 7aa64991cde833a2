//! System `mocogan`: the generators, the discriminators, and iterations of training.
//!
//! What a case asks for is read from its settings and tensors, never from its name.

mod discriminator;
mod draws;
mod generator;
mod training;

use super::unsupported;
use crate::{
    config::model::mocogan::InstanceNoise,
    golden::{Case, Outputs, Port, PortError, Precision},
    scalar::Count,
};

/// MoCoGAN and the variant of seed document 002.
pub(super) struct MocoganPort;

impl Port for MocoganPort {
    fn serves(&self, system: &str) -> bool {
        system == "mocogan"
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        let has = |name: &str| case.tensor_spec(name).is_some();
        if case.config.contains("train_batches") {
            training::run(case, precision)
        } else if has("gen_i.main.0.weight") {
            generator::assignment(case, precision)
        } else if has("main.0.weight") {
            generator::run(case, precision)
        } else if has("main.1.weight") {
            discriminator::run(case, precision)
        } else {
            Err(unsupported(case, "a network with these tensors"))
        }
    }
}

/// Returns one extent of a tensor of the case.
fn extent<T: TryFrom<i64>>(case: &Case, name: &str, axis: usize) -> Result<T, PortError> {
    case.tensor_spec(name)
        .and_then(|spec| spec.shape.get(axis))
        .and_then(|&n| i64::try_from(n).ok())
        .and_then(|n| T::try_from(n).ok())
        .ok_or_else(|| unsupported(case, format!("`{name}` without an extent at axis {axis}")))
}

/// Side of a generated frame: 16 times that of the first kernel.
fn side(case: &Case, first_weight: &str) -> Result<Count, PortError> {
    let kernel: i64 = extent(case, first_weight, 2)?;
    Count::try_from(16 * kernel).map_err(super::refused)
}

/// `use_noise` and `noise_sigma`.
fn instance_noise(case: &Case) -> Result<InstanceNoise, PortError> {
    if case.config.contains("use_noise") && case.config.bool("use_noise")? {
        Ok(InstanceNoise::Gaussian { sigma: super::number(case, "noise_sigma")? })
    } else {
        Ok(InstanceNoise::Off)
    }
}
