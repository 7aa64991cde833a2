//! From judgements to verdicts: one per case, and the report of a whole check.

use std::error::Error;

use serde::Serialize;

use super::{
    case::{Case, Precision},
    discover::CaseDir,
    exceptions::{Exception, Exceptions},
    flow,
    judge::{Judgement, judge},
    port::Port,
    rule::Rule,
};

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

/// What became of all cases of a check.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// One entry per case.
    pub cases: Vec<CaseReport>,
    /// Known differences that no longer show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stale_exceptions: Vec<String>,
}

impl Report {
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

/// Checks the cases in `dirs` with the ports of their systems.
pub fn check(
    dirs: &[CaseDir],
    ports: &[Box<dyn Port>],
    precision: Precision,
    exceptions: &Exceptions,
) -> Report {
    let cases: Vec<CaseReport> =
        dirs.iter().map(|dir| check_dir(dir, ports, precision, exceptions)).collect();
    let stale_exceptions = exceptions
        .list
        .iter()
        .filter(|exception| is_stale(exception, &cases, precision))
        .map(|Exception { system, case, output, .. }| format!("{system}/{case} {output}"))
        .collect();
    Report { cases, stale_exceptions }
}

/// Returns whether the cases that an exception speaks of were run without showing the difference.
fn is_stale(exception: &Exception, cases: &[CaseReport], precision: Precision) -> bool {
    let mut covered = cases
        .iter()
        .filter(|case| exception.covers_case(&case.system, &case.case, precision))
        .filter(|case| case.verdict != Verdict::Invalid)
        .peekable();
    covered.peek().is_some()
        && covered.all(|case| {
            !case.outputs.iter().any(|j| j.diverges() && exception.covers_output(&j.output))
        })
}

/// Checks the case in `dir` with the port of its system.
pub fn check_dir(
    dir: &CaseDir,
    ports: &[Box<dyn Port>],
    precision: Precision,
    exceptions: &Exceptions,
) -> CaseReport {
    let invalid = |reason: String| CaseReport::invalid(&dir.system, &dir.case, reason);
    match Case::load(&dir.path) {
        Err(error) => invalid(chain(&error)),
        Ok(case) => match ports.iter().find(|port| port.system() == case.system) {
            None => invalid(format!("there is no port for system `{}`", case.system)),
            Some(port) => check_case(&case, port.as_ref(), precision, exceptions),
        },
    }
}

/// Checks one case with one port.
pub fn check_case(
    case: &Case,
    port: &dyn Port,
    precision: Precision,
    exceptions: &Exceptions,
) -> CaseReport {
    let captured = match port.run(case, precision) {
        Ok(captured) => captured,
        Err(error) => return CaseReport::invalid(&case.system, &case.name, chain(&error)),
    };
    let mut outputs = Vec::new();
    let mut incomparable = Vec::new();
    for output in flow::ordered(case) {
        match judge(case, output, captured.get(&output.name), precision) {
            Ok(judgement) => outputs.push(judgement),
            Err(error) => incomparable.push(error),
        }
    }
    for judgement in outputs.iter_mut().filter(|judgement| judgement.diverges()) {
        let excuse = exceptions.list.iter().find(|exception| {
            exception.covers_case(&case.system, &case.name, precision)
                && exception.covers_output(&judgement.output)
                && judgement.ratio <= exception.size
        });
        judgement.excuse = excuse.map(|exception| exception.reason.clone()).unwrap_or_default();
    }
    let first_divergent =
        outputs.iter().find(|judgement| judgement.fails()).map(|j| j.output.clone());
    let (verdict, reason) = match (incomparable.first(), &first_divergent) {
        (Some(error), _) if incomparable.len() == 1 => (Verdict::Invalid, Some(error.to_string())),
        (Some(error), _) => {
            let more = incomparable.len() - 1;
            (Verdict::Invalid, Some(format!("{error}, and {more} more cannot be compared")))
        }
        (None, Some(output)) => (Verdict::Fail, Some(diverging(&outputs, output))),
        (None, None) => (Verdict::Pass, special_rules(&outputs)),
    };
    CaseReport {
        system: case.system.clone(),
        case: case.name.clone(),
        verdict,
        worst: worst(&outputs),
        reason,
        first_divergent,
        outputs,
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
fn worst(outputs: &[Judgement]) -> Option<Worst> {
    let key = |j: &Judgement| (j.excuse.is_empty(), j.ratio);
    let mut worst: Option<&Judgement> = None;
    for judgement in outputs {
        if worst.is_none_or(|worst| key(judgement) > key(worst)) {
            worst = Some(judgement);
        }
    }
    worst.map(|j| Worst { output: j.output.clone(), ratio: j.ratio })
}

fn diverging(outputs: &[Judgement], first: &str) -> String {
    let failing = outputs.iter().filter(|judgement| judgement.fails()).count();
    format!("{failing} of {} outputs lie beyond their bounds, first `{first}`", outputs.len())
}

/// Names how many outputs were held by something else than a bound on every element.
fn special_rules(outputs: &[Judgement]) -> Option<String> {
    let count = |wanted: fn(&Judgement) -> bool| outputs.iter().filter(|&j| wanted(j)).count();
    let kinds = [
        (count(|j| !j.excuse.is_empty()), "known differences"),
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

/// Returns an error with its sources, joined by colons.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {}", cause_text.trim_end());
        }
        source = cause.source();
    }
    text
}
