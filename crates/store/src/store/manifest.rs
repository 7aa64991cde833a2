//! `sweeps/<name>.json`: the runs of a sweep as last started at this preset.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record::RunId;
pub use reprise_base::config::sweep::{Axis, Published};
use reprise_base::{config::protocol::EvaluationRequest, scalar::Seed};

/// A sweep as last started. Together with the records of its runs, all that a report needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepManifest {
    /// [`super::MANIFEST_FORMAT`] when it was written.
    pub format: u32,
    /// The sweep's name, followed by `.<preset>` unless the preset is the default; also the name of the
    /// report's folder.
    pub name: String,
    /// One line for headings.
    pub title: String,
    /// The question, in Markdown paragraphs.
    pub description: String,
    pub preset: String,
    /// What the preset's scale can and cannot show.
    pub scale: String,
    /// The command that repeats it.
    pub command: String,
    /// In file order.
    pub axes: Vec<Axis>,
    /// All runs, arm by arm in file order, seeds ascending within an arm.
    pub runs: Vec<ManifestRun>,
    /// Evaluations of every finished run, written only if there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluations: Vec<EvaluationRequest>,
    /// Published results for arms of this sweep.
    pub published: Vec<Published>,
}

/// One run of a sweep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestRun {
    pub run: RunId,
    /// The arm: the axes' labels joined with ` · `.
    pub arm: String,
    /// Label by axis name.
    pub labels: BTreeMap<String, String>,
    pub seed: Seed,
}
