//! Reports as text: the table of verdicts, and all outputs of one case.

use std::fmt::Write;

use super::{
    case::Case,
    compare::{Profile, UlpWidth, compare},
    judge::Judgement,
    port::Outputs,
    references::ReferenceRuns,
    spec::Precision,
    verdict::{CaseReport, CaseVerdict, Report, SystemReport},
};

/// Returns the table of a check: a line per case, a line per system, and stale known differences.
pub fn table(report: &Report) -> String {
    let id = |case: &CaseReport| format!("{}/{}", case.system, case.case);
    let width = report.cases.iter().map(|case| id(case).len()).max().unwrap_or(0);
    let mut text = String::new();
    for case in &report.cases {
        let _infallible = write!(text, "{:7}  {:width$}", word(case.verdict), id(case));
        if let Some(worst) = &case.worst {
            let _infallible = write!(text, "  {:>8}  {}", ratio(worst.ratio), worst.output);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        if let Some(reason) = &case.reason {
            let _infallible = writeln!(text, "{:9}{reason}", "");
        }
    }
    text.push_str(&summary(report));
    for stale in &report.stale_exceptions {
        let _infallible =
            writeln!(text, "stale    the known difference `{stale}` no longer occurs: remove it");
    }
    text
}

/// One line per system: how many cases of each verdict, and the worst ratio.
fn summary(report: &Report) -> String {
    let mut text = String::new();
    for SystemReport { system, pass, fail, invalid, worst_ratio } in &report.systems {
        let worst = worst_ratio.map_or_else(|| "-".to_owned(), ratio);
        let _infallible = writeln!(
            text,
            "{system}: {pass} pass, {fail} fail, {invalid} invalid; largest error / tolerance: {worst}",
        );
    }
    text
}

/// Returns every output of a checked case in data-flow order, below the details of the first
/// divergent one.
///
/// `isolated` holds the results of the port's modules on the reference's own inputs
/// ([`super::CasePort::run_isolated`]): where it has an output, its error is what the module contributed;
/// the rest was inherited.
pub fn explain(
    case: &Case,
    report: &CaseReport,
    isolated: &Outputs,
    precision: Precision,
) -> String {
    let mut text = format!(
        "{}: {} ({})\n{}\n",
        case.id(),
        word(report.verdict),
        precision.name(),
        case.summary
    );
    if let Some(reason) = &report.reason {
        let _infallible = writeln!(text, "{reason}");
    }
    for note in &case.notes {
        let _infallible = writeln!(text, "note: {note}");
    }
    let first = report.outputs.iter().find(|j| Some(&j.output) == report.first_divergent.as_ref());
    if let Some(judgement) = first {
        let _infallible = writeln!(text, "\nfirst divergent output\n{}", detail(judgement));
    }
    let width = report.outputs.iter().map(|j| j.output.len()).max().unwrap_or(6).max(6);
    let _infallible = writeln!(
        text,
        "\n         {:width$}  {:>8}  {:>8}  {:>8}  {:>11}  ulps",
        "output", "ratio", "error", "rel. L2", "contributed"
    );
    for judgement in &report.outputs {
        let comparison = &judgement.comparison;
        let contributed =
            contributed(case, judgement, isolated, precision).map_or("-".to_owned(), short);
        let _infallible = writeln!(
            text,
            "{:7}  {:width$}  {:>8}  {:>8}  {:>8}  {:>11}  {}",
            mark(judgement),
            judgement.output,
            ratio(judgement.ratio),
            short(comparison.relative_error()),
            short(comparison.relative_l2),
            contributed,
            comparison.ulps,
        );
    }
    text
}

/// Several lines on one output: its worst element, and the rule by which it was compared.
fn detail(judgement: &Judgement) -> String {
    let comparison = &judgement.comparison;
    let mut text = format!(
        "  {}: {} times its tolerance, check `{}`\n  rule: {}\n",
        judgement.output,
        ratio(judgement.ratio),
        judgement.check,
        judgement.rule.in_words(),
    );
    let _infallible = writeln!(
        text,
        "  element {}: {:e}, original {:e}",
        comparison.worst_position, comparison.worst_port, comparison.worst_reference
    );
    let names = ["mean", "deviation", "norm", "largest"];
    for (i, name) in names.iter().enumerate() {
        let (port, reference) = (comparison.statistics_port[i], comparison.statistics_reference[i]);
        let _infallible = writeln!(text, "  {name}: {port:e}, original {reference:e}");
    }
    text.pop();
    text
}

/// Returns the error over scale of an output that was recomputed from the reference's own inputs.
fn contributed(
    case: &Case,
    judgement: &Judgement,
    isolated: &Outputs,
    precision: Precision,
) -> Option<f64> {
    let spec = case.output_spec(&judgement.output)?;
    let captured = isolated.get(&spec.name).filter(|tensor| tensor.shape == spec.shape)?;
    let runs = ReferenceRuns::of(case, spec);
    let port = Profile::captured(&captured.data, spec.kind);
    let reference = runs.reference(precision).profile;
    Some(compare(&port, reference, UlpWidth::Double).relative_error())
}

fn mark(judgement: &Judgement) -> &'static str {
    if judgement.fails() {
        "FAIL"
    } else if judgement.diverges() {
        "known"
    } else {
        "pass"
    }
}

const fn word(verdict: CaseVerdict) -> &'static str {
    match verdict {
        CaseVerdict::Pass => "pass",
        CaseVerdict::Fail => "FAIL",
        CaseVerdict::Invalid => "INVALID",
    }
}

/// Formats a ratio so that its relation to 1 shows.
fn ratio(ratio: f64) -> String {
    if ratio >= f64::MAX {
        "beyond".to_owned()
    } else if ratio != 0.0 && !(0.001..1e5).contains(&ratio) {
        format!("{ratio:.1e}")
    } else {
        format!("{ratio:.3}")
    }
}

fn short(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { format!("{value:.1e}") }
}
