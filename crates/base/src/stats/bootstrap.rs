//! Intervals by resampling.

use super::paired::CONFIDENCE;

/// Resamples of an interval.
pub const RESAMPLES: usize = 10_000;

/// Returns the percentile interval for a mean at [`CONFIDENCE`] (Efron & Tibshirani 1993, section 13.3): means of
/// [`RESAMPLES`] samples of as many values, drawn with replacement. `None` for less than two values.
///
/// `below(n)` draws a number below n.
pub fn interval(values: &[f64], mut below: impl FnMut(usize) -> usize) -> Option<[f64; 2]> {
    let n = values.len();
    if n < 2 {
        return None;
    }
    let mut means: Vec<f64> =
        (0..RESAMPLES).map(|_| (0..n).map(|_| values[below(n)]).sum::<f64>() / n as f64).collect();
    means.sort_by(f64::total_cmp);
    let tail = (1.0 - CONFIDENCE) / 2.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is an index")]
    let outside = (tail * RESAMPLES as f64) as usize;
    Some([means[outside], means[RESAMPLES - 1 - outside]])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Option<[f64; 2]> {
        // A linear congruential generator (Knuth's MMIX), of which the upper half is used.
        let mut state = 1_u64;
        interval(values, |n| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((state >> 32) % n as u64).unwrap()
        })
    }

    #[test]
    fn an_interval_is_near_that_of_the_normal_distribution() {
        // Standard deviation 10.0 of 100 evenly spread values: the standard error is about 1.
        let step = 10.0 / (100.0_f64 * 101.0 / 12.0).sqrt();
        let values: Vec<f64> = (0..100).map(|i| 5.0 + (f64::from(i) - 49.5) * step).collect();
        let [low, high] = of(&values).unwrap();
        assert!((low - (5.0 - 1.96)).abs() < 0.1, "{low}");
        assert!((high - (5.0 + 1.96)).abs() < 0.1, "{high}");
    }

    #[test]
    fn equal_values_have_no_spread_and_one_value_has_no_interval() {
        assert_eq!(of(&[0.25; 9]), Some([0.25, 0.25]));
        assert_eq!(of(&[1.0]), None);
    }
}
