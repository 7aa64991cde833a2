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
    let between: Vec<Comparison<'_>> = arms
        .iter()
        .enumerate()
        .flat_map(|(index, left)| arms[index + 1..].iter().map(move |right| (left, right)))
        .map(|(left, right)| Comparison::Between(left, right))
        .collect();
    let baselines = &study.baselines;
    let against: Vec<Comparison<'_>> = arms
        .iter()
        .flat_map(|arm| baselines.iter().map(move |name| Comparison::Against(arm, name)))
        .collect();
    let to_baselines = if baselines.len() == 1 {
        "Differences to the baseline"
    } else {
        "Differences to baselines"
    };
    let tables: Vec<(Table, Vec<PairedDifference>)> =
        [("Differences between arms", between), (to_baselines, against)]
            .into_iter()
            .filter_map(|(caption, comparisons)| table(study, caption, &comparisons))
            .collect();
    if tables.is_empty() {
        return Vec::new();
    }
    let seen: Vec<PairedDifference> = tables.iter().flat_map(|(_, seen)| seen).copied().collect();
    let mut blocks = vec![
        Block::Heading("Paired differences".to_owned()),
        Block::Prose(
            "Runs of one seed share initial weights, the order of batches and all noise across \
             arms, so arms are compared seed by seed."
                .into(),
        ),
    ];
    blocks.extend(tables.into_iter().map(|(table, _)| Block::Table(table)));
    blocks.push(Block::Note(remark(&seen)));
    blocks
}

/// Two things that are compared.
#[derive(Clone, Copy)]
enum Comparison<'a> {
    /// The models of two arms.
    Between(&'a Arm<'a>, &'a Arm<'a>),
    /// The model of an arm and a baseline of its runs.
    Against(&'a Arm<'a>, &'a str),
}

impl Comparison<'_> {
    fn measured(&self, study: &Study<'_>, metric: &Metric) -> Option<PairedDifference> {
        match *self {
            Self::Between(left, right) => study.between(left, right, Split::Test, metric),
            Self::Against(arm, baseline) => study.against(arm, baseline, Split::Test, metric),
        }
    }

    fn labels(&self) -> [String; 2] {
        match *self {
            Self::Between(left, right) => [left.label.to_owned(), right.label.to_owned()],
            Self::Against(arm, baseline) => [arm.label.to_owned(), in_words(baseline)],
        }
    }
}

/// Tabulates differences on all metrics, or on the first alone if there are many; returns them too.
fn table(
    study: &Study<'_>,
    caption: &str,
    comparisons: &[Comparison<'_>],
) -> Option<(Table, Vec<PairedDifference>)> {
    let mut metrics: Vec<&Metric> =
        study.metrics.iter().filter(|metric| study.is_scored(Split::Test, metric)).collect();
    let mut caption = format!("{caption} on test");
    if comparisons.len() > PAIRS_ON_ALL_METRICS && metrics.len() > 1 {
        metrics.truncate(1);
        let heading = metrics[0].heading();
        caption = format!("{caption} in {heading}; all scores are in metrics.csv");
    }
    let measured: Vec<(&Metric, Vec<Option<PairedDifference>>)> = metrics
        .into_iter()
        .map(|it| (it, comparisons.iter().map(|pair| pair.measured(study, it)).collect()))
        .collect();
    let places: Vec<usize> = measured
        .iter()
        .map(|(metric, paired)| difference_places(study, metric, paired.iter().flatten()))
        .collect();
    let (mut rows, mut seen) = (Vec::new(), Vec::new());
    for (index, comparison) in comparisons.iter().enumerate() {
        for ((metric, paired), places) in measured.iter().zip(&places) {
            let Some(paired) = paired[index] else { continue };
            seen.push(paired);
            rows.push(row(study, comparison, metric, &paired, *places));
        }
    }
    let columns = vec![
        Column::words("Difference"),
        Column::words("Metric"),
        Column::numbers("n"),
        Column::numbers("Mean"),
        Column::numbers(format!("{} interval", confidence())),
        Column::numbers("Detectable"),
        Column::numbers("Published"),
        Column::words("Better"),
    ];
    let caption = format!("{caption}.").into();
    let table = Table { caption, columns, rows }.without_empty_columns();
    (!seen.is_empty()).then_some((table, seen))
}

fn row(
    study: &Study<'_>,
    comparison: &Comparison<'_>,
    metric: &Metric,
    paired: &PairedDifference,
    places: usize,
) -> Row {
    let [left, right] = comparison.labels();
    let published = match comparison {
        Comparison::Between(left, right) => published(study, left, right, metric),
        Comparison::Against(..) => ABSENT.into(),
    };
    Row::new(vec![
        format!("{left} \u{2212} {right}").into(),
        metric.heading().into(),
        paired.n.to_string().into(),
        signed(paired.mean, places).into(),
        interval(paired, places).into(),
        detectable(paired, places).into(),
        published,
        reading(paired, metric, &left, &right),
    ])
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
    if most == 1 {
        return "One seed has no spread, so no interval can be given: a difference of this size may \
                be chance."
            .into();
    }
    let text = Text::from(format!(
        "Intervals are Student-t intervals of the mean difference over seeds. They cover what a seed \
         decides (initial weights, batches, noise), not the choice of test data, and each is \
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
