//! Ids that are the beginning of a SHA-256.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::text::is_hex;

/// Hexadecimal digits of an id.
const DIGITS: usize = 16;

/// A text that is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what} (16 lower-case hexadecimal digits)")]
pub struct InvalidId {
    text: String,
    what: &'static str,
}

/// Defines a type for the first digits of a digest.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $what:literal,)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns the beginning of a digest.
            ///
            /// # Panics
            /// If it is not a SHA-256 in lower-case hexadecimal digits.
            pub fn of_digest(sha256: &str) -> Self {
                sha256[..DIGITS].parse().expect("a digest consists of hexadecimal digits")
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": "^[0-9a-f]{16}$" })
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let is_id = is_hex(text, DIGITS);
                let text = text.to_owned();
                if is_id { Ok(Self(text)) } else { Err(InvalidId { text, what: $what }) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

ids! {
    /// Identity of a run: a digest of settings, data and libtorch.
    RunId = "a run id",
    /// Identity of an evaluation: a digest of weights, protocol, data and libtorch.
    EvaluationId = "an evaluation id",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_sixteen_lower_case_digits() {
        let id: RunId = "0123456789abcdef".parse().unwrap();
        assert_eq!(id, RunId::of_digest(&"0123456789abcdef".repeat(4)));
        for text in ["0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "run"] {
            let error = text.parse::<RunId>().unwrap_err();
            assert!(
                error.to_string().ends_with("is not a run id (16 lower-case hexadecimal digits)")
            );
        }
    }
}
