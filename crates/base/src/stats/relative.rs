//! The relative L1 error by which the course exercise MP5 on MoCoGAN (see docs/sources.md) accepts a solution.

/// The course accepts errors below this.
pub const ACCEPTED_BELOW: f64 = 0.04;

/// Returns `Σ|a − b| / Σ|b|`, the relative error of `a` in the L1 norm; NaN if both sums are 0.
///
/// # Panics
/// If the slices differ in length.
///
/// ```
/// use reprise_base::stats::relative::{ACCEPTED_BELOW, l1};
///
/// assert!(l1(&[1.0, 2.1], &[1.0, 2.0]) < ACCEPTED_BELOW);
/// ```
pub fn l1(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len(), "both sides have the same elements");
    let difference: f64 = a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum();
    difference / b.iter().map(|b| b.abs()).sum::<f64>()
}
