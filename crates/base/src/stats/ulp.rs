//! Distance of floating-point numbers in units in the last place (ULP).
//!
//! The distance is the number of representable steps between two numbers, also across zero. Start from
//! [`distance_f32`].

use std::fmt;

/// Distance of two different numbers of which at least one is NaN or infinite.
///
/// The largest finite distance in f64 is smaller, so this value is never a number of steps.
pub const APART: u64 = u64::MAX;

/// Returns the number of f32 steps between `a` and `b`, or [`APART`].
///
/// The two zeros are equal, any NaN equals any NaN, an infinity equals only itself.
///
/// ```
/// use reprise_base::stats::ulp::{APART, distance_f32};
///
/// assert_eq!(distance_f32(1.0, 1.0 + f32::EPSILON), 1);
/// assert_eq!(distance_f32(-0.0, 0.0), 0);
/// assert_eq!(distance_f32(f32::NAN, 0.0), APART);
/// ```
pub fn distance_f32(a: f32, b: f32) -> u64 {
    let on_line = |x: f32| -> i64 {
        let bits = i64::from(x.to_bits() & 0x7fff_ffff);
        if x.is_sign_negative() { -bits } else { bits }
    };
    match comparable(f64::from(a), f64::from(b)) {
        Comparable::Equal => 0,
        Comparable::Apart => APART,
        Comparable::Finite => on_line(a).abs_diff(on_line(b)),
    }
}

/// Returns the number of f64 steps between `a` and `b`, or [`APART`].
pub fn distance_f64(a: f64, b: f64) -> u64 {
    let on_line = |x: f64| -> i64 {
        let bits = (x.to_bits() & (u64::MAX >> 1)).cast_signed();
        if x.is_sign_negative() { -bits } else { bits }
    };
    match comparable(a, b) {
        Comparable::Equal => 0,
        Comparable::Apart => APART,
        Comparable::Finite => on_line(a).abs_diff(on_line(b)),
    }
}

enum Comparable {
    Equal,
    Apart,
    Finite,
}

fn comparable(a: f64, b: f64) -> Comparable {
    if a.is_finite() && b.is_finite() {
        Comparable::Finite
    } else if (a.is_nan() && b.is_nan()) || a.total_cmp(&b).is_eq() {
        Comparable::Equal
    } else {
        Comparable::Apart
    }
}

/// Number of doubling buckets: 0, 1, 2, 3-4, 5-8, ... up to 2^64.
const BUCKETS: usize = 66;

/// Histogram of distances in ULP, in doubling buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    buckets: [u64; BUCKETS],
    apart: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: [0; BUCKETS], apart: 0 }
    }
}

impl Histogram {
    /// Counts one element at `distance`.
    pub fn add(&mut self, distance: u64) {
        if distance == APART {
            self.apart += 1;
        } else {
            self.buckets[bucket(distance)] += 1;
        }
    }

    /// Returns the number of elements at distance 0.
    pub const fn exact(&self) -> u64 {
        self.buckets[0]
    }

    /// Returns the number of elements.
    pub fn total(&self) -> u64 {
        self.buckets.iter().sum::<u64>() + self.apart
    }

    /// Returns an upper bound of the distances: the end of the last bucket in use.
    pub fn reach(&self) -> u64 {
        if self.apart > 0 {
            return APART;
        }
        self.buckets.iter().rposition(|&count| count > 0).map_or(0, last_of_bucket)
    }
}

/// Writes the buckets in use as `0:120 1:7 3-4:1 apart:2`.
impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (i, &count) in self.buckets.iter().enumerate().filter(|&(_, &count)| count > 0) {
            let last = last_of_bucket(i);
            let first = if i < 2 { last } else { last_of_bucket(i - 1) + 1 };
            if first == last {
                write!(f, "{separator}{last}:{count}")?;
            } else if i > 20 {
                write!(f, "{separator}>2^{}:{count}", i - 2)?;
            } else {
                write!(f, "{separator}{first}-{last}:{count}")?;
            }
            separator = " ";
        }
        if self.apart > 0 {
            write!(f, "{separator}apart:{}", self.apart)?;
        }
        Ok(())
    }
}

/// Returns 0 for 0, 1 for 1, 2 for 2, 3 for 3-4, 4 for 5-8 and so on.
const fn bucket(distance: u64) -> usize {
    match distance {
        0 => 0,
        1 => 1,
        _ => 1 + (u64::BITS - (distance - 1).leading_zeros()) as usize,
    }
}

const fn last_of_bucket(bucket: usize) -> u64 {
    match bucket {
        0 => 0,
        65.. => u64::MAX,
        _ => 1 << (bucket - 1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(distances: &[u64], display: &str) {
        let mut histogram = Histogram::default();
        for &distance in distances {
            histogram.add(distance);
        }
        assert_eq!(histogram.to_string(), display);
        assert_eq!(histogram.total(), distances.len() as u64);
    }

    #[test]
    fn buckets_double() {
        check(&[0, 0, 1, 2, 3, 4, 5, 8, 9], "0:2 1:1 2:1 3-4:2 5-8:2 9-16:1");
        check(&[1 << 40, APART], ">2^39:1 apart:1");
        check(&[], "");
    }

    #[test]
    fn infinity_is_apart_from_the_largest_number() {
        assert_eq!(distance_f32(f32::MAX, f32::INFINITY), APART);
        assert_eq!(distance_f64(f64::NEG_INFINITY, f64::INFINITY), APART);
        assert_eq!(distance_f64(f64::INFINITY, f64::INFINITY), 0);
        assert_eq!(distance_f32(f32::NAN, -f32::NAN), 0);
    }

    #[test]
    fn distances_are_counted_across_zero() {
        let least = f32::from_bits(1);
        assert_eq!(distance_f32(-least, least), 2);
        assert_eq!(distance_f64(-f64::from_bits(3), f64::from_bits(4)), 7);
    }

    proptest! {
        #[test]
        fn the_next_number_is_one_step_away(bits in 0_u32..0x7f7f_ffff) {
            let a = f32::from_bits(bits);
            prop_assert_eq!(distance_f32(a, f32::from_bits(bits + 1)), 1);
            prop_assert_eq!(distance_f32(-f32::from_bits(bits + 1), -a), 1);
        }

        #[test]
        fn distance_is_symmetric(a in any::<f64>(), b in any::<f64>()) {
            prop_assert_eq!(distance_f64(a, b), distance_f64(b, a));
        }

        #[test]
        fn every_distance_lies_in_its_bucket(distance in 2_u64..u64::MAX - 1) {
            let i = bucket(distance);
            prop_assert!(distance <= last_of_bucket(i) && distance > last_of_bucket(i - 1));
        }
    }
}
