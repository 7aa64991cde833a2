//! Mean and standard deviation, such as over the seeds of an arm.

use serde::{Deserialize, Serialize};

/// Number, mean and standard deviation of some values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Number of values, at least one.
    pub n: usize,
    pub mean: f64,
    /// Sample standard deviation (divisor n − 1); `None` for one value.
    pub standard_deviation: Option<f64>,
}

/// Returns the summary of `values`, `None` if there are none.
///
/// Sums run in the order given. The deviation is a second pass around the mean, so that it is accurate
/// for close values far from zero.
///
/// ```
/// let summary = reprise_base::stats::summary::summarize(&[25.0, 27.0]).expect("two values");
/// assert_eq!((summary.n, summary.mean), (2, 26.0));
/// assert_eq!(summary.standard_deviation, Some(2_f64.sqrt()));
/// ```
pub fn summarize(values: &[f64]) -> Option<Summary> {
    let n = values.len();
    if n == 0 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    let standard_deviation = (n > 1).then(|| (squares / (n - 1) as f64).sqrt());
    Some(Summary { n, mean, standard_deviation })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(values: &[f64], mean: f64, standard_deviation: Option<f64>) {
        let expected = Summary { n: values.len(), mean, standard_deviation };
        assert_eq!(summarize(values), Some(expected));
    }

    #[test]
    fn the_deviation_is_that_of_a_sample() {
        check(&[2.0, 4.0, 6.0], 4.0, Some(2.0));
    }

    #[test]
    fn one_value_has_no_spread() {
        check(&[3.5], 3.5, None);
        assert_eq!(summarize(&[]), None);
    }

    #[test]
    fn the_deviation_is_accurate_at_a_large_offset() {
        check(&[1e9, 1e9 + 1.0, 1e9 + 2.0], 1e9 + 1.0, Some(1.0));
    }

    proptest! {
        #[test]
        fn the_mean_lies_among_the_values(values in prop::collection::vec(-1e3..1e3, 1..20)) {
            let summary = summarize(&values).unwrap();
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert!((low - 1e-9..=high + 1e-9).contains(&summary.mean));
            prop_assert!(summary.standard_deviation.unwrap_or(0.0) <= high - low + 1e-9);
        }
    }
}
