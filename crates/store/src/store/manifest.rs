//! `sweeps/<name>.json`: the runs of a sweep as last started at this preset.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record::RunId;
pub use reprise_base::config::sweep::{Axis, Published};
use reprise_base::{
    config::{
        claim::{Claim, ClaimTest},
        protocol::EvaluationRequest,
        sweep::Sweep,
    },
    scalar::Seed,
};

/// Version of the sweep manifest.
pub const MANIFEST_FORMAT: u32 = 2;

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
    /// Claims of the source, written only if there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<RegisteredClaim>,
}

/// A claim, and how it stood before there were results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisteredClaim {
    /// As the sweep file has it.
    pub claim: Claim,
    /// Whether runs had begun when the claim was entered.
    pub entered: ClaimEntry,
    /// Its test when it was entered, if that has been changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_test: Option<ClaimTest>,
}

/// When a claim was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimEntry {
    /// Before the first run of the sweep began.
    BeforeRuns,
    /// When results may have been known.
    AfterRuns,
}

impl SweepManifest {
    /// Returns the manifest of a sweep, in which its claims are not registered yet; `command` repeats it.
    pub fn new(sweep: &Sweep, command: String, runs: Vec<ManifestRun>) -> Self {
        let name = sweep.storage_name();
        let Sweep { title, description, preset, scale, axes, evaluations, published, .. } = sweep;
        Self {
            format: MANIFEST_FORMAT,
            name,
            title: title.clone(),
            description: description.clone(),
            preset: preset.clone(),
            scale: scale.clone(),
            command,
            axes: axes.clone(),
            runs,
            evaluations: evaluations.clone(),
            published: published.clone(),
            claims: Vec::new(),
        }
    }

    /// Enters the claims of the sweep file. Of those that were entered before, the first test is kept.
    pub fn register(&mut self, claims: &[Claim], before: Option<&Self>, now: ClaimEntry) {
        let before = before.map_or(&[][..], |before| &before.claims);
        let register = |claim: &Claim| RegisteredClaim::new(claim.clone(), before, now);
        self.claims = claims.iter().map(register).collect();
    }
}

impl RegisteredClaim {
    fn new(claim: Claim, before: &[Self], now: ClaimEntry) -> Self {
        let Some(known) = before.iter().find(|known| known.claim.id == claim.id) else {
            return Self { claim, entered: now, first_test: None };
        };
        let first = known.first_test.as_ref().unwrap_or(&known.claim.test);
        let first_test = (*first != claim.test).then(|| first.clone());
        Self { claim, entered: known.entered, first_test }
    }
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
