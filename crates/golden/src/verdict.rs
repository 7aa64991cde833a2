//! The result of a check: a verdict per case, a summary per system, and the report of all.

use serde::Serialize;

use super::{judge::Judgement, rule::Rule, spec::Precision};

/// Outcome of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CaseVerdict {
    /// Every output is within its tolerance or is a known difference.
    Pass,
    /// An output exceeds its tolerance.
    Fail,
    /// No comparison: the case cannot be read, the port failed, or an output is missing or has another
    /// shape or type.
    Invalid,
}

/// The output with the largest ratio of error to tolerance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worst {
    /// Name of the output.
    pub output: String,
    /// Error over tolerance.
    pub ratio: f64,
}

/// The result of one case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseReport {
    pub system: String,
    pub case: String,
    pub verdict: CaseVerdict,
    /// The worst output; `null` if none could be compared.
    pub worst: Option<Worst>,
    /// Why the verdict is not a pass, or how many outputs were compared by special rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// First output in data-flow order that exceeds its tolerance, except for known differences.
    #[serde(skip)]
    pub first_divergent: Option<String>,
    /// All judgements in data-flow order.
    #[serde(skip)]
    pub outputs: Vec<Judgement>,
}

/// The cases of one system together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SystemReport {
    pub system: String,
    /// Number of cases that pass.
    pub pass: usize,
    /// Number of cases that fail.
    pub fail: usize,
    /// Number of cases without a comparison.
    pub invalid: usize,
    /// Largest ratio of error to tolerance; `null` if nothing was compared.
    pub worst_ratio: Option<f64>,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub precision: Precision,
    /// One entry per case.
    pub cases: Vec<CaseReport>,
    /// One entry per system.
    pub systems: Vec<SystemReport>,
    /// Known differences that no longer occur.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stale_exceptions: Vec<String>,
}

impl Report {
    /// Makes a report of cases that are sorted by system.
    pub fn new(
        precision: Precision,
        cases: Vec<CaseReport>,
        stale_exceptions: Vec<String>,
    ) -> Self {
        let systems = cases.chunk_by(|a, b| a.system == b.system).map(summary).collect();
        Self { precision, cases, systems, stale_exceptions }
    }

    /// Returns whether every case passes and no known difference is stale.
    pub fn holds(&self) -> bool {
        self.stale_exceptions.is_empty()
            && self.cases.iter().all(|case| case.verdict == CaseVerdict::Pass)
    }

    /// Returns the report as one JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("names and finite numbers are always valid JSON")
    }
}

/// Summarizes the cases of one system.
fn summary(cases: &[CaseReport]) -> SystemReport {
    let count = |verdict| cases.iter().filter(|case| case.verdict == verdict).count();
    let worst = cases.iter().filter_map(|case| case.worst.as_ref()).map(|worst| worst.ratio);
    SystemReport {
        system: cases.first().map_or_else(String::new, |case| case.system.clone()),
        pass: count(CaseVerdict::Pass),
        fail: count(CaseVerdict::Fail),
        invalid: count(CaseVerdict::Invalid),
        worst_ratio: worst.reduce(f64::max),
    }
}

impl CaseReport {
    /// Makes the report of a case without a comparison.
    pub fn invalid(system: &str, case: &str, reason: String) -> Self {
        Self {
            system: system.to_owned(),
            case: case.to_owned(),
            verdict: CaseVerdict::Invalid,
            worst: None,
            reason: Some(reason),
            first_divergent: None,
            outputs: Vec::new(),
        }
    }
}

/// Returns the worst output, failing ones before known differences; the first of equals.
pub(super) fn worst(outputs: &[Judgement]) -> Option<Worst> {
    let key = |j: &Judgement| (j.known_difference.is_none(), j.ratio);
    let mut worst: Option<&Judgement> = None;
    for judgement in outputs {
        if worst.is_none_or(|worst| key(judgement) > key(worst)) {
            worst = Some(judgement);
        }
    }
    worst.map(|j| Worst { output: j.output.clone(), ratio: j.ratio })
}

pub(super) fn diverging(outputs: &[Judgement], first: &str) -> String {
    let failing = outputs.iter().filter(|judgement| judgement.fails()).count();
    format!("{failing} of {} outputs exceed their tolerance, first `{first}`", outputs.len())
}

/// Counts the outputs that were compared by something else than a tolerance of every element.
pub(super) fn special_rules(outputs: &[Judgement]) -> Option<String> {
    let count = |wanted: fn(&Judgement) -> bool| outputs.iter().filter(|&j| wanted(j)).count();
    let kinds = [
        (count(|j| j.known_difference.is_some()), "known differences"),
        (count(|j| j.tail), "in the tail of the noise, checked with 8 times the tolerance"),
        (count(|j| j.spread), "chaotic, checked with the measured spread"),
        (
            count(|j| matches!(j.rule, Rule::ZeroGradient { .. })),
            "gradients that are zero by construction",
        ),
        (
            count(|j| matches!(j.rule, Rule::Drift { .. })),
            "parameters that follow the noise of a gradient that is zero by construction",
        ),
        (
            count(|j| matches!(j.rule, Rule::Statistics { .. }) && !j.spread),
            "too noisy for single elements, compared by their statistics",
        ),
    ];
    let parts: Vec<String> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}
