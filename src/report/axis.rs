//! Axes of curves: ticks at round values, linear or logarithmic.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use super::number::{self, magnitude};

/// A logarithmic axis is used from this quotient of the largest and smallest value on.
const LOGARITHMIC_FROM: f64 = 50.0;
/// Mantissas of round steps.
const ROUND: [f64; 5] = [1.0, 2.0, 2.5, 5.0, 10.0];
/// Mantissas of ticks on a logarithmic axis.
const MANTISSAS: [f64; 3] = [1.0, 2.0, 5.0];

/// An axis with its ticks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    range: Range<f64>,
    ticks: Vec<f64>,
    decimals: usize,
    spacing: Spacing,
}

/// How values are spaced along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spacing {
    /// Equal differences take equal lengths.
    Linear,
    /// Equal quotients take equal lengths.
    Logarithmic,
}

impl Axis {
    /// Makes an axis for measured values: logarithmic where all are positive and they span a factor of
    /// 50 or more, otherwise linear.
    pub(super) fn measured(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = bounds(values);
        if low > 0.0 && high / low >= LOGARITHMIC_FROM {
            return Self::logarithmic(low, high);
        }
        // A constant gets room around it; everything else a margin of a twentieth.
        let margin = match (high - low, high.abs()) {
            (0.0, 0.0) => 1.0,
            (0.0, size) => size * 0.1,
            (span, _) => span * 0.05,
        };
        // Values that are never negative do not get a negative axis.
        let floor = if low >= 0.0 { 0.0_f64.max(low - margin) } else { low - margin };
        Self::linear(floor, high + margin, 7)
    }

    /// Makes a linear axis from `start` to the last value, for steps, epochs and frames.
    pub(super) fn counted(start: f64, values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = bounds(values);
        let low = low.min(start);
        let high = if high > low { high } else { low + 1.0 };
        let mut axis = Self::linear(low, high, 6);
        axis.ticks.retain(|tick| tick.fract() == 0.0);
        axis.decimals = 0;
        axis
    }

    fn linear(low: f64, high: f64, intervals: u32) -> Self {
        let step = round_step((high - low) / f64::from(intervals));
        let first = (low / step).ceil();
        let count = (high / step).floor() - first;
        let ticks = (0..=100_u32)
            .map(f64::from)
            .take_while(|index| *index <= count)
            .map(|index| (first + index) * step)
            .collect();
        let places = usize::try_from(-magnitude(step * 1.000_001)).unwrap_or(0);
        let is_quarter = (step * 10_f64.powi(-magnitude(step * 1.000_001)) - 2.5).abs() < 1e-6;
        let decimals = places + usize::from(is_quarter);
        Self { range: low..high, ticks, decimals, spacing: Spacing::Linear }
    }

    fn logarithmic(low: f64, high: f64) -> Self {
        let decades = magnitude(low)..=magnitude(high) + 1;
        let span = high.log10() - low.log10();
        let mantissas: &[f64] = if span > 3.0 { &MANTISSAS[..1] } else { &MANTISSAS };
        let ticks: Vec<f64> = decades
            .flat_map(|decade| mantissas.iter().map(move |mantissa| mantissa * 10_f64.powi(decade)))
            .filter(|tick| (low * 0.999..=high * 1.001).contains(tick))
            .collect();
        let room = (high / low).powf(0.03);
        Self { range: low / room..high * room, ticks, decimals: 6, spacing: Spacing::Logarithmic }
    }

    /// Returns how values are spaced.
    pub(super) const fn spacing(&self) -> Spacing {
        self.spacing
    }

    fn position(&self, value: f64) -> f64 {
        let Range { start, end } = self.range;
        match self.spacing {
            Spacing::Linear => (value - start) / (end - start),
            Spacing::Logarithmic => (value / start).ln() / (end / start).ln(),
        }
    }
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low <= high { (low, high) } else { (0.0, 1.0) }
}

/// Returns the smallest round number of at least `step`.
fn round_step(step: f64) -> f64 {
    let unit = 10_f64.powi(magnitude(step));
    let mantissa = ROUND.into_iter().find(|round| round * unit >= step * 0.999_999);
    mantissa.unwrap_or(10.0) * unit
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    #[expect(clippy::cast_possible_truncation, reason = "positions on a page fit an i32")]
    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let length = f64::from(limit.1 - limit.0);
        limit.0 + (self.position(*value) * length).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        number::tick(*value, self.decimals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(axis: &Axis, expected: &[&str]) {
        let labels: Vec<String> = axis.ticks.iter().map(|tick| axis.format_ext(tick)).collect();
        assert_eq!(labels, expected);
    }

    #[test]
    fn ticks_are_round() {
        check(
            &Axis::measured([17.2, 20.1].into_iter()),
            &["17.5", "18", "18.5", "19", "19.5", "20"],
        );
        // A step of a quarter needs a decimal more than its magnitude says.
        check(
            &Axis::measured([0.0, 0.15].into_iter()),
            &["0", "0.025", "0.05", "0.075", "0.1", "0.125", "0.15"],
        );
        check(&Axis::measured([0.0, 1.0].into_iter()), &["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        check(
            &Axis::measured([0.0, 0.13].into_iter()),
            &["0", "0.02", "0.04", "0.06", "0.08", "0.1", "0.12"],
        );
    }

    #[test]
    fn frames_are_whole() {
        check(&Axis::counted(1.0, (1..=10).map(f64::from)), &["2", "4", "6", "8", "10"]);
        check(&Axis::counted(0.0, [0.5, 1.0].into_iter()), &["0", "1"]);
    }

    #[test]
    fn values_over_decades_are_spaced_logarithmically() {
        let axis = Axis::measured([0.01, 3.0].into_iter());
        assert_eq!(axis.spacing(), Spacing::Logarithmic);
        check(&axis, &["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"]);
    }

    #[test]
    fn a_constant_has_room_around_it() {
        let axis = Axis::measured([0.002, 0.002].into_iter());
        assert!(axis.range.start < 0.002 && axis.range.end > 0.002);
        assert!(!axis.ticks.is_empty());
    }

    #[test]
    fn no_value_still_gives_an_axis() {
        let axis = Axis::measured([f64::NAN].into_iter());
        check(&axis, &["0", "0.2", "0.4", "0.6", "0.8", "1"]);
    }
}
