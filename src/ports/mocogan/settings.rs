//! Settings that several cases share.

use crate::{
    config::model::mocogan::{Categories, InstanceNoise},
    golden::{Case, PortError},
    ports::{number, refused, unsupported},
    scalar::Count,
};

/// Returns one extent of a tensor of the case.
pub(super) fn extent<T: TryFrom<i64>>(
    case: &Case,
    name: &str,
    axis: usize,
) -> Result<T, PortError> {
    case.tensor_spec(name)
        .and_then(|spec| spec.shape.get(axis))
        .and_then(|&n| i64::try_from(n).ok())
        .and_then(|n| T::try_from(n).ok())
        .ok_or_else(|| unsupported(case, format!("`{name}` without an extent at axis {axis}")))
}

/// Side of a generated frame: 16 times that of the first kernel.
pub(super) fn side(case: &Case, first_weight: &str) -> Result<Count, PortError> {
    let kernel: i64 = extent(case, first_weight, 2)?;
    Count::try_from(16 * kernel).map_err(refused)
}

/// `use_noise` and `noise_sigma`.
pub(super) fn instance_noise(case: &Case) -> Result<InstanceNoise, PortError> {
    if case.config.contains("use_noise") && case.config.bool("use_noise")? {
        Ok(InstanceNoise::Gaussian { sigma: number(case, "noise_sigma")? })
    } else {
        Ok(InstanceNoise::Off)
    }
}

/// `dim_z_category`; none if it is 0.
pub(super) fn categories(case: &Case) -> Result<Categories, PortError> {
    match case.config.i64("dim_z_category")? {
        ..=0 => Ok(Categories::None),
        count => Count::try_from(count).map(Categories::Count).map_err(refused),
    }
}
