//! The sweep file as it is written. Settings of runs (`run`, `set`) are left as parsed TOML, because
//! they are merged before they are read.
#![expect(clippy::zero_sized_map_values, reason = "what such a table holds is read after merging")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, de::IgnoredAny};

use super::Published;
use crate::{config::schema::settings_reference, scalar::Seed};

/// Any value, in a schema.
type Anything = serde_json::Value;

/// Labels by axis name.
pub(super) type When = BTreeMap<String, Vec<String>>;

/// A table that is only known to be one.
type Settings = BTreeMap<String, IgnoredAny>;

/// A whole sweep file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WireSweep {
    /// Name of the sweep: the stem of its file. ASCII letters, digits, `_` and `-`.
    pub(super) name: String,
    /// Title of the report: one line of text.
    pub(super) title: String,
    /// The question that the sweep asks, in Markdown. It opens the report.
    pub(super) description: String,
    /// How the arms of several axes are combined. The default is `grid`.
    #[serde(default)]
    pub(super) combine: Combine,
    /// Seeds that every arm runs with. Runs of one seed are compared in pairs.
    pub(super) seeds: Vec<Seed>,
    /// Preset that is used without `--preset`.
    pub(super) default_preset: String,
    /// Settings that all arms share. `reprise settings` lists all of them.
    #[serde(default, rename = "run")]
    #[schemars(schema_with = "settings_reference")]
    _run: Settings,
    /// The axes of the sweep. The arms of each axis differ in some settings.
    #[serde(default)]
    pub(super) axis: Vec<WireAxis>,
    /// Named scales of the sweep, for example `smoke`, `cpu` and `paper`.
    pub(super) preset: BTreeMap<String, WirePreset>,
    /// Published results that the report prints next to its own.
    #[serde(default)]
    pub(super) published: Vec<Published>,
}

/// How the arms of several axes are combined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Combine {
    /// Every arm of one axis with every arm of the others.
    #[default]
    Grid,
    /// The first arms of all axes, the second arms of all axes, and so on.
    Zip,
}

/// One `[[axis]]`: either `arm` tables, or the shorthand `key` and `values`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WireAxis {
    /// Name of the axis.
    pub(super) name: String,
    /// Arms with a label and settings. An axis has either these or `key` and `values`.
    #[serde(default)]
    pub(super) arm: Vec<WireArm>,
    /// Key of the setting whose `values` become arms.
    pub(super) key: Option<String>,
    /// Values of the setting `key`; each becomes an arm.
    #[schemars(with = "Option<Vec<Anything>>")]
    pub(super) values: Option<Vec<IgnoredAny>>,
}

/// One `[[axis.arm]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WireArm {
    /// Label of the arm in tables and plots.
    pub(super) label: String,
    /// Labels by axis name: the arm is only combined with these arms of other axes.
    #[serde(default)]
    pub(super) when: When,
    /// Settings of the arm.
    #[serde(default, rename = "set")]
    #[schemars(schema_with = "settings_reference")]
    _set: Settings,
}

/// One `[preset.NAME]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WirePreset {
    /// What the preset can and cannot show: one line of text, printed in the report.
    pub(super) scale: String,
    /// Seeds of this preset, instead of those of the sweep.
    pub(super) seeds: Option<Vec<Seed>>,
    /// Settings of the preset. They replace those of `run`; arms replace them.
    #[serde(default, rename = "set")]
    #[schemars(schema_with = "settings_reference")]
    _set: Settings,
    /// Settings that the preset changes in some arms only.
    #[serde(default)]
    pub(super) adjust: Vec<WireAdjust>,
}

/// One `[[preset.NAME.adjust]]`: what a preset changes in some arms only.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WireAdjust {
    /// Labels by axis name: the arms whose settings are changed.
    pub(super) when: When,
    /// Settings that replace those of these arms.
    #[serde(default, rename = "set")]
    #[schemars(schema_with = "settings_reference")]
    _set: Settings,
}
