//! The sweep file as it is written. Settings of runs (`run`, `set`) are left as parsed TOML, because
//! they are merged before they are read.
#![expect(clippy::zero_sized_map_values, reason = "what such a table holds is read after merging")]

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

use super::Published;
use crate::scalar::Seed;

/// Labels by axis name.
pub(super) type When = BTreeMap<String, Vec<String>>;

/// A table that is only known to be one.
type Settings = BTreeMap<String, IgnoredAny>;

/// A whole sweep file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireSweep {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) description: String,
    #[serde(default)]
    pub(super) combine: Combine,
    pub(super) seeds: Vec<Seed>,
    pub(super) default_preset: String,
    #[serde(default, rename = "run")]
    _run: Settings,
    #[serde(default)]
    pub(super) axis: Vec<WireAxis>,
    pub(super) preset: BTreeMap<String, WirePreset>,
    #[serde(default)]
    pub(super) published: Vec<Published>,
}

/// How the arms of several axes are combined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Combine {
    /// Every arm of one axis with every arm of the others.
    #[default]
    Grid,
    /// The first arms of all axes, the second arms of all axes, and so on.
    Zip,
}

/// One `[[axis]]`: either `arm` tables, or the shorthand `key` and `values`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireAxis {
    pub(super) name: String,
    #[serde(default)]
    pub(super) arm: Vec<WireArm>,
    pub(super) key: Option<String>,
    pub(super) values: Option<Vec<IgnoredAny>>,
}

/// One `[[axis.arm]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireArm {
    pub(super) label: String,
    #[serde(default)]
    pub(super) when: When,
    #[serde(default, rename = "set")]
    _set: Settings,
}

/// One `[preset.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WirePreset {
    pub(super) scale: String,
    pub(super) seeds: Option<Vec<Seed>>,
    #[serde(default, rename = "set")]
    _set: Settings,
    #[serde(default)]
    pub(super) adjust: Vec<WireAdjust>,
}

/// One `[[preset.NAME.adjust]]`: what a preset changes in some arms only.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WireAdjust {
    pub(super) when: When,
    #[serde(default, rename = "set")]
    _set: Settings,
}
