//! Constants of the kernels of CDNA and DNA.

/// Side of a kernel (`DNA_KERN_SIZE`).
pub const KERNEL: i64 = 5;

/// Lower bound of the values of a kernel before normalization (`RELU_SHIFT`).
pub(super) const KERNEL_FLOOR: f64 = 1e-12;
