//! Validated numbers: values that cannot be NaN, negative or out of range once they exist.
//!
//! Deserializing is the only way in for a value that a user wrote, and it refuses what the type
//! does not allow, so the rest of the crate never checks a range twice.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a number is not one of the validated kinds.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ScalarError {
    /// The number lies outside the range that the type stands for.
    #[error("{value} is outside {range}")]
    OutOfRange {
        /// The number as given.
        value: String,
        /// The allowed range in interval notation.
        range: &'static str,
    },
}

/// Defines a newtype over `f64` whose values satisfy a predicate.
macro_rules! validated_f64 {
    ($(#[$doc:meta])* $name:ident, $range:literal, $holds:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            /// Returns the number as a plain `f64`.
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
    /// A probability in (0, 1] of keeping something that what is kept is divided by.
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

/// The counts in interval notation.
const COUNTS: &str = "[1, 2147483647]";

#[expect(clippy::len_without_is_empty, reason = "a count is never zero")]
impl Count {
    /// Makes a count known to be valid where it is written.
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

    /// Returns the count as the `i64` that libtorch takes for sizes.
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

/// The seed of a run; every random stream of the run is derived from it and a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u32);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Index of an optimizer step over the whole run; `Step(0)` is the first update.
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
    fn infinity_is_no_positive_number() {
        assert!(Positive::try_from(f64::INFINITY).is_err());
        assert!(NonNegative::try_from(f64::NAN).is_err());
    }

    #[test]
    fn a_count_of_zero_is_rejected() {
        check_rejects::<Count>("0", "outside [1, 2147483647]");
        check_rejects::<Count>("-3", "outside [1, 2147483647]");
    }
}
