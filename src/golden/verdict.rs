//! What a check ends in: a verdict per case, a summary per system, and the report of all.

use serde::Serialize;

use super::{case::Precision, judge::Judgement, rule::Rule};

/// Outcome of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every output lies within its bound or is a known difference.
    Pass,
    /// An output lies beyond its bound.
    Fail,
    /// Nothing can be said: the case is unreadable, the port failed, an output is missing or has
    /// another shape.
    Invalid,
}

/// The output that lies closest to its bound or farthest beyond it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worst {
    /// Name of the output.
    pub output: String,
    /// Error over bound.
    pub ratio: f64,
}

/// What became of one case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseReport {
    /// System of the case.
    pub system: String,
    /// Name of the case.
    pub case: String,
    /// The outcome.
    pub verdict: Verdict,
    /// The worst output; `null` if none could be judged.
    pub worst: Option<Worst>,
    /// Why the verdict is no plain pass, and which outputs were held by a special rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// First output in data-flow order that lies beyond its bound, excused ones left out.
    #[serde(skip)]
    pub first_divergent: Option<String>,
    /// All judgements in data-flow order.
    #[serde(skip)]
    pub outputs: Vec<Judgement>,
}

/// The cases of one system together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SystemReport {
    /// The system.
    pub system: String,
    /// Cases that pass.
    pub pass: usize,
    /// Cases that fail.
    pub fail: usize,
    /// Cases of which nothing can be said.
    pub invalid: usize,
    /// The largest ratio of error to bound that is no known difference; `null` if nothing was judged.
    pub worst_ratio: Option<f64>,
}

/// What became of all cases of a check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Precision of the ports, and which of the originals' runs they were held to.
    pub precision: Precision,
    /// One entry per case.
    pub cases: Vec<CaseReport>,
    /// One entry per system.
    pub systems: Vec<SystemReport>,
    /// Known differences that no longer show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stale_exceptions: Vec<String>,
}

impl Report {
    /// Sums up the reports of cases that are sorted by system.
    pub fn new(
        precision: Precision,
        cases: Vec<CaseReport>,
        stale_exceptions: Vec<String>,
    ) -> Self {
        let systems = cases.chunk_by(|a, b| a.system == b.system).map(summary).collect();
        Self { precision, cases, systems, stale_exceptions }
    }

    /// Returns whether every case passes and every known difference still shows.
    pub fn holds(&self) -> bool {
        self.stale_exceptions.is_empty()
            && self.cases.iter().all(|case| case.verdict == Verdict::Pass)
    }

    /// Returns the report as one JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("names and finite numbers are always valid JSON")
    }
}

/// Sums up the cases of one system.
fn summary(cases: &[CaseReport]) -> SystemReport {
    let count = |verdict| cases.iter().filter(|case| case.verdict == verdict).count();
    let worst = cases.iter().filter_map(|case| case.worst.as_ref()).map(|worst| worst.ratio);
    SystemReport {
        system: cases.first().map_or_else(String::new, |case| case.system.clone()),
        pass: count(Verdict::Pass),
        fail: count(Verdict::Fail),
        invalid: count(Verdict::Invalid),
        worst_ratio: worst.reduce(f64::max),
    }
}

impl CaseReport {
    /// Makes the report of a case that could not be judged.
    pub fn invalid(system: &str, case: &str, reason: String) -> Self {
        Self {
            system: system.to_owned(),
            case: case.to_owned(),
            verdict: Verdict::Invalid,
            worst: None,
            reason: Some(reason),
            first_divergent: None,
            outputs: Vec::new(),
        }
    }
}

/// Returns the worst output, failing ones before excused ones; the first of equals.
pub(super) fn worst(outputs: &[Judgement]) -> Option<Worst> {
    let key = |j: &Judgement| (j.excuse.is_empty(), j.ratio);
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
    format!("{failing} of {} outputs lie beyond their bounds, first `{first}`", outputs.len())
}

/// Names how many outputs were held by something else than a bound on every element.
pub(super) fn special_rules(outputs: &[Judgement]) -> Option<String> {
    let count = |wanted: fn(&Judgement) -> bool| outputs.iter().filter(|&j| wanted(j)).count();
    let kinds = [
        (count(|j| !j.excuse.is_empty()), "known differences"),
        (count(|j| j.tail), "in the tail of the noise, held to 8 bounds"),
        (count(|j| matches!(j.rule, Rule::ZeroGradient { .. })), "gradients zero by construction"),
        (
            count(|j| matches!(j.rule, Rule::Drift { .. })),
            "parameters that follow such a gradient's noise",
        ),
        (
            count(|j| matches!(j.rule, Rule::Statistics { .. })),
            "too noisy for single elements, held by their statistics",
        ),
    ];
    let parts: Vec<String> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}
