//! libtorch beyond tensors: devices, determinism switches, and conversion to stored bytes.
//!
//! A process that computes calls [`prepare`] once at its start.

pub mod autocast;
pub mod convert;
pub mod device;
pub(crate) mod shim;

use std::collections::BTreeMap;

use reprise_base::config::engine::EngineSpec;

/// The device of a prepared process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Engine {
    pub device: tch::Device,
}

/// Sets the number of threads and the determinism switches, and opens all devices of a run.
///
/// # Errors
/// If a requested CUDA device is unavailable.
pub fn prepare(spec: &EngineSpec) -> Result<Engine, device::DeviceError> {
    let device = device::open(spec.device)?;
    for &shared in &spec.devices {
        device::open(shared)?;
    }
    tch::set_num_threads(i32::try_from(spec.threads.get()).expect("a count fits an i32"));
    shim::set_determinism();
    Ok(Engine { device })
}

/// Returns the version of libtorch, e.g. `2.13.0`.
pub fn version() -> String {
    shim::libtorch_version()
}

/// Returns the instruction set that libtorch's CPU kernels use, e.g. `AVX2`.
pub fn cpu_capability() -> String {
    shim::cpu_capability()
}

/// Returns the current determinism switches by their PyTorch names.
pub fn switches() -> BTreeMap<String, String> {
    shim::switches().into_iter().map(|(name, on)| (name.to_owned(), on.to_string())).collect()
}

/// Returns the version of the CUDA runtime, e.g. `13.0`; `none` if CUDA is not loaded.
pub fn cuda_runtime() -> String {
    match shim::cuda_runtime() {
        0 => "none".to_owned(),
        version => format!("{}.{}", version / 1000, version % 1000 / 10),
    }
}

/// Returns the version of cuDNN in its own numbering, e.g. `91300`; `none` if CUDA is not loaded.
pub fn cudnn() -> String {
    match shim::cudnn() {
        0 => "none".to_owned(),
        version => version.to_string(),
    }
}
