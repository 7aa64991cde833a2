//! Bindings to `shim.cpp`.

#![expect(unsafe_code, reason = "calls into the C++ shim; each block states why it is sound")]

use std::ffi::{CStr, c_char, c_int, c_long};

use tch::Tensor;
use torch_sys::C_tensor;

unsafe extern "C" {
    fn reprise_last_error() -> *const c_char;
    fn reprise_libtorch_version() -> *const c_char;
    fn reprise_cpu_capability() -> *const c_char;
    fn reprise_set_determinism();
    fn reprise_deterministic_algorithms() -> c_int;
    fn reprise_deterministic_cudnn() -> c_int;
    fn reprise_benchmark_cudnn() -> c_int;
    fn reprise_allow_tf32_cudnn() -> c_int;
    fn reprise_allow_tf32_cublas() -> c_int;
    fn reprise_cuda_runtime() -> c_long;
    fn reprise_cudnn() -> c_long;
    fn reprise_autocast(cuda: c_int, number_type: c_int) -> c_int;
    fn reprise_unscale_(
        count: usize,
        gradients: *const *mut C_tensor,
        overflow: *const C_tensor,
        inverse: *const C_tensor,
    ) -> c_int;
    fn reprise_leaky_relu(input: *const C_tensor, negative_slope: f64) -> *mut C_tensor;
    fn reprise_leaky_relu_(input: *const C_tensor, negative_slope: f64) -> *mut C_tensor;
    fn reprise_channels_last(input: *const C_tensor) -> *mut C_tensor;
    fn reprise_forget_gradient(parameter: *const C_tensor) -> c_int;
    fn reprise_addcmul_(
        this: *const C_tensor,
        a: *const C_tensor,
        b: *const C_tensor,
        value: f64,
    ) -> c_int;
    fn reprise_addcdiv_(
        this: *const C_tensor,
        a: *const C_tensor,
        b: *const C_tensor,
        value: f64,
    ) -> c_int;
    fn reprise_fused_adam_(
        count: usize,
        p: *const *mut C_tensor,
        g: *const *mut C_tensor,
        m: *const *mut C_tensor,
        v: *const *mut C_tensor,
        step: *const C_tensor,
        learning_rate: f64,
        beta1: f64,
        beta2: f64,
        epsilon: f64,
        weight_decay: f64,
    ) -> c_int;
    fn reprise_add_scaled(
        input: *const C_tensor,
        other: *const C_tensor,
        alpha: f64,
    ) -> *mut C_tensor;
}

