//! `sweeps/<name>.json`: which runs a sweep consists of, as it was last started at this preset.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record::RunId;
pub use crate::config::sweep::{Axis, Published};
use crate::scalar::Seed;

/// A sweep as it was last started; with the records it names, all that a report needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepManifest {
    /// Format version, 1.
    pub format: u32,
    /// Name of the sweep, with `.<preset>` behind it unless that is the default; also the name of its
    /// report folder.
    pub name: String,
    /// One line for headings.
    pub title: String,
    /// What the sweep asks, in Markdown paragraphs.
    pub description: String,
    /// The preset it was started with.
    pub preset: String,
    /// The preset's own remark on what its scale can show.
    pub scale: String,
    /// The command that repeats it.
    pub command: String,
    /// Names of the axes with the labels of their arms, in file order.
    pub axes: Vec<Axis>,
    /// All runs, arm by arm in file order, seeds ascending within an arm.
    pub runs: Vec<ManifestRun>,
    /// Numbers that a source document reports for arms of this sweep.
    pub published: Vec<Published>,
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestRun {
    /// Identity of the run.
    pub run: RunId,
    /// The arm: the axes' labels joined with ` · `.
    pub arm: String,
    /// Label by axis name.
    pub labels: BTreeMap<String, String>,
    /// The seed.
    pub seed: Seed,
}
