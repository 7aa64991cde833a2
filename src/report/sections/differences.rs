//! Differences between arms and against baselines, paired by seed.

use super::{
    findings::{difference_places, seeds},
    in_words,
};
use crate::{
    data::Split,
    report::{
        document::{Block, Column, Row, Table, Text},
        number::{ABSENT, decimals, signed},
        paired::{Sign, confidence, detectable, interval, power, sign},
        study::{Arm, Metric, Study},
    },
    stats::paired::PairedDifference,
};

/// Up to this many pairs of arms are compared on every metric, more on the first alone.
const PAIRS_ON_ALL_METRICS: usize = 6;
/// From this many seeds on nothing needs to be said about their number.
const ENOUGH_SEEDS: usize = 10;

/// Returns the section; nothing if there is nothing to compare.
pub(super) fn blocks(study: &Study<'_>) -> Vec<Block> {
    let arms = &study.arms;
    let pairs: Vec<(&Arm<'_>, &Arm<'_>)> = arms
        .iter()
        .enumerate()
        .flat_map(|(index, left)| arms[index + 1..].iter().map(move |right| (left, right)))
        .collect();
    let all: Vec<&Metric> =
        study.metrics.iter().filter(|metric| study.is_scored(Split::Test, metric)).collect();
    let of_pairs = if pairs.len() > PAIRS_ON_ALL_METRICS { &all[..all.len().min(1)] } else { &all };

    let mut seen = Vec::new();
    let mut between = Vec::new();
    for (left, right) in &pairs {
        for metric in of_pairs {
            let Some(paired) = study.between(left, right, Split::Test, metric) else { continue };
            seen.push(paired);
            let label = format!("{} \u{2212} {}", left.label, right.label);
            let mut cells = cells(label, &paired, metric, difference_places(study, metric));
            cells.push(published(study, left, right, metric));
            cells.push(reading(&paired, metric, left.label, right.label));
            between.push(Row::new(cells));
        }
    }
    let mut against = Vec::new();
    for arm in arms {
        for baseline in &study.baselines {
            for metric in &all {
                let paired = study.against(arm, baseline, Split::Test, metric);
                let Some(paired) = paired else { continue };
                seen.push(paired);
                let label = format!("{} \u{2212} {}", arm.label, in_words(baseline));
                let mut cells = cells(label, &paired, metric, difference_places(study, metric));
                cells.push(reading(&paired, metric, arm.label, &in_words(baseline)));
                against.push(Row::new(cells));
            }
        }
    }
    if seen.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![
        Block::Heading("Paired differences".to_owned()),
        Block::Prose(
            "Runs of one seed share initial weights, the order of batches and all noise across \
             arms, so arms are compared seed by seed."
                .into(),
        ),
    ];
    if !between.is_empty() {
        let mut columns = columns();
        columns.push(Column::numbers("Published"));
        columns.push(Column::words("Better"));
        let caption = "Differences between arms on test.".into();
        blocks.push(Block::Table(Table { caption, columns, rows: between }));
    }
    if !against.is_empty() {
        let mut columns = columns();
        columns.push(Column::words("Better"));
        let caption = "Differences to the baseline on test.".into();
        blocks.push(Block::Table(Table { caption, columns, rows: against }));
    }
    blocks.push(Block::Note(remark(&seen)));
    blocks
}

fn columns() -> Vec<Column> {
    vec![
        Column::words("Difference"),
        Column::words("Metric"),
        Column::numbers("n"),
        Column::numbers("Mean"),
        Column::numbers(format!("{} interval", confidence())),
        Column::numbers("Detectable"),
    ]
}

fn cells(label: String, paired: &PairedDifference, metric: &Metric, places: usize) -> Vec<Text> {
    vec![
        label.into(),
        metric.heading().into(),
        paired.n.to_string().into(),
        signed(paired.mean, places).into(),
        interval(paired, places).into(),
        detectable(paired, places).into(),
    ]
}

/// Returns the difference of the numbers that a document reports for the two arms.
fn published(study: &Study<'_>, left: &Arm<'_>, right: &Arm<'_>, metric: &Metric) -> Text {
    let value = |arm: &Arm<'_>| {
        let published = study.input.manifest.published.iter();
        published
            .filter(|row| row.split == Split::Test && row.metric == metric.name)
            .find(|row| row.arm == arm.label)
            .map(|row| row.value)
    };
    match (value(left), value(right)) {
        (Some(left_value), Some(right_value)) => {
            let places = decimals([left_value, right_value]);
            signed(left_value - right_value, places).into()
        }
        (Some(_) | None, _) => ABSENT.into(),
    }
}

/// Names the better side where the interval excludes 0.
fn reading(paired: &PairedDifference, metric: &Metric, left: &str, right: &str) -> Text {
    let higher = metric.definition.higher_is_better;
    match sign(paired) {
        Sign::Above => if higher { left } else { right }.into(),
        Sign::Below => if higher { right } else { left }.into(),
        Sign::Open => "not settled".into(),
        Sign::Unknown => "no interval".into(),
    }
}

/// Says what the intervals cover and what a small number of seeds means for them.
fn remark(seen: &[PairedDifference]) -> Text {
    let fewest = seen.iter().map(|paired| paired.n).min().unwrap_or(0);
    let most = seen.iter().map(|paired| paired.n).max().unwrap_or(0);
    let text = Text::from(format!(
        "Intervals are Student-t intervals of the mean difference over seeds. They cover what a seed \
         decides (initial weights, batches, noise), not the choice of test sequences, and each is \
         for one comparison alone ({} shown). Detectable is the smallest true difference that as many \
         seeds with this spread would show with {} probability.",
        seen.len(),
        power(),
    ));
    if fewest >= ENOUGH_SEEDS {
        return text;
    }
    let range = if fewest == most { seeds(fewest) } else { format!("{fewest} to {most} seeds") };
    text.plain(format!(
        " With {range}, n is small: an interval is wide, it leans on the differences being roughly \
         normal, and \u{201c}not settled\u{201d} means that these seeds cannot tell, not that there is no \
         difference."
    ))
}