/// Copies a C string owned by the shim.
fn owned(text: *const c_char) -> String {
    // SAFETY: the shim returns NUL-terminated strings that live as long as the thread.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Returns the version of libtorch that the binary was built against.
pub(super) fn libtorch_version() -> String {
    // SAFETY: takes nothing and returns a static string.
    owned(unsafe { reprise_libtorch_version() })
}

/// Returns the instruction set that libtorch's CPU kernels dispatch to.
pub(super) fn cpu_capability() -> String {
    // SAFETY: takes nothing and returns a static string.
    owned(unsafe { reprise_cpu_capability() })
}

/// Returns the version of the CUDA runtime in CUDA's numbering; 0 without CUDA.
pub(super) fn cuda_runtime() -> c_long {
    // SAFETY: takes nothing and catches every exception.
    unsafe { reprise_cuda_runtime() }
}

/// Returns the version of cuDNN in its own numbering; 0 without CUDA.
pub(super) fn cudnn() -> c_long {
    // SAFETY: takes nothing and catches every exception.
    unsafe { reprise_cudnn() }
}

/// Sets all switches that are needed for deterministic results.
pub(super) fn set_determinism() {
    // SAFETY: sets plain flags of libtorch's global context.
    unsafe { reprise_set_determinism() }
}

/// Returns the determinism switches by their PyTorch names.
pub(super) fn switches() -> [(&'static str, bool); 5] {
    // SAFETY: reads plain flags of libtorch's global context.
    let read = |flag: unsafe extern "C" fn() -> c_int| unsafe { flag() } != 0;
    [
        ("deterministic_algorithms", read(reprise_deterministic_algorithms)),
        ("cudnn_deterministic", read(reprise_deterministic_cudnn)),
        ("cudnn_benchmark", read(reprise_benchmark_cudnn)),
        ("cudnn_allow_tf32", read(reprise_allow_tf32_cudnn)),
        ("cublas_allow_tf32", read(reprise_allow_tf32_cublas)),
    ]
}

/// Takes ownership of a tensor that the shim returned.
///
/// # Panics
/// If libtorch reported an error, as tch's own operators do.
fn into_tensor(operator: &str, output: *mut C_tensor) -> Tensor {
    // SAFETY: takes nothing and returns a string of this thread.
    assert!(!output.is_null(), "{operator} failed: {}", owned(unsafe { reprise_last_error() }));
    // SAFETY: the shim passes on ownership of the tensor.
    unsafe { Tensor::from_ptr(output) }
}

/// Panics if libtorch reported an error, as tch's own operators do.
fn check(operator: &str, status: c_int) {
    // SAFETY: takes nothing and returns a string of this thread.
    assert!(status != 0, "{operator} failed: {}", owned(unsafe { reprise_last_error() }));
}

/// State of `torch.autocast`; the numbers are those of the shim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Autocast {
    Off = 0,
    Bfloat16 = 1,
    Float16 = 2,
}

/// Sets `torch.autocast` for this thread.
///
/// # Panics
/// If libtorch has no autocast for the device.
pub(super) fn autocast(device: tch::Device, state: Autocast) {
    // SAFETY: takes plain numbers; the shim catches every exception.
    let status = unsafe { reprise_autocast(c_int::from(device.is_cuda()), state as c_int) };
    check("autocast", status);
}

/// Multiplies gradients by `inverse`, in place, and sets `overflow` to 1 if one is not finite
/// (`torch._amp_foreach_non_finite_check_and_unscale_`). Both numbers are f32 `[1]`.
///
/// # Panics
/// If libtorch reports an error, as tch's own operators do.
pub(crate) fn unscale_(gradients: &[Tensor], overflow: &Tensor, inverse: &Tensor) {
    let pointers: Vec<_> = gradients.iter().map(|it| it.as_ptr().cast_mut()).collect();
    let (count, pointers) = (pointers.len(), pointers.as_ptr());
    let [overflow, inverse] = [overflow, inverse].map(Tensor::as_ptr);
    // SAFETY: all pointers are valid while the slices are borrowed; the shim catches every exception.
    check("unscale_", unsafe { reprise_unscale_(count, pointers, overflow, inverse) });
}

/// `torch.nn.functional.leaky_relu` with `negative_slope`, which tch does not expose.
///
/// # Panics
/// If libtorch reports an error, as tch's own operators do.
pub(crate) fn leaky_relu(input: &Tensor, negative_slope: f64) -> Tensor {
    // SAFETY: the pointer is valid while `input` is borrowed; the shim catches every exception.
    into_tensor("leaky_relu", unsafe { reprise_leaky_relu(input.as_ptr(), negative_slope) })
}

/// Same as [`leaky_relu`], in place.
///
/// # Panics
/// If libtorch reports an error, as tch's own operators do.
pub(crate) fn leaky_relu_(input: &Tensor, negative_slope: f64) -> Tensor {
    // SAFETY: the pointer is valid while `input` is borrowed; the shim catches every exception.
    into_tensor("leaky_relu_", unsafe { reprise_leaky_relu_(input.as_ptr(), negative_slope) })
}

/// `x.contiguous(memory_format=torch.channels_last)`: the channels of a pixel are adjacent in memory.
///
/// # Panics
/// If the tensor is not `[B, C, H, W]`.
pub(crate) fn channels_last(input: &Tensor) -> Tensor {
    // SAFETY: the pointer is valid while `input` is borrowed; the shim catches every exception.
    into_tensor("channels_last", unsafe { reprise_channels_last(input.as_ptr()) })
}

/// `parameter.grad = None`.
pub(crate) fn forget_gradient(parameter: &Tensor) {
    // SAFETY: the pointer is valid while `parameter` is borrowed; the shim catches every exception.
    check("forget_gradient", unsafe { reprise_forget_gradient(parameter.as_ptr()) });
}

/// `this.addcmul_(a, b, value=value)`: `this + value · a · b`.
///
/// # Panics
/// If libtorch reports an error, as tch's own operators do.
pub(crate) fn addcmul_(this: &Tensor, a: &Tensor, b: &Tensor, value: f64) {
    // SAFETY: the pointers are valid while borrowed; the shim catches every exception.
    let status = unsafe { reprise_addcmul_(this.as_ptr(), a.as_ptr(), b.as_ptr(), value) };
    check("addcmul_", status);
}

/// `this.addcdiv_(a, b, value=value)`: `this + value · a / b`.
///
/// # Panics
/// If libtorch reports an error, as tch's own operators do.
pub(crate) fn addcdiv_(this: &Tensor, a: &Tensor, b: &Tensor, value: f64) {
    // SAFETY: the pointers are valid while borrowed; the shim catches every exception.
    let status = unsafe { reprise_addcdiv_(this.as_ptr(), a.as_ptr(), b.as_ptr(), value) };
    check("addcdiv_", status);
}

/// Arguments of Adam for one parameter.
#[derive(Debug)]
pub(crate) struct AdamTensors<'a> {
    /// Parameter.
    pub(crate) p: &'a Tensor,
    /// Gradient.
    pub(crate) g: Tensor,
    /// First moment.
    pub(crate) m: &'a Tensor,
    /// Second moment.
    pub(crate) v: &'a Tensor,
}

