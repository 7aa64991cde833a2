//! Choice of the device, and lazy loading of CUDA.
//!
//! The linker drops `libtorch_cuda.so` from the binary, because no symbol of it is used. It must be
//! loaded before the first query for CUDA, since libtorch caches the answer. It is loaded only when a
//! device other than the CPU is requested.

use std::sync::OnceLock;

use reprise_base::{config::engine::Device, text::error_chain};

/// Why CUDA cannot be used in this process.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CudaUnavailable {
    /// The CUDA part of libtorch is not installed, or one of its libraries is missing.
    #[error("failed to load `libtorch_cuda`: {0}")]
    NotLoaded(String),
    /// The library is loaded, but the driver reports no device.
    #[error("libtorch finds no CUDA device (is an NVIDIA driver installed?)")]
    NoDevice,
    /// CUDA is unsupported on this platform.
    #[error("libtorch does not support CUDA on this platform")]
    Platform,
}

/// Why a device cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// CUDA is unavailable.
    #[error("failed to open device `{device}`")]
    Cuda {
        device: Device,
        #[source]
        source: CudaUnavailable,
    },
    /// The index is not below the number of devices.
    #[error("failed to open device `{device}`: this machine has {count} CUDA device(s)")]
    NoSuchIndex { device: Device, count: u32 },
}

/// Resolves `auto`: the first CUDA device if CUDA is available, else the CPU.
pub fn auto() -> Device {
    if cuda().is_ok() { Device::Cuda(0) } else { Device::Cpu }
}

/// Converts to the device type of tch. `auto` becomes the CPU; resolve it with [`auto`] first.
pub fn placed(device: Device) -> tch::Device {
    match device {
        Device::Auto | Device::Cpu => tch::Device::Cpu,
        Device::Cuda(index) => tch::Device::Cuda(index as usize),
    }
}

/// Opens a device for tensors.
///
/// # Errors
/// If a CUDA device is requested that is unavailable.
pub fn open(device: Device) -> Result<tch::Device, DeviceError> {
    match device {
        Device::Auto => open(auto()),
        Device::Cpu => Ok(placed(device)),
        Device::Cuda(index) => {
            cuda().map_err(|source| DeviceError::Cuda { device, source })?;
            let count = count();
            if index < count {
                Ok(placed(device))
            } else {
                Err(DeviceError::NoSuchIndex { device, count })
            }
        }
    }
}

/// Returns the number of CUDA devices; [`cuda`] must have succeeded.
pub fn count() -> u32 {
    u32::try_from(tch::Cuda::device_count()).unwrap_or_default()
}

/// Loads CUDA on the first call and checks that it is available.
///
/// # Errors
/// If CUDA is unavailable.
pub fn cuda() -> Result<(), CudaUnavailable> {
    static CUDA: OnceLock<Result<(), CudaUnavailable>> = OnceLock::new();
    CUDA.get_or_init(|| {
        load_cuda_library()?;
        if tch::Cuda::is_available() { Ok(()) } else { Err(CudaUnavailable::NoDevice) }
    })
    .clone()
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "loads a shared library of libtorch")]
fn load_cuda_library() -> Result<(), CudaUnavailable> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LAZY};

    // Lazily, so that a library of another version that lacks an unused function does no harm.
    // SAFETY: PyTorch runs the same initializers of `libtorch_cuda` on import.
    let library = unsafe { Library::open(Some("libtorch_cuda.so"), RTLD_LAZY | RTLD_GLOBAL) }
        .map_err(|error| CudaUnavailable::NotLoaded(error_chain(&error)))?;
    // libtorch keeps pointers into the library, so it must stay loaded until the process ends.
    std::mem::forget(library);
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn load_cuda_library() -> Result<(), CudaUnavailable> {
    Err(CudaUnavailable::Platform)
}
