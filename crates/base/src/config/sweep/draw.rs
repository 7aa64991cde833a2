//! Values of an axis that are drawn at random: random search.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    rng::streams::{Draws, Stream},
    scalar::{Count, Seed},
};

/// Draws that may be rejected, because the value was drawn before, per value.
const ATTEMPTS: usize = 1000;
/// Significant digits of a drawn number.
const DIGITS: usize = 3;

/// How the values of an axis are drawn. Numbers are rounded to three significant digits, and no value is
/// drawn twice.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum WireDraw {
    /// Every number of a range is equally likely.
    Uniform(Range),
    /// The logarithm of the number is uniformly distributed: for learning rates and weights.
    LogUniform(Range),
    /// Every whole number of a range, its ends included, is equally likely.
    Integer(IntegerRange),
}

/// A range to draw numbers from.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    low: f64,
    high: f64,
    /// Number of values.
    count: Count,
    /// Seed of the draws. The name of the axis is part of their stream.
    #[serde(default = "zero")]
    seed: Seed,
}

/// A range to draw whole numbers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IntegerRange {
    low: i64,
    high: i64,
    /// Number of values.
    count: Count,
    /// Seed of the draws. The name of the axis is part of their stream.
    #[serde(default = "zero")]
    seed: Seed,
}

const fn zero() -> Seed {
    Seed(0)
}

impl WireDraw {
    /// Draws the values of an axis, as TOML.
    ///
    /// # Errors
    /// Returns what is wrong with the range.
    pub(super) fn values(self, axis: &str) -> Result<Vec<String>, String> {
        let (low, high, count, seed) = match self {
            Self::Uniform(Range { low, high, count, seed })
            | Self::LogUniform(Range { low, high, count, seed }) => (low, high, count, seed),
            Self::Integer(IntegerRange { low, high, count, seed }) => {
                (low as f64, high as f64, count, seed)
            }
        };
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err("needs `low` below `high`, both finite".to_owned());
        }
        if matches!(self, Self::LogUniform(_)) && low <= 0.0 {
            return Err("of logarithms needs `low` above 0".to_owned());
        }
        let count = count.len();
        let mut draws = Stream::new(seed, &format!("axis/{axis}")).at(0);
        let mut values: Vec<String> = Vec::new();
        let mut attempts = ATTEMPTS.saturating_mul(count);
        while values.len() < count {
            if attempts == 0 {
                return Err(format!("has fewer than {count} different values"));
            }
            attempts -= 1;
            let value = self.value(&mut draws);
            if !values.contains(&value) {
                values.push(value);
            }
        }
        Ok(values)
    }

    fn value(self, draws: &mut Draws) -> String {
        let between = |low: f64, high: f64, unit: f64| low + (high - low) * unit;
        match self {
            Self::Uniform(Range { low, high, .. }) => {
                rounded(between(low, high, draws.next_unit()))
            }
            Self::LogUniform(Range { low, high, .. }) => {
                rounded(between(low.ln(), high.ln(), draws.next_unit()).exp())
            }
            Self::Integer(IntegerRange { low, high, .. }) => {
                let size = high.abs_diff(low).saturating_add(1);
                low.wrapping_add_unsigned(draws.below(size)).to_string()
            }
        }
    }
}

/// Returns a number with [`DIGITS`] significant digits as a TOML float.
fn rounded(number: f64) -> String {
    let text = format!("{number:.*e}", DIGITS - 1);
    let value: f64 = text.parse().expect("a formatted number is a number");
    if value == 0.0 || (1e-3..1e4).contains(&value.abs()) { format!("{value:?}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(text: &str) -> Result<Vec<String>, String> {
        let draw: WireDraw = toml::from_str(text).expect("it is a draw");
        draw.values("rate")
    }

    #[track_caller]
    fn check(text: &str, is_inside: impl Fn(f64) -> bool) {
        let values = draw(text).expect("the range is valid");
        assert_eq!(values.len(), 40);
        assert!(values.iter().all(|value| is_inside(value.parse().unwrap())), "{values:?}");
        assert_eq!(draw(text).unwrap(), values, "equal seeds give equal values");
    }

    #[test]
    fn values_are_in_their_range_and_differ() {
        check("uniform = { low = -1, high = 2.5, count = 40 }", |x| (-1.0..=2.5).contains(&x));
        check("log_uniform = { low = 1e-5, high = 1e-2, count = 40 }", |x| {
            (1e-5..=1e-2).contains(&x)
        });
        check("integer = { low = 3, high = 42, count = 40 }", |x| {
            (3.0..=42.0).contains(&x) && x.fract() == 0.0
        });
    }

    #[test]
    fn half_of_a_logarithmic_range_is_below_its_geometric_mean() {
        let values = draw("log_uniform = { low = 1e-6, high = 1.0, count = 400 }").unwrap();
        let low = values.iter().filter(|value| value.parse::<f64>().unwrap() < 1e-3).count();
        assert!((150..250).contains(&low), "{low}");
    }

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!(rounded(0.000_012_345), "1.23e-5");
        assert_eq!(rounded(0.5), "0.5");
        assert_eq!(rounded(123.456), "123.0");
    }

    #[test]
    fn impossible_ranges_are_refused() {
        let refused = |text: &str| draw(text).unwrap_err();
        assert!(refused("uniform = { low = 1, high = 1, count = 2 }").contains("below"));
        assert!(refused("log_uniform = { low = 0, high = 1, count = 2 }").contains("above 0"));
        let few = refused("integer = { low = 1, high = 3, count = 4 }");
        assert_eq!(few, "has fewer than 4 different values");
    }
}
