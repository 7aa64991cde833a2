//! Validated numbers: types whose values cannot be NaN, negative or out of range.
//!
//! Values of a user are checked when they are deserialized, so no other code checks a range again.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

/// Why a number is not a valid value of a type.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScalarError {
    /// `range` is the allowed range in interval notation.
    #[error("{value} is outside {range}")]
    OutOfRange { value: String, range: &'static str },
}

/// Returns the JSON schema of numbers of a JSON type in a range, given in interval notation.
fn in_range(json_type: &str, range: &str) -> Schema {
    let ends = range[1..range.len() - 1].split_once(", ");
    let (low, high) = ends.expect("a range has two ends");
    let mut schema = Schema::default();
    schema.insert("type".to_owned(), json_type.into());
    let mut limit = |key: &str, text: &str| {
        if let Ok(number) = text.parse::<i64>() {
            schema.insert(key.to_owned(), number.into());
        }
    };
    limit(if range.starts_with('[') { "minimum" } else { "exclusiveMinimum" }, low);
    limit(if range.ends_with(']') { "maximum" } else { "exclusiveMaximum" }, high);
    schema
}

/// Implements [`JsonSchema`] for a number in a range, given in interval notation.
macro_rules! schema_in_range {
    ($name:ident, $json_type:literal, $range:expr) => {
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                in_range($json_type, $range)
            }
        }
    };
}

/// Defines a newtype over `f64` whose values satisfy a predicate.
macro_rules! validated_f64 {
    ($(#[$doc:meta])* $name:ident, $range:literal, $holds:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            /// Returns the number as an `f64`.
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = ScalarError;

            fn try_from(value: f64) -> Result<Self, ScalarError> {
                let holds: fn(f64) -> bool = $holds;
                if holds(value) {
                    Ok(Self(value))
                } else {
                    Err(ScalarError::OutOfRange { value: value.to_string(), range: $range })
                }
            }
        }

        schema_in_range!($name, "number", $range);

        impl From<$name> for f64 {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

validated_f64!(
    /// A fraction in [0, 1]: a probability, a ratio, a share.
    Fraction, "[0, 1]", |x| (0.0..=1.0).contains(&x)
);
validated_f64!(
    /// A moment decay rate in [0, 1), as Adam's β₁ and β₂.
    DecayRate, "[0, 1)", |x| (0.0..1.0).contains(&x)
);
validated_f64!(
    /// A factor in (0, 1] that makes nothing larger.
    UnitFactor, "(0, 1]", |x| x > 0.0 && x <= 1.0
);
validated_f64!(
    /// A dropout keep probability in (0, 1], by which kept values are divided.
    KeepProbability, "(0, 1]", |x| x > 0.0 && x <= 1.0
);
validated_f64!(
    /// A finite number above zero: a learning rate, an epsilon.
    Positive, "(0, inf)", |x| x > 0.0 && x.is_finite()
);
validated_f64!(
    /// A finite number of at least zero: a weight.
    NonNegative, "[0, inf)", |x| x >= 0.0 && x.is_finite()
);

/// A count of at least one and at most 2³¹ − 1, so that products of two counts fit an `i64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Count(u32);

/// The range of counts in interval notation.
const COUNTS: &str = "[1, 2147483647]";

schema_in_range!(Count, "integer", COUNTS);

#[expect(clippy::len_without_is_empty, reason = "a count is never zero")]
impl Count {
    /// Makes a count from a literal.
    ///
    /// # Panics
    /// If `value` is 0 or above 2³¹ − 1.
    pub const fn literal(value: u32) -> Self {
        assert!(value > 0 && value <= i32::MAX as u32, "a count is at least one");
        Self(value)
    }

    /// Returns the count as a `u64`.
    pub const fn get(self) -> u64 {
        self.0 as u64
    }

    /// Returns the count as an `i64`, the type of sizes in libtorch.
    pub const fn size(self) -> i64 {
        self.0 as i64
    }

    /// Returns the count as a `usize`.
    pub const fn len(self) -> usize {
        self.0 as usize
    }
}

impl TryFrom<i64> for Count {
    type Error = ScalarError;

    fn try_from(value: i64) -> Result<Self, ScalarError> {
        match u32::try_from(value) {
            Ok(count) if count > 0 && i32::try_from(count).is_ok() => Ok(Self(count)),
            _ => Err(ScalarError::OutOfRange { value: value.to_string(), range: COUNTS }),
        }
    }
}

impl From<Count> for i64 {
    fn from(value: Count) -> Self {
        Self::from(value.0)
    }
}

impl FromStr for Count {
    type Err = ScalarError;

    fn from_str(text: &str) -> Result<Self, ScalarError> {
        let outside = |_| ScalarError::OutOfRange { value: text.to_owned(), range: COUNTS };
        text.parse::<i64>().map_err(outside).and_then(Self::try_from)
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The seed of a run, from 0 to 2⁶³ − 1; every random stream is derived from it and the name of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The largest seed that TOML can write.
    pub const MAX: Self = Self(i64::MAX as u64);
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

schema_in_range!(Seed, "integer", "[0, 9223372036854775807]");

/// Index of an update within a run; `Step(0)` is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Step(pub u64);

/// Index of an epoch; `Epoch(0)` is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_rejects<T>(json: &str, message: &str)
    where
        T: for<'a> Deserialize<'a> + fmt::Debug,
    {
        let error = serde_json::from_str::<T>(json).expect_err("the value is refused");
        assert!(error.to_string().contains(message), "`{error}` does not say `{message}`");
    }

    #[test]
    fn fraction_above_one_is_rejected() {
        check_rejects::<Fraction>("1.5", "outside [0, 1]");
    }

    #[test]
    fn a_learning_rate_of_zero_is_rejected() {
        check_rejects::<Positive>("0.0", "outside (0, inf)");
    }

    #[test]
    fn infinity_and_nan_are_rejected() {
        assert!(Positive::try_from(f64::INFINITY).is_err());
        assert!(NonNegative::try_from(f64::NAN).is_err());
    }

    #[test]
    fn a_count_of_zero_is_rejected() {
        check_rejects::<Count>("0", "outside [1, 2147483647]");
        check_rejects::<Count>("-3", "outside [1, 2147483647]");
    }
}
