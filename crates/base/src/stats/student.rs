//! Student's t for the mean of a few values, such as differences paired by seed.
//!
//! All assume independent, roughly normal values; [`super::permutation`] assumes less. How well the stated rates hold
//! for skewed and heavy-tailed values is in docs/claims.md.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::summary::Summary;

/// Probability that a mean at [`smallest_detectable`] is found to differ from 0.
pub const POWER: f64 = 0.8;

/// Most values that [`needed`] considers.
const NEEDED_MAX: usize = 10_000;

/// Returns the interval that covers the true mean with this probability: `mean ± t((1 + confidence) / 2) · s / √n`;
/// `None` for one value.
pub fn interval(summary: &Summary, confidence: f64) -> Option<[f64; 2]> {
    let half = half_width(summary, summary.n, confidence)?;
    Some([summary.mean - half, summary.mean + half])
}

/// Returns the true mean that this number of values with this spread shows to differ from 0 with probability
/// [`POWER`]: `(t((1 + confidence) / 2) + t(POWER)) · s / √n`.
pub fn smallest_detectable(summary: &Summary, confidence: f64) -> Option<f64> {
    let Summary { n, standard_deviation, .. } = *summary;
    let error = standard_deviation? / (n as f64).sqrt();
    Some(half_width(summary, n, confidence)? + quantile(POWER, n - 1) * error)
}

/// Returns how many values with this mean and spread an interval needs to leave out a number: the smallest n for which
/// half of it is shorter than the distance. `None` if the mean is that number, or no n up to 10,000 is enough.
pub fn needed(summary: &Summary, from: f64, confidence: f64) -> Option<usize> {
    let distance = (summary.mean - from).abs();
    let first = summary.n.max(2);
    (first..=NEEDED_MAX)
        .find(|&n| half_width(summary, n, confidence).is_some_and(|half| half < distance))
}

/// Returns the probability of a mean at least as far from `expected` on either side, if that is the true mean; `None`
/// for one value.
pub fn p_value(summary: &Summary, expected: f64) -> Option<f64> {
    let Summary { n, mean, standard_deviation } = *summary;
    let error = standard_deviation? / (n as f64).sqrt();
    let distance = (mean - expected).abs();
    if error == 0.0 {
        return Some(if distance == 0.0 { 1.0 } else { 0.0 });
    }
    Some(2.0 * distribution(n - 1).sf(distance / error))
}

/// Returns half the length of the interval that n values with this spread would have.
fn half_width(summary: &Summary, n: usize, confidence: f64) -> Option<f64> {
    let standard_deviation = summary.standard_deviation?;
    Some(quantile(f64::midpoint(1.0, confidence), n - 1) * standard_deviation / (n as f64).sqrt())
}

fn quantile(probability: f64, degrees_of_freedom: usize) -> f64 {
    distribution(degrees_of_freedom).inverse_cdf(probability)
}

fn distribution(degrees_of_freedom: usize) -> StudentsT {
    StudentsT::new(0.0, 1.0, degrees_of_freedom as f64)
        .expect("there is at least one degree of freedom")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::summary::summarize;

    /// The values of SciPy 1.18 below are for these.
    const VALUES: [f64; 7] = [0.31, -0.05, 0.42, 0.18, 0.27, 0.09, 0.55];

    #[track_caller]
    fn check(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn intervals_are_those_of_scipy() {
        let summary = summarize(&VALUES).unwrap();
        for (confidence, expected) in [
            (0.95, [0.066_604_269_836_978, 0.439_110_015_877_308]),
            (0.99, [-0.029_343_100_753_634, 0.535_057_386_467_92]),
            (1.0 - 0.05 / 12.0, [-0.088_588_385_108_713, 0.594_302_670_822_999_8]),
        ] {
            let found = interval(&summary, confidence).unwrap();
            check(found[0], expected[0]);
            check(found[1], expected[1]);
        }
    }

    #[test]
    fn p_values_are_those_of_scipy() {
        let summary = summarize(&VALUES).unwrap();
        check(p_value(&summary, 0.0).unwrap(), 0.015_965_988_756_986_5);
        check(p_value(&summary, 0.3).unwrap(), 0.558_459_007_722_414_6);
        assert_eq!(p_value(&summarize(&[1.0]).unwrap(), 0.0), None);
        let equal = summarize(&[1.0, 1.0]).unwrap();
        assert_eq!([p_value(&equal, 1.0), p_value(&equal, 0.0)], [Some(1.0), Some(0.0)]);
    }

    #[test]
    fn more_values_are_needed_the_nearer_the_number_is() {
        let summary = summarize(&VALUES).unwrap();
        let of = |from| needed(&summary, from, 0.95);
        assert_eq!(of(0.0), Some(7), "the interval leaves out 0 already");
        // s = 0.2016, mean 0.2529: t(0.975, n − 1) · s / √n falls below 0.0529 at n = 59.
        assert_eq!(of(0.2), Some(59));
        assert_eq!(of(summary.mean), None);
    }
}
