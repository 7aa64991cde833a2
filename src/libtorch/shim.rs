//! The Rust side of `shim.cpp`.

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
    fn reprise_leaky_relu(input: *const C_tensor, negative_slope: f64) -> *mut C_tensor;
    fn reprise_add_scaled(
        input: *const C_tensor,
        other: *const C_tensor,
        alpha: f64,
    ) -> *mut C_tensor;
}

/// Copies a C string that the shim owns.
fn owned(text: *const c_char) -> String {
    // SAFETY: the shim returns NUL-terminated strings that live as long as the thread.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Version of the libtorch that the binary was built against.
pub(super) fn libtorch_version() -> String {
    // SAFETY: takes nothing and returns a static string.
    owned(unsafe { reprise_libtorch_version() })
}

/// Instruction set that libtorch's CPU kernels dispatch to.
pub(super) fn cpu_capability() -> String {
    // SAFETY: takes nothing and returns a static string.
    owned(unsafe { reprise_cpu_capability() })
}

/// Version of the CUDA runtime as CUDA counts it; 0 without CUDA.
pub(super) fn cuda_runtime() -> c_long {
    // SAFETY: takes nothing and catches every exception.
    unsafe { reprise_cuda_runtime() }
}

/// Version of cuDNN as it counts itself; 0 without CUDA.
pub(super) fn cudnn() -> c_long {
    // SAFETY: takes nothing and catches every exception.
    unsafe { reprise_cudnn() }
}

/// Sets every switch that makes equal inputs give equal bits.
pub(super) fn set_determinism() {
    // SAFETY: sets plain flags of libtorch's global context.
    unsafe { reprise_set_determinism() }
}

/// Returns the switches as they are in force, by their PyTorch names.
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

/// `torch.nn.functional.leaky_relu` with its slope, which tch does not take.
///
/// # Panics
/// If libtorch refuses the operation, as tch's own operators do.
pub(crate) fn leaky_relu(input: &Tensor, negative_slope: f64) -> Tensor {
    // SAFETY: the pointer is valid while `input` is borrowed; the shim catches every exception.
    let output = unsafe { reprise_leaky_relu(input.as_ptr(), negative_slope) };
    taken(output, "leaky_relu")
}

/// `torch.add(input, other, alpha=alpha)`, one fused rounding where the processor has it; tch does
/// not take the factor.
///
/// # Panics
/// If libtorch refuses the operation, as tch's own operators do.
pub(crate) fn add_scaled(input: &Tensor, other: &Tensor, alpha: f64) -> Tensor {
    // SAFETY: both pointers are valid while the tensors are borrowed; the shim catches every exception.
    let output = unsafe { reprise_add_scaled(input.as_ptr(), other.as_ptr(), alpha) };
    taken(output, "add")
}

/// Takes a tensor over from the shim.
fn taken(output: *mut C_tensor, operator: &str) -> Tensor {
    // SAFETY: takes nothing and returns a string of this thread.
    assert!(!output.is_null(), "{operator} failed: {}", owned(unsafe { reprise_last_error() }));
    // SAFETY: the shim hands over a tensor that nobody else owns.
    unsafe { Tensor::from_ptr(output) }
}
