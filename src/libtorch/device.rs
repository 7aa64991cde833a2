//! Which device computes, and the lazy loading of CUDA.
//!
//! The linker drops `libtorch_cuda.so` from a tch binary, because no symbol of it is named. It must
//! be loaded before libtorch is asked about CUDA for the first time, since that answer is cached.
//! So nothing here touches it until a device other than the CPU is wanted.

use std::sync::OnceLock;

use crate::config::engine::Device;

/// Why CUDA cannot be used in this process.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CudaUnavailable {
    /// The CUDA half of libtorch is not installed or one of its libraries is missing.
    #[error("`libtorch_cuda` could not be loaded: {0}")]
    NotLoaded(String),
    /// The library is there, but the driver offers no device.
    #[error("libtorch finds no CUDA device (is an NVIDIA driver installed?)")]
    NoDevice,
    /// There is no CUDA on this platform.
    #[error("libtorch has no CUDA on this platform")]
    Platform,
}

/// Why a device cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// A CUDA device was asked for by name, and there is none.
    #[error("failed to open device `{device}`")]
    Cuda {
        /// The device as asked for.
        device: Device,
        /// Why it is not there.
        #[source]
        source: CudaUnavailable,
    },
    /// The index lies beyond the devices that exist.
    #[error("failed to open device `{device}`: this machine has {count} CUDA device(s)")]
    NoSuchIndex {
        /// The device as asked for.
        device: Device,
        /// Number of devices.
        count: i64,
    },
}

/// Returns what `auto` stands for: CUDA where it works, otherwise the CPU.
pub fn auto() -> Device {
    if cuda().is_ok() { Device::Cuda(0) } else { Device::Cpu }
}

/// Returns where tensors of an opened device are placed; `auto` is the CPU until it is resolved.
pub fn placed(device: Device) -> tch::Device {
    match device {
        Device::Auto | Device::Cpu => tch::Device::Cpu,
        Device::Cuda(index) => tch::Device::Cuda(index as usize),
    }
}

/// Opens a device for tensors.
///
/// # Errors
/// If a CUDA device is named that cannot be used.
pub fn open(device: Device) -> Result<tch::Device, DeviceError> {
    match device {
        Device::Auto => open(auto()),
        Device::Cpu => Ok(placed(device)),
        Device::Cuda(index) => {
            cuda().map_err(|source| DeviceError::Cuda { device, source })?;
            let count = tch::Cuda::device_count();
            if i64::from(index) < count {
                Ok(placed(device))
            } else {
                Err(DeviceError::NoSuchIndex { device, count })
            }
        }
    }
}

/// Loads CUDA on first use and says whether it can be used.
///
/// # Errors
/// The reason, for `doctor` and for messages.
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
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

    // SAFETY: the initializers of `libtorch_cuda` are those that PyTorch itself runs on import.
    let library = unsafe { Library::open(Some("libtorch_cuda.so"), RTLD_NOW | RTLD_GLOBAL) }
        .map_err(|error| CudaUnavailable::NotLoaded(error.to_string()))?;
    // libtorch keeps pointers into the library, so it stays for the life of the process.
    std::mem::forget(library);
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn load_cuda_library() -> Result<(), CudaUnavailable> {
    Err(CudaUnavailable::Platform)
}
