//! JSON that is equal byte for byte if its content is.

use serde_json::Value;

use reprise_base::fs::sha256_hex;

/// Returns the SHA-256 of a value.
pub(super) fn digest_of(value: &Value) -> String {
    sha256_hex(canonical_json(value).as_bytes())
}

/// Returns a value as compact JSON with the keys of every object sorted bytewise.
///
/// Sorted here because the order of the JSON library depends on a feature that any other crate of the
/// build may switch on.
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

    #[track_caller]
    fn check_canonical(text: &str, canonical: &str) {
        assert_eq!(canonical_json(&serde_json::from_str(text).unwrap()), canonical);
    }

    #[test]
    fn keys_are_sorted_at_every_depth() {
        check_canonical(
            r#"{"b": [{"d": 1, "c": 2}], "a": null}"#,
            r#"{"a":null,"b":[{"c":2,"d":1}]}"#,
        );
    }

    #[test]
    fn numbers_and_strings_keep_their_value() {
        check_canonical(r#"[0.1, 1e-8, 3, -0.0, "a\"\n"]"#, r#"[0.1,1e-8,3,-0.0,"a\"\n"]"#);
    }
}
