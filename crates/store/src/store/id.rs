//! Ids that are the beginning of a SHA-256.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::canonical::canonical_json;
use reprise_base::fs::sha256_hex;

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

            /// Returns the id of what a JSON value describes.
            pub(super) fn of(value: &Value) -> Self {
                let mut digits = sha256_hex(canonical_json(value).as_bytes());
                digits.truncate(DIGITS);
                Self(digits)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                let text = text.to_owned();
                if text.len() == DIGITS && text.bytes().all(is_hex) {
                    Ok(Self(text))
                } else {
                    Err(InvalidId { text, what: $what })
                }
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
    /// Identity of a run; see [`super::run_id`].
    RunId = "a run id",
    /// Identity of an evaluation; see [`super::evaluation::evaluation_id`].
    EvaluationId = "an evaluation id",
}
