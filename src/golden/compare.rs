//! The distance of two runs of one output, in elements and statistics.
//!
//! Slices in, numbers out; [`super::judge`] decides which distance is too large. Start from
//! [`Profile::expected`] and [`Profile::captured`], then [`compare`].

use super::{case::Expected, tensor::TensorData, wire::OutputKind};
use crate::stats::{
    digest::{self, Digest, digest},
    ulp::{self, Histogram},
};

/// The part of one output of one run that is compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Profile {
    /// Number of elements of the output.
    pub(super) n: usize,
    /// All elements, or the 64 samples of a digest.
    pub(super) elements: Vec<f64>,
    /// Mean, standard deviation, norm and largest absolute value over all elements.
    pub(super) statistics: [f64; 4],
}

impl Profile {
    /// Returns the profile of the original's values of an output of `n` elements.
    pub(super) fn expected(expected: &Expected<'_>, n: usize) -> Self {
        match expected {
            Expected::Full(data) => Self::full(data.to_f64()),
            Expected::Digest(digest) => {
                let Digest { samples, .. } = **digest;
                Self { n, elements: samples.to_vec(), statistics: digest.statistics() }
            }
        }
    }

    /// Returns the profile of a port's values, reduced to what is stored of the original's.
    pub(super) fn captured(data: &TensorData, kind: OutputKind) -> Self {
        fn summary<T: Copy + Into<f64>>(values: &[T]) -> Profile {
            let digest = digest(values);
            Profile {
                n: values.len(),
                elements: digest.samples.to_vec(),
                statistics: digest.statistics(),
            }
        }
        match (kind, data) {
            (OutputKind::Full, _) => Self::full(data.to_f64()),
            (OutputKind::Digest, TensorData::F32(values)) => summary(values),
            (OutputKind::Digest, TensorData::F64(values)) => summary(values),
            (OutputKind::Digest, TensorData::U8(values)) => summary(values),
            (OutputKind::Digest, TensorData::I64(_)) => summary(&data.to_f64()),
        }
    }

    fn full(elements: Vec<f64>) -> Self {
        let statistics =
            if elements.is_empty() { [0.0; 4] } else { digest(&elements).statistics() };
        Self { n: elements.len(), elements, statistics }
    }

    /// Returns the largest absolute value of the whole output.
    pub(super) const fn max_abs(&self) -> f64 {
        self.statistics[3]
    }

    /// Returns the root mean square of the whole output.
    pub(super) fn rms(&self) -> f64 {
        self.statistics[2] / (self.n.max(1) as f64).sqrt()
    }

    /// Returns the flat position of element `i` of this profile in the output.
    pub(super) const fn position(&self, i: usize) -> usize {
        if self.elements.len() == self.n { i } else { digest::position(i, self.n) }
    }
}

/// The distance of a port's output from the reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Largest absolute difference of an element; infinite if one is NaN or infinite in only one run.
    pub max_error: f64,
    /// Largest absolute value of the reference.
    pub scale: f64,
    /// Norm of the difference over the norm of the reference, over the compared elements.
    pub relative_l2: f64,
    /// Flat position of the first element with the largest difference.
    pub worst_position: usize,
    /// The port's value there.
    pub worst_port: f64,
    /// The reference's value there.
    pub worst_reference: f64,
    /// Distances in units in the last place.
    pub ulps: Histogram,
    /// The four statistics of the port.
    pub statistics_port: [f64; 4],
    /// The four statistics of the reference.
    pub statistics_reference: [f64; 4],
}

impl Comparison {
    /// Returns the largest error over the scale; 0 without any error.
    pub fn relative_error(&self) -> f64 {
        over(self.max_error, self.scale)
    }
}

/// Width in which units in the last place are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UlpWidth {
    /// Single precision.
    Single,
    /// Double precision.
    Double,
    /// Integers: the plain difference.
    Integer,
}

