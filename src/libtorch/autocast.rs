//! Reduced precision by `torch.autocast`.

use super::shim;

/// Whether autocast is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Switch {
    On,
    Off,
}

/// Turns autocast off when it is dropped, also by a panic.
struct AutocastGuard(tch::Device);

impl Drop for AutocastGuard {
    fn drop(&mut self) {
        shim::autocast(self.0, Switch::Off);
    }
}

/// Computes with convolutions and linear maps in bfloat16 and everything else in f32, as
/// `torch.autocast(device, dtype=torch.bfloat16)` does. Parameters stay f32, and so do gradients.
///
/// # Panics
/// If libtorch has no autocast for the device.
pub fn bfloat16<T>(device: tch::Device, compute: impl FnOnce() -> T) -> T {
    let _scope = AutocastGuard(device);
    shim::autocast(device, Switch::On);
    compute()
}
