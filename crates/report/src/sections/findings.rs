//! Findings: sentences computed from the scores on the primary metric.

use super::latent::{COLLAPSED_NATS, final_kls, nats};
use crate::{
    document::RichText,
    number::{fixed, signed, tick},
    paired::{Sign, confidence, interval, sign},
    reported::ReportedMetric,
    sweep_results::{ArmResults, MODEL, SweepResults, UPPER_BOUND},
    words::{difference_decimals, direction, in_words},
};
use reprise_base::stats::paired::PairedDifference;
use reprise_data::Split;

/// Lists the findings: a collapse, then those on the primary metric.
pub(super) fn findings(results: &SweepResults<'_>) -> Vec<RichText> {
    let mut findings: Vec<RichText> = collapse(results).into_iter().collect();
    match results.primary() {
        Some(metric) => {
            findings.extend(ranking(results, metric));
            let baselines = results.baselines.iter();
            findings.extend(baselines.filter_map(|name| against_baseline(results, name, metric)));
        }
        None => findings.push(RichText::from(
            "No completed run has test scores yet, so there is nothing to compare.",
        )),
    }
    findings.extend(missing(results));
    findings
}

/// Names the arms whose latent variable carries no information at the end of training.
fn collapse(results: &SweepResults<'_>) -> Option<RichText> {
    let mut collapsed = Vec::new();
    let mut largest: f64 = 0.0;
    for arm in &results.arms {
        let most = final_kls(arm).and_then(|values| values.into_iter().reduce(f64::max));
        if let Some(most) = most.filter(|most| *most < COLLAPSED_NATS) {
            collapsed.push(arm.label);
            largest = largest.max(most);
        }
    }
    if collapsed.is_empty() {
        return None;
    }
    let (which, consequence) = if collapsed.len() == results.arms.len() {
        ("all arms".to_owned(), "These runs cannot show how the weight of the KL term matters.")
    } else {
        (collapsed.join("; "), "These arms cannot show how the weight of the KL term matters.")
    };
    Some(RichText::default().strong("Posterior collapse").plain(format!(
        " in {which}: in the last epoch, the KL divergence is at most {} nats per frame (collapsed: below \
         {}), so the latent variable carries no information. {consequence}",
        nats(largest),
        tick(COLLAPSED_NATS)
    )))
}

/// Names the best arm, the next one, and their paired difference.
fn ranking(results: &SweepResults<'_>, metric: &ReportedMetric) -> Option<RichText> {
    let mut ranked: Vec<(&ArmResults<'_>, f64, usize)> = results
        .arms
        .iter()
        .filter_map(|arm| {
            let summary = results.summary(arm, MODEL, Split::Test, metric)?;
            Some((arm, summary.mean, summary.n))
        })
        .collect();
    ranked.sort_by(|left, right| {
        let ascending = left.1.total_cmp(&right.1);
        if metric.definition.higher_is_better { ascending.reverse() } else { ascending }
    });
    let places = results.decimals(Split::Test, metric);
    let label = metric.label();
    let value = |mean: f64| quantity(&fixed(mean, places), metric);
    match ranked.as_slice() {
        [] => None,
        [(arm, mean, n)] => Some(
            RichText::default()
                .strong(arm.label)
                .plain(format!(" has a test {label} of {} (n = {n}; ", value(*mean)))
                .plain(format!("{} is better).", direction(metric))),
        ),
        [(first, mean, n), (second, second_mean, second_n), ..] => {
            let text = RichText::default()
                .strong(first.label)
                .plain(format!(
                    " has the best mean test {label} ({} is better): {} (n = {n}). ",
                    direction(metric),
                    value(*mean)
                ))
                .strong(second.label)
                .plain(format!(" is second: {} (n = {second_n}). ", value(*second_mean)));
            let paired = results.between(first, second, Split::Test, metric);
            Some(text.plain(paired.map_or_else(
                || {
                    "These arms have no completed seed in common, so there is no paired difference."
                        .to_owned()
                },
                |paired| {
                    format!(
                        "{} {}",
                        difference(
                            &paired,
                            metric,
                            difference_decimals(results, metric, [&paired])
                        ),
                        conclusion(&paired)
                    )
                },
            )))
        }
    }
}

fn difference(paired: &PairedDifference, metric: &ReportedMetric, places: usize) -> String {
    let mean = quantity(&signed(paired.mean, places), metric);
    match sign(paired) {
        Sign::Unknown => format!("Their difference on the one common seed is {mean}."),
        Sign::Above | Sign::Below | Sign::Open => format!(
            "The difference, paired by seed, is {mean}, {} interval {}.",
            confidence(),
            interval(paired, places)
        ),
    }
}

fn conclusion(paired: &PairedDifference) -> &'static str {
    match sign(paired) {
        Sign::Above | Sign::Below => "The interval does not contain 0.",
        Sign::Open => "The interval contains 0, so these seeds do not decide which arm is better.",
        Sign::Unknown => "With one seed the spread is unknown.",
    }
}