/// Compares a port's profile with the reference's; both have the same number of elements.
pub(super) fn compare(port: &Profile, reference: &Profile, width: UlpWidth) -> Comparison {
    let mut ulps = Histogram::default();
    let mut worst = (0, -1.0);
    for (i, (&a, &b)) in port.elements.iter().zip(&reference.elements).enumerate() {
        ulps.add(steps(a, b, width));
        let error = distance(a, b);
        if error > worst.1 {
            worst = (i, error);
        }
    }
    let differences: Vec<f64> =
        port.elements.iter().zip(&reference.elements).map(|(&a, &b)| distance(a, b)).collect();
    let value = |profile: &Profile| profile.elements.get(worst.0).copied().unwrap_or(0.0);
    Comparison {
        max_error: worst.1.max(0.0),
        scale: reference.max_abs(),
        relative_l2: over(norm(&differences), norm(&reference.elements)),
        worst_position: reference.position(worst.0),
        worst_port: value(port),
        worst_reference: value(reference),
        ulps,
        statistics_port: port.statistics,
        statistics_reference: reference.statistics,
    }
}

/// Returns |a - b|, 0 for equal infinities or two NaNs, infinity if only one is finite.
pub(super) fn distance(a: f64, b: f64) -> f64 {
    match ulp::distance_f64(a, b) {
        0 => 0.0,
        ulp::APART => f64::INFINITY,
        _ => (a - b).abs(),
    }
}

/// Returns the Euclidean norm.
pub(super) fn norm(values: &[f64]) -> f64 {
    digest::sum(values, |x| x * x).sqrt()
}

/// Returns `error / tolerance`: 0 without an error, `f64::MAX` for any error at a tolerance of 0.
///
/// Never NaN or infinite, so that the ratio can be written as JSON.
pub(super) fn over(error: f64, tolerance: f64) -> f64 {
    if error == 0.0 {
        0.0
    } else if error.is_finite() && tolerance > 0.0 {
        (error / tolerance).min(f64::MAX)
    } else {
        f64::MAX
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "these doubles hold single-precision values, or whole distances"
)]
fn steps(a: f64, b: f64, width: UlpWidth) -> u64 {
    match width {
        UlpWidth::Single => ulp::distance_f32(a as f32, b as f32),
        UlpWidth::Double => ulp::distance_f64(a, b),
        UlpWidth::Integer => (a - b).abs() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(elements: &[f64]) -> Profile {
        Profile::full(elements.to_vec())
    }

    #[track_caller]
    fn check(port: &[f64], reference: &[f64], error: f64, position: usize) {
        let comparison = compare(&profile(port), &profile(reference), UlpWidth::Double);
        assert_eq!(comparison.max_error.to_bits(), error.to_bits());
        assert_eq!(comparison.worst_position, position);
    }

    #[test]
    fn the_first_of_equal_errors_is_named() {
        check(&[1.0, 3.0, 4.0], &[1.0, 2.0, 5.0], 1.0, 1);
    }

    #[test]
    fn only_unequal_infinities_are_an_infinite_error() {
        check(&[f64::INFINITY, f64::NAN], &[f64::INFINITY, f64::NAN], 0.0, 0);
        check(&[0.0, f64::NAN], &[0.0, 1.0], f64::INFINITY, 1);
    }

    #[test]
    fn a_digest_names_the_position_in_the_whole_output() {
        let reference: Vec<f32> = vec![1.0; 6400];
        let mut port = reference.clone();
        port[100] = 1.5;
        let summary = |values| Profile::captured(&TensorData::F32(values), OutputKind::Digest);
        let comparison = compare(&summary(port), &summary(reference), UlpWidth::Single);
        assert_eq!(comparison.worst_position, 100);
        assert_eq!(comparison.ulps.to_string(), "0:63 >2^21:1");
    }

    #[test]
    fn ratios_are_finite() {
        assert_eq!(over(0.0, 0.0).to_bits(), 0.0_f64.to_bits());
        assert_eq!(over(1.0, 0.0).to_bits(), f64::MAX.to_bits());
        assert_eq!(over(f64::INFINITY, 1.0).to_bits(), f64::MAX.to_bits());
        assert_eq!(over(f64::NAN, 1.0).to_bits(), f64::MAX.to_bits());
    }
}
