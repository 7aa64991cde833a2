//! Identity of imported weights.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::text::is_hex;

/// Number of hexadecimal digits of a SHA-256.
const DIGITS: usize = 64;

/// Id of imported weights: the SHA-256, in lowercase hexadecimal digits, over names, types, shapes and bytes
/// of all their tensors. A run that starts from weights records this id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WeightsId(String);

/// The text is not the id of weights.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid weights id `{0}`, expected the 64 lowercase hexadecimal digits that `reprise import` prints"
)]
pub struct InvalidWeightsId(String);

impl WeightsId {
    /// Returns the digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for WeightsId {
    fn schema_name() -> Cow<'static, str> {
        "WeightsId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
    }
}

impl FromStr for WeightsId {
    type Err = InvalidWeightsId;

    fn from_str(text: &str) -> Result<Self, InvalidWeightsId> {
        if is_hex(text, DIGITS) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidWeightsId(text.to_owned()))
        }
    }
}

impl TryFrom<String> for WeightsId {
    type Error = InvalidWeightsId;

    fn try_from(text: String) -> Result<Self, InvalidWeightsId> {
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
