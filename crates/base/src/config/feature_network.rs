//! Feature networks: files of TorchScript in whose features metrics compare pictures.

use std::{borrow::Cow, fmt, path::PathBuf, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::text::is_hex;

/// One entry per metric that needs a feature network. Metrics without an entry are not computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeatureNetworks<T> {
    /// For LPIPS (Zhang et al. 2018), which compares each predicted frame with the true one.
    #[serde(default = "none::<T>", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "T")]
    pub lpips: Option<T>,
    /// For FVD (Unterthiner et al. 2018), which compares all predicted videos with all true ones.
    #[serde(default = "none::<T>", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "T")]
    pub fvd: Option<T>,
}

const fn none<T>() -> Option<T> {
    None
}

impl<T> Default for FeatureNetworks<T> {
    fn default() -> Self {
        Self { lpips: None, fvd: None }
    }
}

impl<T> FeatureNetworks<T> {
    /// Returns whether no metric has a network.
    pub const fn is_empty(&self) -> bool {
        self.lpips.is_none() && self.fvd.is_none()
    }

    /// Changes every entry.
    pub fn map<U>(&self, of: impl Fn(&T) -> U) -> FeatureNetworks<U> {
        FeatureNetworks { lpips: self.lpips.as_ref().map(&of), fvd: self.fvd.as_ref().map(&of) }
    }

    /// Changes every entry.
    ///
    /// # Errors
    /// The first one.
    pub fn try_map<U, E>(&self, of: impl Fn(&T) -> Result<U, E>) -> Result<FeatureNetworks<U>, E> {
        let FeatureNetworks { lpips, fvd } = self.map(of);
        Ok(FeatureNetworks { lpips: lpips.transpose()?, fvd: fvd.transpose()? })
    }
}

/// A file of TorchScript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkFile {
    /// Path of the file.
    pub file: PathBuf,
    /// Its SHA-256. If it is written, a file with another one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NetworkDigest")]
    pub sha256: Option<NetworkDigest>,
}

/// SHA-256 of a feature network, in 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkDigest(pub [u8; 32]);

/// A text that is not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a SHA-256 (64 lower-case hexadecimal digits)")]
pub struct InvalidDigest(String);

impl NetworkDigest {
    /// Returns the first 12 digits, which are part of a metric's name.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl fmt::Display for NetworkDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for NetworkDigest {
    type Err = InvalidDigest;

    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        let invalid = || InvalidDigest(text.to_owned());
        if !is_hex(text, 64) {
            return Err(invalid());
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).map_err(|_| invalid())?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for NetworkDigest {
    type Error = InvalidDigest;

    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<NetworkDigest> for String {
    fn from(digest: NetworkDigest) -> Self {
        digest.to_string()
    }
}

impl JsonSchema for NetworkDigest {
    fn schema_name() -> Cow<'static, str> {
        "NetworkDigest".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let text = "0123456789abcdef".repeat(4);
        let digest: NetworkDigest = text.parse().unwrap();
        assert_eq!(digest.to_string(), text);
        assert_eq!(digest.short(), "0123456789ab");
        for invalid in ["", "0123", &text[1..], &text.to_uppercase(), &"é".repeat(32)] {
            assert!(invalid.parse::<NetworkDigest>().is_err(), "{invalid}");
        }
    }

    #[test]
    fn metrics_without_a_network_are_not_written() {
        let networks = FeatureNetworks::<NetworkFile>::default();
        assert_eq!(serde_json::to_string(&networks).unwrap(), "{}");
        let text = r#"{"fvd":{"file":"i3d.pt"}}"#;
        let read: FeatureNetworks<NetworkFile> = serde_json::from_str(text).unwrap();
        assert_eq!((read.is_empty(), read.lpips.is_none()), (false, true));
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }
}
