//! Reduced precision by `torch.autocast`.

use super::shim::{self, Autocast};

/// Turns autocast off when dropped, also by a panic.
struct AutocastGuard(tch::Device);

impl Drop for AutocastGuard {
    fn drop(&mut self) {
        shim::autocast(self.0, Autocast::Off);
    }
}

/// Runs `compute` with convolutions and linear layers in bfloat16 and everything else in f32, as
/// `torch.autocast(device, dtype=torch.bfloat16)`. Parameters and gradients stay f32.
///
/// # Panics
/// If libtorch has no autocast for the device.
pub fn bfloat16<T>(device: tch::Device, compute: impl FnOnce() -> T) -> T {
    let _guard = AutocastGuard(device);
    shim::autocast(device, Autocast::On);
    compute()
}
