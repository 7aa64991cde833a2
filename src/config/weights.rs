//! Weights by their content.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Hexadecimal digits of a SHA-256.
const DIGITS: usize = 64;

/// Imported weights, named by the SHA-256 over names, types, shapes and bytes of their tensors, so
/// that a run which begins with them says exactly what it began with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WeightsId(String);

/// Text that names no weights.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no id of weights: 64 hexadecimal digits, as `reprise import` prints them, are expected"
)]
pub struct NoWeightsId(String);

impl WeightsId {
    /// Returns the digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WeightsId {
    type Err = NoWeightsId;

    fn from_str(text: &str) -> Result<Self, NoWeightsId> {
        let digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if text.len() == DIGITS && text.chars().all(digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoWeightsId(text.to_owned()))
        }
    }
}

impl TryFrom<String> for WeightsId {
    type Error = NoWeightsId;

    fn try_from(text: String) -> Result<Self, NoWeightsId> {
        text.parse()
    }
}

impl From<WeightsId> for String {
    fn from(id: WeightsId) -> Self {
        id.0
    }
}

impl fmt::Display for WeightsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
