//! The ranges that curves are drawn in. Plotters spaces the axes and places linear ticks; on a
//! logarithmic axis it would only mark powers of ten, of which a range may have one or none.

use std::ops::Range;

use super::number::magnitude;

/// An axis of values that span at least this factor is logarithmic.
const LOGARITHMIC_FROM: f64 = 50.0;
/// Plotters places no ticks on a range whose length overflows.
const SIZE_MAX: f64 = 1e300;
/// From this many decades on a logarithmic axis has ticks at powers of ten only.
const DECADES: f64 = 3.0;

/// The axis of measured values.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ValueAxis {
    Linear(Range<f64>),
    Logarithmic { range: Range<f64>, ticks: Vec<f64> },
}

impl ValueAxis {
    /// Returns an axis that holds all finite `values`: logarithmic if all are positive and they span a
    /// factor of 50 or more, else linear.
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let Range { start: low, end: high } = bounds(values);
        if low > 0.0 && high / low >= LOGARITHMIC_FROM {
            return Self::logarithmic(low, high);
        }
        // A constant is drawn in the middle; other values get a margin of a twentieth.
        let margin = match (high - low, high.abs()) {
            (0.0, 0.0) => 1.0,
            (0.0, size) => size * 0.1,
            (span, _) => span * 0.05,
        };
        // Values that are never negative do not get a negative axis.
        let start = if low >= 0.0 { 0.0_f64.max(low - margin) } else { low - margin };
        Self::Linear(start..high + margin)
    }

    fn logarithmic(low: f64, high: f64) -> Self {
        let mantissas: &[f64] =
            if (high / low).log10() > DECADES { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let ticks = (magnitude(low)..=magnitude(high) + 1)
            .flat_map(|decade| mantissas.iter().map(move |mantissa| mantissa * 10_f64.powi(decade)))
            .filter(|tick| (low * 0.999..=high * 1.001).contains(tick))
            .collect();
        let margin = (high / low).powf(0.03);
        Self::Logarithmic { range: low / margin..high * margin, ticks }
    }
}

/// Returns the range from `start`, or from a smaller value, to the largest of `values`: steps, epochs or
/// frames. It is at least 1 long, and `ticks` is how many whole numbers may be marked on it.
pub(super) fn counted(start: f64, values: impl Iterator<Item = f64>) -> (Range<f64>, usize) {
    let Range { start: low, end: high } = bounds(values);
    let low = low.min(start);
    let high = high.max(low + 1.0);
    let ticks = [2, 3, 4, 5, 6].into_iter().rfind(|&ticks| ticks as f64 <= high - low + 1.0);
    (low..high, ticks.unwrap_or(2))
}

/// Returns the range of the values that can be drawn; 0 to 1 if there are none.
fn bounds(values: impl Iterator<Item = f64>) -> Range<f64> {
    let drawn = values.filter(|value| value.abs() < SIZE_MAX);
    let (low, high) = drawn.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low <= high { low..high } else { 0.0..1.0 }
}

#[cfg(test)]
mod tests {
    use plotters::coord::{ranged1d::Ranged as _, types::RangedCoordf64};

    use super::*;
    use crate::number::tick;

    /// Checks the labels of the ticks that plotters draws.
    #[track_caller]
    fn check(range: Range<f64>, ticks: usize, expected: &[&str]) {
        let points = RangedCoordf64::from(range).key_points(ticks);
        let labels: Vec<String> = points.into_iter().map(tick).collect();
        assert_eq!(labels, expected);
    }

    #[track_caller]
    fn check_linear(values: &[f64], expected: &[&str]) {
        let ValueAxis::Linear(range) = ValueAxis::of(values.iter().copied()) else {
            panic!("the axis is logarithmic");
        };
        check(range, 8, expected);
    }

    #[test]
    fn ticks_are_round() {
        check_linear(&[17.2, 20.1], &["17.5", "18", "18.5", "19", "19.5", "20"]);
        check_linear(&[0.0, 0.15], &["0", "0.02", "0.04", "0.06", "0.08", "0.1", "0.12", "0.14"]);
        check_linear(&[0.0, 1.0], &["0", "0.2", "0.4", "0.6", "0.8", "1"]);
    }

    #[test]
    fn frames_are_whole() {
        let (range, ticks) = counted(1.0, (1..=10).map(f64::from));
        check(range, ticks, &["2", "4", "6", "8", "10"]);
        let (range, ticks) = counted(0.0, [0.5, 1.0].into_iter());
        check(range, ticks, &["0", "1"]);
        for last in 1..40 {
            let (range, ticks) = counted(1.0, (1..=last).map(f64::from));
            let points = RangedCoordf64::from(range).key_points(ticks);
            assert!(points.len() > 1 || last < 3, "{points:?} up to {last}");
            assert!(points.iter().all(|point| point.fract() == 0.0), "{points:?} up to {last}");
        }
    }

    #[test]
    fn values_over_decades_are_spaced_logarithmically() {
        let ValueAxis::Logarithmic { range, ticks } = ValueAxis::of([0.01, 3.0].into_iter()) else {
            panic!("the axis is linear");
        };
        assert!(range.start < 0.01 && range.end > 3.0);
        let labels: Vec<String> = ticks.into_iter().map(tick).collect();
        assert_eq!(labels, ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"]);
    }

    #[test]
    fn a_constant_has_room_around_it() {
        let ValueAxis::Linear(range) = ValueAxis::of([0.002, 0.002].into_iter()) else {
            panic!("the axis is logarithmic");
        };
        assert!(range.start < 0.002 && range.end > 0.002);
        assert!(!RangedCoordf64::from(range).key_points(8).is_empty());
    }

    #[test]
    fn no_value_still_gives_an_axis() {
        check_linear(&[f64::NAN, f64::MAX], &["0", "0.2", "0.4", "0.6", "0.8", "1"]);
    }
}
