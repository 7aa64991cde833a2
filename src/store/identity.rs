//! Identity of a run: equal ids mean that equal numbers are expected.

use serde_json::{Value, json};

use super::record::RunId;
use crate::{config::RunSpec, fs::sha256_hex};

/// Returns the id of a run: the first 16 hex digits of the SHA-256 over the canonical JSON of what
/// decides its numbers.
pub fn run_id(schema: u32, spec: &RunSpec, data_digest: &str, libtorch: &str) -> RunId {
    let identity = json!({
        "schema": schema,
        "spec": spec,
        "data": data_digest,
        "libtorch": libtorch,
    });
    let digest = sha256_hex(canonical_json(&identity).as_bytes());
    digest[..16].parse().expect("16 hex digits are a run id")
}

/// Returns a value as compact JSON with the keys of every object sorted bytewise.
///
/// Sorted here rather than by the JSON library, whose order changes if any other crate of the build
/// asks it to keep insertion order.
pub fn canonical_json(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_by_key(|(key, _)| key.as_bytes());
            let member = |(key, value): &(&String, &Value)| {
                format!("{}:{}", Value::from(key.as_str()), canonical_json(value))
            };
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
        }
        Value::Array(values) => {
            format!("[{}]", values.iter().map(canonical_json).collect::<Vec<_>>().join(","))
        }
        scalar => scalar.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::engine::{Arithmetic, EngineSpec},
        scalar::Seed,
        store::samples,
    };

    #[track_caller]
    fn check(text: &str, canonical: &str) {
        assert_eq!(canonical_json(&serde_json::from_str(text).unwrap()), canonical);
    }

    #[test]
    fn keys_are_sorted_at_every_depth() {
        check(r#"{"b": [{"d": 1, "c": 2}], "a": null}"#, r#"{"a":null,"b":[{"c":2,"d":1}]}"#);
    }

    #[test]
    fn numbers_and_strings_keep_their_value() {
        check(r#"[0.1, 1e-8, 3, -0.0, "a\"\n"]"#, r#"[0.1,1e-8,3,-0.0,"a\"\n"]"#);
    }

    #[test]
    fn every_ingredient_changes_the_id() {
        let spec = samples::spec();
        let id = run_id(1, &spec, "data", "2.13.0");
        assert_eq!(id, run_id(1, &spec, "data", "2.13.0"));
        assert_ne!(id, run_id(2, &spec, "data", "2.13.0"));
        assert_ne!(id, run_id(1, &spec, "other", "2.13.0"));
        assert_ne!(id, run_id(1, &spec, "data", "2.14.0"));
        for arithmetic in [Arithmetic::Fast, Arithmetic::Bf16] {
            let engine = EngineSpec { arithmetic, ..spec.engine.clone() };
            assert_ne!(id, run_id(1, &RunSpec { engine, ..spec.clone() }, "data", "2.13.0"));
        }
        let other = RunSpec { seed: Seed(spec.seed.0 + 1), ..spec };
        assert_ne!(id, run_id(1, &other, "data", "2.13.0"));
    }
}
