//! Differences between runs that share a seed, with how sure they are.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::number::{fixed, signed};

/// Confidence level of all intervals, in percent.
pub(super) const CONFIDENCE_PERCENT: u32 = 95;
/// Quantile at which a two-sided interval of that level ends.
const UPPER_QUANTILE: f64 = 0.975;

/// The mean of paired differences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Difference {
    /// Number of pairs, at least one.
    pub(super) n: usize,
    /// Their mean difference.
    pub(super) mean: f64,
    /// Sample standard deviation and interval; a single pair has none.
    pub(super) spread: Option<Spread>,
}

/// How far paired differences scatter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    /// Sample standard deviation of the differences.
    pub(super) std: f64,
    /// Lower end of the Student-t interval of the mean.
    pub(super) low: f64,
    /// Its upper end.
    pub(super) high: f64,
}

/// What an interval says about the sign of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// The whole interval lies above 0.
    Above,
    /// The whole interval lies below 0.
    Below,
    /// The interval holds 0.
    Open,
    /// There is no interval.
    Unknown,
}

impl Difference {
    /// Summarizes paired differences; none if there is no pair.
    pub(super) fn of(differences: &[f64]) -> Option<Self> {
        let n = differences.len();
        if n == 0 {
            return None;
        }
        let mean = differences.iter().sum::<f64>() / n as f64;
        let spread = (n > 1).then(|| {
            let squares = differences.iter().map(|difference| (difference - mean).powi(2));
            let std = (squares.sum::<f64>() / (n - 1) as f64).sqrt();
            let half_width = quantile(n - 1) * std / (n as f64).sqrt();
            Spread { std, low: mean - half_width, high: mean + half_width }
        });
        Some(Self { n, mean, spread })
    }

    /// Returns what the interval says about the sign.
    pub(super) fn sign(&self) -> Sign {
        match self.spread {
            None => Sign::Unknown,
            Some(Spread { low, .. }) if low > 0.0 => Sign::Above,
            Some(Spread { high, .. }) if high < 0.0 => Sign::Below,
            Some(_) => Sign::Open,
        }
    }

    /// Returns the mean as text, with its sign.
    pub(super) fn mean_text(&self, decimals: usize) -> String {
        signed(self.mean, decimals)
    }

    /// Returns the interval as text.
    pub(super) fn interval_text(&self, decimals: usize) -> String {
        self.spread.map_or_else(
            || super::number::ABSENT.to_owned(),
            |Spread { std: _, low, high }| {
                format!("[{}, {}]", signed(low, decimals), signed(high, decimals))
            },
        )
    }

    /// Returns the standard deviation as text.
    pub(super) fn std_text(&self, decimals: usize) -> String {
        fixed(self.spread.map_or(f64::NAN, |spread| spread.std), decimals)
    }
}

/// Returns the 0.975 quantile of Student's t.
fn quantile(degrees_of_freedom: usize) -> f64 {
    StudentsT::new(0.0, 1.0, degrees_of_freedom as f64)
        .expect("scale and degrees of freedom are positive")
        .inverse_cdf(UPPER_QUANTILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(differences: &[f64], expected: &str) {
        let difference = Difference::of(differences).expect("there is a pair");
        let text = format!(
            "{} {} {:?}",
            difference.mean_text(3),
            difference.interval_text(3),
            difference.sign()
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn three_pairs_have_a_wide_interval() {
        // mean 2, std 1, t(0.975, 2) = 4.30265: half width 4.30265 / sqrt(3) = 2.48414.
        check(&[1.0, 2.0, 3.0], "+2.000 [\u{2212}0.484, +4.484] Open");
    }

    #[test]
    fn equal_pairs_have_an_interval_of_no_width() {
        check(&[-0.5, -0.5], "\u{2212}0.500 [\u{2212}0.500, \u{2212}0.500] Below");
    }

    #[test]
    fn a_single_pair_has_no_interval() {
        check(&[0.25], "+0.250 \u{2013} Unknown");
    }

    #[test]
    fn no_pair_is_no_difference() {
        assert_eq!(Difference::of(&[]), None);
    }
}