/// Compares each arm with a baseline.
fn against_baseline(
    results: &SweepResults<'_>,
    baseline: &str,
    metric: &ReportedMetric,
) -> Option<RichText> {
    let pairs: Vec<(&ArmResults<'_>, PairedDifference)> = results
        .arms
        .iter()
        .filter_map(|arm| Some((arm, results.against(arm, baseline, Split::Test, metric)?)))
        .collect();
    if pairs.is_empty() {
        return None;
    }
    let places = difference_decimals(results, metric, pairs.iter().map(|(_, paired)| paired));
    let no_interval = pairs.iter().all(|(_, paired)| sign(paired) == Sign::Unknown);
    let name = in_words(baseline);
    let mut text = RichText::from(format!(
        "Compared with {}{}: ",
        if baseline == UPPER_BOUND {
            format!("the upper bound \u{201c}{name}\u{201d}")
        } else {
            format!("the baseline \u{201c}{name}\u{201d}")
        },
        if no_interval { " (one seed, no interval)" } else { "" },
    ));
    for (index, (arm, paired)) in pairs.iter().enumerate() {
        let verdict = match (sign(paired), metric.definition.higher_is_better) {
            (Sign::Above, true) | (Sign::Below, false) => "is clearly better ",
            (Sign::Below, true) | (Sign::Above, false) => "is clearly worse ",
            (Sign::Open, _) => "shows no clear difference ",
            (Sign::Unknown, _) if no_interval => "",
            (Sign::Unknown, _) => "has one seed and no interval ",
        };
        let mean = quantity(&signed(paired.mean, places), metric);
        let interval = match sign(paired) {
            Sign::Unknown => String::new(),
            Sign::Above | Sign::Below | Sign::Open => format!(", {}", interval(paired, places)),
        };
        let end = if index + 1 == pairs.len() { "." } else { "; " };
        let numbers = if no_interval { mean } else { format!("({mean}{interval})") };
        text = text.strong(arm.label).plain(format!(" {verdict}{numbers}{end}"));
    }
    Some(text)
}

/// Counts the runs that no mean includes, if any.
fn missing(results: &SweepResults<'_>) -> Option<RichText> {
    let total = results.input.runs.len();
    let completed: usize = results.arms.iter().map(ArmResults::completed).sum();
    let diverged: usize = results.arms.iter().map(ArmResults::diverged).sum();
    let unfinished: usize = results.arms.iter().map(ArmResults::unfinished).sum();
    if completed == total {
        return None;
    }
    let mut parts = Vec::new();
    if diverged > 0 {
        parts.push(format!("{diverged} diverged"));
    }
    if unfinished > 0 {
        parts.push(format!("{unfinished} unfinished"));
    }
    Some(RichText::default().strong(format!("{completed} of {total} runs completed")).plain(
        format!(
            "; {}. Means and differences include completed runs only. All runs are listed under \
         Provenance.",
            parts.join(", ")
        ),
    ))
}

/// Returns a number with the metric's unit.
fn quantity(number: &str, metric: &ReportedMetric) -> String {
    let unit = &metric.definition.unit;
    if unit.is_empty() { number.to_owned() } else { format!("{number}\u{a0}{unit}") }
}
