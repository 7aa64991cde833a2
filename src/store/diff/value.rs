//! Differences between single values.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// A key whose values differ as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TextDifference {
    /// Path of the key, parts joined with `.`.
    pub key: String,
    /// Value of the first run as JSON; `absent` where it has none.
    pub a: String,
    /// Value of the second run.
    pub b: String,
}

/// A named number whose bits differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValueDifference {
    /// Name of the number.
    pub name: String,
    /// Value of the first run, if it has one.
    pub a: Option<f64>,
    /// Value of the second run, if it has one.
    pub b: Option<f64>,
    /// How many f64 values lie between, where both exist.
    pub ulps: Option<u64>,
}

/// Returns the number of representable steps between two finite numbers; 0 and -0 are one value.
pub fn ulp_distance(a: f64, b: f64) -> u64 {
    // Maps the sign-magnitude order of the bits to the order of integers.
    let ordered = |x: f64| {
        let bits = x.to_bits().cast_signed();
        if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
    };
    ordered(a).abs_diff(ordered(b))
}

/// Returns the first named number whose bits differ, names of `a` first.
pub(super) fn first_difference(
    a: &[(String, f64)],
    b: &[(String, f64)],
) -> Option<ValueDifference> {
    let by_name = |values: &[(String, f64)]| -> BTreeMap<_, _> { values.iter().cloned().collect() };
    let (values_a, values_b) = (by_name(a), by_name(b));
    a.iter().chain(b).find_map(|(name, _)| {
        let (a, b) = (values_a.get(name).copied(), values_b.get(name).copied());
        let equal = a.map(f64::to_bits) == b.map(f64::to_bits);
        let ulps = a.zip(b).map(|(a, b)| ulp_distance(a, b));
        (!equal).then(|| ValueDifference { name: name.clone(), a, b, ulps })
    })
}

/// Returns every key whose values differ, sorted; lists count as one value.
pub(super) fn text_differences<T: Serialize>(prefix: &str, a: &T, b: &T) -> Vec<TextDifference> {
    let (leaves_a, leaves_b) = (leaves(prefix, a), leaves(prefix, b));
    let keys = leaves_a.keys().chain(leaves_b.keys().filter(|key| !leaves_a.contains_key(*key)));
    let text = |leaves: &BTreeMap<String, String>, key: &String| {
        leaves.get(key).cloned().unwrap_or_else(|| "absent".to_owned())
    };
    let mut found: Vec<_> = keys
        .map(|key| TextDifference {
            key: key.clone(),
            a: text(&leaves_a, key),
            b: text(&leaves_b, key),
        })
        .filter(|difference| difference.a != difference.b)
        .collect();
    found.sort_by(|a, b| a.key.cmp(&b.key));
    found
}

/// Returns a value as compact JSON.
pub(super) fn json_text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("records have a JSON form")
}

fn leaves<T: Serialize>(prefix: &str, value: &T) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect(prefix, &serde_json::to_value(value).expect("records have a JSON form"), &mut found);
    found
}

fn collect(key: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                collect(&key, member, found);
            }
        }
        leaf => {
            found.insert(key.to_owned(), leaf.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(a: f64, b: f64, distance: u64) {
        assert_eq!((ulp_distance(a, b), ulp_distance(b, a)), (distance, distance));
    }

    #[test]
    fn neighbours_are_one_step_apart_across_powers_of_two_and_zero() {
        check(1.0, 1.0_f64.next_up(), 1);
        check(2.0, 2.0_f64.next_down(), 1);
        check(0.0, f64::from_bits(1), 1);
        check(-0.0, 0.0, 0);
        check(-f64::from_bits(1), f64::from_bits(1), 2);
    }

    #[test]
    fn the_farthest_numbers_have_a_distance() {
        check(f64::MIN, f64::MAX, 2 * f64::MAX.to_bits());
    }

    proptest! {
        #[test]
        fn distances_add_up(a in -1e300..1e300_f64, b in -1e300..1e300_f64, c in -1e300..1e300_f64) {
            let mut sorted = [a, b, c];
            sorted.sort_by(f64::total_cmp);
            let [a, b, c] = sorted;
            prop_assert_eq!(ulp_distance(a, b) + ulp_distance(b, c), ulp_distance(a, c));
        }
    }
}
