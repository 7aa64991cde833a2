//! Differences between two arms that share their seeds.
//!
//! Arms with the same seed have the same initial weights, data order and noise. Comparing their scores
//! seed by seed cancels the spread between seeds and leaves the effect of the arm. Start from
//! [`compare`].

use super::{permutation, student, summary::summarize};
use serde::{Deserialize, Serialize};

/// Probability that [`Spread::interval`] covers the true mean difference.
pub const CONFIDENCE: f64 = 0.95;

/// The differences `treatment − control` of pairs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedDifference {
    /// Number of pairs, at least one.
    pub n: usize,
    pub mean: f64,
    /// `None` for a single pair.
    pub spread: Option<Spread>,
}

/// The spread of at least two differences and the uncertainty of their mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Sample standard deviation of the differences.
    pub standard_deviation: f64,
    /// Student-t interval for the mean at [`CONFIDENCE`]. If it does not contain 0, the two-sided paired
    /// t test rejects equality at 5 %.
    pub interval: [f64; 2],
    /// The mean difference that this number of pairs with this spread shows as significant with
    /// probability [`student::POWER`].
    pub smallest_detectable: f64,
    /// Of Student's paired t test for a mean of 0.
    pub p_value: f64,
    /// Of the exact test by flipping signs; `None` for more than 20 pairs.
    pub exact_p_value: Option<f64>,
}

/// Returns the comparison of scores that are paired by position, `None` if there are none.
///
/// The interval assumes roughly normal differences; a few seeds cannot confirm that.
///
/// # Panics
/// If the slices differ in length.
///
/// ```
/// let difference = reprise_base::stats::paired::compare(&[25.0, 26.0], &[24.0, 24.0]).expect("pairs");
/// assert_eq!((difference.n, difference.mean), (2, 1.5));
/// ```
pub fn compare(treatment: &[f64], control: &[f64]) -> Option<PairedDifference> {
    assert_eq!(treatment.len(), control.len(), "scores come in pairs");
    let differences: Vec<f64> = treatment.iter().zip(control).map(|(a, b)| a - b).collect();
    let summary = summarize(&differences)?;
    let spread = summary.standard_deviation.and_then(|standard_deviation| {
        let interval = student::interval(&summary, CONFIDENCE)?;
        let smallest_detectable = student::smallest_detectable(&summary, CONFIDENCE)?;
        let p_value = student::p_value(&summary, 0.0)?;
        let exact_p_value = permutation::sign_flips(&differences);
        Some(Spread { standard_deviation, interval, smallest_detectable, p_value, exact_p_value })
    });
    Some(PairedDifference { n: summary.n, mean: summary.mean, spread })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Compares with numbers from a table of Student's distribution.
    #[track_caller]
    fn check(treatment: &[f64], interval: [f64; 2], smallest_detectable: f64) {
        let control = vec![0.0; treatment.len()];
        let spread = compare(treatment, &control).and_then(|it| it.spread).expect("two pairs");
        let found = [spread.interval[0], spread.interval[1], spread.smallest_detectable];
        let expected = [interval[0], interval[1], smallest_detectable];
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-3, "{found} is not {expected}");
        }
    }

    #[test]
    fn two_pairs_leave_a_very_wide_interval() {
        // t(0.975, 1) = 12.7062, t(0.8, 1) = 1.3764; the standard error is 1.
        check(&[0.0, 2.0], [-11.7062, 13.7062], 14.0826);
    }

    #[test]
    fn five_pairs_follow_the_table() {
        // t(0.975, 4) = 2.7764, t(0.8, 4) = 0.9410; s = sqrt(2.5), so the standard error is sqrt(0.5).
        check(&[1.0, 2.0, 3.0, 4.0, 5.0], [1.0368, 4.9632], 2.6286);
    }

    #[test]
    fn equal_differences_leave_a_point() {
        check(&[0.5, 0.5, 0.5], [0.5, 0.5], 0.0);
    }

    #[test]
    fn one_pair_has_a_difference_and_no_spread() {
        let expected = PairedDifference { n: 1, mean: 1.5, spread: None };
        assert_eq!(compare(&[4.0], &[2.5]), Some(expected));
        assert_eq!(compare(&[], &[]), None);
    }

    #[test]
    #[should_panic(expected = "scores come in pairs")]
    fn slices_of_different_lengths_panic() {
        compare(&[1.0, 2.0], &[1.0]);
    }

    proptest! {
        #[test]
        fn an_offset_common_to_both_scores_of_a_pair_cancels(
            scores in prop::collection::vec((-10.0..10.0, -1.0..1.0, -100.0..100.0), 2..8)
        ) {
            let control: Vec<f64> = scores.iter().map(|(score, _, _)| *score).collect();
            let treatment: Vec<f64> = scores.iter().map(|(score, effect, _)| score + effect).collect();
            let shift = |values: &[f64]| -> Vec<f64> {
                values.iter().zip(&scores).map(|(value, (_, _, seed))| value + seed).collect()
            };
            let plain = compare(&treatment, &control).unwrap();
            let shifted = compare(&shift(&treatment), &shift(&control)).unwrap();
            prop_assert!((plain.mean - shifted.mean).abs() < 1e-9);
            let (plain, shifted) = (plain.spread.unwrap(), shifted.spread.unwrap());
            prop_assert!((plain.interval[0] - shifted.interval[0]).abs() < 1e-6);
        }

        #[test]
        fn the_interval_is_centred_and_shorter_than_twice_the_detectable_difference(
            differences in prop::collection::vec(-5.0..5.0, 2..12)
        ) {
            let found = compare(&differences, &vec![0.0; differences.len()]).unwrap();
            let [low, high] = found.spread.unwrap().interval;
            prop_assert!((f64::midpoint(low, high) - found.mean).abs() < 1e-9);
            prop_assert!(high - low <= 2.0 * found.spread.unwrap().smallest_detectable + 1e-12);
        }
    }
}