/// `torch._fused_adam_`: an update of Adam in one pass over memory. `step` is the number of updates
/// including this one, a scalar f32 on the parameters' device; `rates` are α, β₁, β₂, ε and the weight
/// decay.
///
/// # Panics
/// If libtorch reports an error, as tch's own operators do.
pub(crate) fn fused_adam_(tensors: &[AdamTensors<'_>], step: &Tensor, rates: [f64; 5]) {
    let pointers =
        |of: fn(&AdamTensors<'_>) -> *mut C_tensor| -> Vec<_> { tensors.iter().map(of).collect() };
    let [alpha, beta1, beta2, epsilon, decay] = rates;
    let (p, g) = (pointers(|t| t.p.as_ptr().cast_mut()), pointers(|t| t.g.as_ptr().cast_mut()));
    let (m, v) = (pointers(|t| t.m.as_ptr().cast_mut()), pointers(|t| t.v.as_ptr().cast_mut()));
    // SAFETY: the lists have the given length, and their pointers are valid while the tensors are
    // borrowed; the shim catches every exception.
    let status = unsafe {
        reprise_fused_adam_(
            tensors.len(),
            p.as_ptr(),
            g.as_ptr(),
            m.as_ptr(),
            v.as_ptr(),
            step.as_ptr(),
            alpha,
            beta1,
            beta2,
            epsilon,
            decay,
        )
    };
    check("fused_adam_", status);
}

/// `torch.add(input, other, alpha=alpha)`, with a fused multiply-add if the CPU has one. tch does not
/// expose `alpha`.
///
/// # Panics
/// If libtorch reports an error, as tch's own operators do.
pub(crate) fn add_scaled(input: &Tensor, other: &Tensor, alpha: f64) -> Tensor {
    // SAFETY: both pointers are valid while the tensors are borrowed; the shim catches every exception.
    into_tensor("add", unsafe { reprise_add_scaled(input.as_ptr(), other.as_ptr(), alpha) })
}
