//! Reduced precision by `torch.autocast`.

use super::shim::{self, Autocast};
use reprise_base::config::engine::Arithmetic;

/// Turns autocast off when dropped, also by a panic.
struct AutocastGuard(tch::Device);

impl Drop for AutocastGuard {
    fn drop(&mut self) {
        shim::autocast(self.0, Autocast::Off);
    }
}

/// Runs `compute` with convolutions and linear layers in the 16-bit type of the arithmetic and everything
/// else in f32, as `torch.autocast(device, dtype)`. Parameters and their gradients stay f32. Arithmetic
/// without such a type runs `compute` as it is.
///
/// # Panics
/// If libtorch has no autocast for the device.
pub fn autocast<T>(arithmetic: Arithmetic, device: tch::Device, compute: impl FnOnce() -> T) -> T {
    let state = match arithmetic {
        Arithmetic::Exact | Arithmetic::Fast => return compute(),
        Arithmetic::Bf16 => Autocast::Bfloat16,
        Arithmetic::Fp16 => Autocast::Float16,
    };
    let _guard = AutocastGuard(device);
    shim::autocast(device, state);
    compute()
}
