//! What the data say, in sentences that are computed and never written by hand.

use super::in_words;
use crate::{
    data::Split,
    report::{
        document::Text,
        number::{fixed, magnitude, signed},
        paired::{Sign, confidence, interval, sign},
        study::{Arm, BOUND, MODEL, Metric, Study},
    },
    stats::paired::PairedDifference,
    text::count,
};

/// Lists the findings on the primary metric.
pub(super) fn findings(study: &Study<'_>) -> Vec<Text> {
    let mut findings = Vec::new();
    match study.primary() {
        Some(metric) => {
            findings.extend(ranking(study, metric));
            let baselines = study.baselines.iter();
            findings.extend(baselines.filter_map(|name| standing(study, name, metric)));
        }
        None => findings.push(Text::from(
            "No completed run has test scores yet, so there is nothing to compare.",
        )),
    }
    findings.extend(missing(study));
    findings
}

/// Says which arm is ahead and whether the seeds settle it.
fn ranking(study: &Study<'_>, metric: &Metric) -> Option<Text> {
    let mut ranked: Vec<(&Arm<'_>, f64, usize)> = study
        .arms
        .iter()
        .filter_map(|arm| {
            let summary = study.summary(arm, MODEL, Split::Test, metric)?;
            Some((arm, summary.mean, summary.n))
        })
        .collect();
    ranked.sort_by(|left, right| {
        let ascending = left.1.total_cmp(&right.1);
        if metric.definition.higher_is_better { ascending.reverse() } else { ascending }
    });
    let places = study.decimals(Split::Test, metric);
    let label = metric.label();
    let value = |mean: f64| quantity(&fixed(mean, places), metric);
    match ranked.as_slice() {
        [] => None,
        [(arm, mean, n)] => Some(
            Text::default()
                .strong(arm.label)
                .plain(format!(" reaches a test {label} of {} (n = {n}); ", value(*mean)))
                .plain(format!("{} is better.", direction(metric))),
        ),
        [(first, mean, n), (second, second_mean, second_n), ..] => {
            let text = Text::default()
                .strong(first.label)
                .plain(format!(
                    " has the best mean test {label} ({} is better), {} (n = {n}); ",
                    direction(metric),
                    value(*mean)
                ))
                .strong(second.label)
                .plain(format!(" follows with {} (n = {second_n}). ", value(*second_mean)));
            let paired = study.between(first, second, Split::Test, metric);
            Some(text.plain(paired.map_or_else(
                || "They share no completed seed, so they cannot be compared in pairs.".to_owned(),
                |paired| {
                    format!(
                        "{} {}",
                        difference(&paired, metric, difference_places(study, metric, [&paired])),
                        settled(&paired)
                    )
                },
            )))
        }
    }
}

fn difference(paired: &PairedDifference, metric: &Metric, places: usize) -> String {
    let mean = quantity(&signed(paired.mean, places), metric);
    match sign(paired) {
        Sign::Unknown => format!("Their difference is {mean} on one shared seed."),
        Sign::Above | Sign::Below | Sign::Open => format!(
            "Paired by seed, the difference is {mean}, {} interval {}.",
            confidence(),
            interval(paired, places)
        ),
    }
}

fn settled(paired: &PairedDifference) -> &'static str {
    match sign(paired) {
        Sign::Above | Sign::Below => "The interval excludes 0.",
        Sign::Open => "The interval contains 0: these seeds do not settle the order.",
        Sign::Unknown => "One seed says nothing about the spread.",
    }
}

/// Says how each arm stands against a baseline.
fn standing(study: &Study<'_>, baseline: &str, metric: &Metric) -> Option<Text> {
    let pairs: Vec<(&Arm<'_>, PairedDifference)> = study
        .arms
        .iter()
        .filter_map(|arm| Some((arm, study.against(arm, baseline, Split::Test, metric)?)))
        .collect();
    if pairs.is_empty() {
        return None;
    }
    let places = difference_places(study, metric, pairs.iter().map(|(_, paired)| paired));
    let no_interval = pairs.iter().all(|(_, paired)| sign(paired) == Sign::Unknown);
    let mut text = Text::from(format!(
        "Against {}{}{}: ",
        if baseline == BOUND { "" } else { "the baseline " },
        in_words(baseline),
        match (baseline == BOUND, no_interval) {
            (true, true) => ", which nothing need beat, on one seed and so without an interval",
            (true, false) => ", which nothing need beat",
            (false, true) => ", on one seed and so without an interval",
            (false, false) => "",
        },
    ));
    for (index, (arm, paired)) in pairs.iter().enumerate() {
        let verdict = match (sign(paired), metric.definition.higher_is_better) {
            (Sign::Above, true) | (Sign::Below, false) => "clearly better ",
            (Sign::Below, true) | (Sign::Above, false) => "clearly worse ",
            (Sign::Open, _) => "not distinguishable ",
            (Sign::Unknown, _) if no_interval => "",
            (Sign::Unknown, _) => "one seed, no interval ",
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

/// Says what is not in the means, if anything.
fn missing(study: &Study<'_>) -> Option<Text> {
    let total = study.input.runs.len();
    let completed: usize = study.arms.iter().map(Arm::completed).sum();
    let diverged: usize = study.arms.iter().map(Arm::diverged).sum();
    let unfinished: usize = study.arms.iter().map(Arm::unfinished).sum();
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
    Some(Text::default().strong(format!("{completed} of {total} runs completed")).plain(format!(
        "; {}. Means and differences are over completed runs only; every run is listed under \
         Provenance.",
        parts.join(", ")
    )))
}

/// Returns the decimals of differences: at least three, so that they say more than the scores, and so
/// many that the largest difference shows three significant digits, but no more than six.
pub(super) fn difference_places<'a>(
    study: &Study<'_>,
    metric: &Metric,
    differences: impl IntoIterator<Item = &'a PairedDifference>,
) -> usize {
    let sizes = differences.into_iter().map(|difference| difference.mean.abs());
    let largest = sizes.filter(|size| size.is_finite()).fold(0.0, f64::max);
    // A rounding error below a power of ten is not a digit more.
    let needed = if largest > 0.0 { (2 - magnitude(largest * 1.000_001)).clamp(0, 6) } else { 0 };
    study.decimals(Split::Test, metric).max(3).max(usize::try_from(needed).unwrap_or(0))
}

/// Says which way the metric is better.
pub(super) const fn direction(metric: &Metric) -> &'static str {
    if metric.definition.higher_is_better { "higher" } else { "lower" }
}

/// Appends the metric's unit.
fn quantity(number: &str, metric: &Metric) -> String {
    let unit = &metric.definition.unit;
    if unit.is_empty() { number.to_owned() } else { format!("{number}\u{a0}{unit}") }
}

/// Returns `3 seeds`.
pub(super) fn seeds(seeds: usize) -> String {
    count(seeds, "seed")
}
