//! Paired differences as text, and the sign that their interval shows.

use std::collections::BTreeMap;

use super::number::{ABSENT, fixed, signed};
use reprise_base::stats::{
    paired::{CONFIDENCE, PairedDifference, compare},
    student::POWER,
};

/// The sign of a difference according to its interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// The whole interval is above 0.
    Above,
    /// The whole interval is below 0.
    Below,
    /// The interval contains 0.
    Open,
    /// There is no interval, since one pair has no spread.
    Unknown,
}

/// Compares scores over the seeds that both sides have.
pub(super) fn by_seed(
    left: &BTreeMap<u64, f64>,
    right: &BTreeMap<u64, f64>,
) -> Option<PairedDifference> {
    let shared = left.iter().filter_map(|(seed, value)| Some((value, right.get(seed)?)));
    let (left, right): (Vec<f64>, Vec<f64>) = shared.unzip();
    compare(&left, &right)
}

/// Returns the sign of a difference according to its interval.
pub(super) fn sign(difference: &PairedDifference) -> Sign {
    match difference.spread.map(|spread| spread.interval) {
        None => Sign::Unknown,
        Some([low, _]) if low > 0.0 => Sign::Above,
        Some([_, high]) if high < 0.0 => Sign::Below,
        Some(_) => Sign::Open,
    }
}

/// Returns the interval as text.
pub(super) fn interval(difference: &PairedDifference, decimals: usize) -> String {
    difference.spread.map_or_else(
        || ABSENT.to_owned(),
        |spread| {
            let [low, high] = spread.interval.map(|end| signed(end, decimals));
            format!("[{low}, {high}]")
        },
    )
}

/// Returns the smallest detectable difference as text.
pub(super) fn detectable(difference: &PairedDifference, decimals: usize) -> String {
    fixed(difference.spread.map_or(f64::NAN, |spread| spread.smallest_detectable), decimals)
}

/// Returns the probability that an interval covers the true difference, as text.
pub(super) fn confidence() -> String {
    format!("{:.0}%", CONFIDENCE * 100.0)
}

/// Returns the probability with which the smallest detectable difference is found, as text.
pub(super) fn power() -> String {
    format!("{:.0}%", POWER * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(differences: &[f64], expected: &str) {
        let zeros = vec![0.0; differences.len()];
        let difference = compare(differences, &zeros).expect("there is a pair");
        let text = format!("{} {:?}", interval(&difference, 3), sign(&difference));
        assert_eq!(text, expected);
    }

    #[test]
    fn an_interval_around_zero_leaves_the_sign_open() {
        // mean 2, std 1, t(0.975, 2) = 4.30265: half width 4.30265 / sqrt(3) = 2.48414.
        check(&[1.0, 2.0, 3.0], "[\u{2212}0.484, +4.484] Open");
    }

    #[test]
    fn an_interval_on_one_side_of_zero_has_a_sign() {
        check(&[-0.5, -0.5], "[\u{2212}0.500, \u{2212}0.500] Below");
        check(&[0.5, 0.5], "[+0.500, +0.500] Above");
    }

    #[test]
    fn a_single_pair_has_no_interval() {
        check(&[0.25], "\u{2013} Unknown");
    }
}
