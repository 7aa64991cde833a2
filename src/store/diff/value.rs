//! Differences between single values.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::stats::ulp::distance_f64;

/// A key with different values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TextDifference {
    /// Path of the key, joined with `.`.
    pub key: String,
    /// Value of the first run as JSON, or `absent`.
    pub a: String,
    pub b: String,
}

/// A named number whose bits differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ValueDifference {
    pub name: String,
    pub a: Option<f64>,
    pub b: Option<f64>,
    /// Distance in f64 values, if both exist.
    pub ulps: Option<u64>,
}

/// Returns the first number whose bits differ; the names of `a` come first.
pub(super) fn first_difference(
    a: &[(String, f64)],
    b: &[(String, f64)],
) -> Option<ValueDifference> {
    let by_name = |values: &[(String, f64)]| -> BTreeMap<_, _> { values.iter().cloned().collect() };
    let (values_a, values_b) = (by_name(a), by_name(b));
    a.iter().chain(b).find_map(|(name, _)| {
        let (a, b) = (values_a.get(name).copied(), values_b.get(name).copied());
        let equal = a.map(f64::to_bits) == b.map(f64::to_bits);
        let ulps = a.zip(b).map(|(a, b)| distance_f64(a, b));
        (!equal).then(|| ValueDifference { name: name.clone(), a, b, ulps })
    })
}

/// Returns every key whose values differ, sorted. A list is one value.
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
