//! Differences between arms and against baselines, paired by seed.

use crate::{
    document::{Column, PageBlock, PageTable, RichText, Row},
    number::{ABSENT, decimals, fixed, signed, tick},
    paired::{Sign, confidence, detectable, interval, power, sign},
    reported::ReportedMetric,
    sweep_results::{ArmResults, SweepResults},
    words::{difference_decimals, in_words},
};
use reprise_base::{
    stats::{
        holm,
        paired::{CONFIDENCE, PairedDifference},
        permutation::{fewest_for, smallest_p},
    },
    text::count,
};
use reprise_data::Split;

/// At most this many pairs are compared on every metric; more are compared on the first metric only.
const PAIRS_ON_ALL_METRICS: usize = 6;
/// With fewer seeds a note warns that n is small.
const ENOUGH_SEEDS: usize = 10;

/// Returns the section; empty if there is nothing to compare.
pub(super) fn blocks(results: &SweepResults<'_>) -> Vec<PageBlock> {
    let arms = &results.arms;
    let between: Vec<Sides<'_>> = arms
        .iter()
        .enumerate()
        .flat_map(|(index, left)| arms[index + 1..].iter().map(move |right| (left, right)))
        .map(|(left, right)| Sides::Between(left, right))
        .collect();
    let baselines = &results.baselines;
    let against: Vec<Sides<'_>> = arms
        .iter()
        .flat_map(|arm| baselines.iter().map(move |name| Sides::Against(arm, name)))
        .collect();
    let to_baselines = if baselines.len() == 1 {
        "Differences from the baseline"
    } else {
        "Differences from the baselines"
    };
    let tables: Vec<(PageTable, Vec<PairedDifference>)> =
        [("Differences between arms", between), (to_baselines, against)]
            .into_iter()
            .filter_map(|(caption, comparisons)| table(results, caption, &comparisons))
            .collect();
    if tables.is_empty() {
        return Vec::new();
    }
    let seen: Vec<PairedDifference> = tables.iter().flat_map(|(_, seen)| seen).copied().collect();
    let mut blocks = vec![
        PageBlock::Heading("Paired differences".to_owned()),
        PageBlock::Prose(
            "Runs with the same seed have the same initial weights, batch order and noise in every arm, \
             so arms are compared seed by seed."
                .into(),
        ),
    ];
    blocks.extend(tables.into_iter().map(|(table, _)| PageBlock::Table(table)));
    blocks.push(PageBlock::Note(note(&seen)));
    blocks
}

/// The two sides of a difference.
#[derive(Clone, Copy)]
enum Sides<'a> {
    /// The models of two arms.
    Between(&'a ArmResults<'a>, &'a ArmResults<'a>),
    /// The model of an arm and a baseline.
    Against(&'a ArmResults<'a>, &'a str),
}

impl Sides<'_> {
    fn measured(
        &self,
        results: &SweepResults<'_>,
        metric: &ReportedMetric,
    ) -> Option<PairedDifference> {
        match *self {
            Self::Between(left, right) => results.between(left, right, Split::Test, metric),
            Self::Against(arm, baseline) => results.against(arm, baseline, Split::Test, metric),
        }
    }

    fn labels(&self) -> [String; 2] {
        match *self {
            Self::Between(left, right) => [left.label.to_owned(), right.label.to_owned()],
            Self::Against(arm, baseline) => [arm.label.to_owned(), in_words(baseline)],
        }
    }
}

/// Tabulates differences on all metrics, or on the first only if there are many; returns them too.
fn table(
    results: &SweepResults<'_>,
    caption: &str,
    comparisons: &[Sides<'_>],
) -> Option<(PageTable, Vec<PairedDifference>)> {
    let mut metrics: Vec<&ReportedMetric> =
        results.metrics.iter().filter(|metric| results.is_scored(Split::Test, metric)).collect();
    let mut caption = format!("{caption} on the test split");
    if comparisons.len() > PAIRS_ON_ALL_METRICS && metrics.len() > 1 {
        metrics.truncate(1);
        let heading = metrics[0].heading();
        caption = format!("{caption}, {heading} only; metrics.csv contains all scores");
    }
    let measured: Vec<(&ReportedMetric, Vec<Option<PairedDifference>>)> = metrics
        .into_iter()
        .map(|it| (it, comparisons.iter().map(|pair| pair.measured(results, it)).collect()))
        .collect();
    let places: Vec<usize> = measured
        .iter()
        .map(|(metric, paired)| difference_decimals(results, metric, paired.iter().flatten()))
        .collect();
    let mut shown: Vec<(&Sides<'_>, &ReportedMetric, PairedDifference, usize)> = Vec::new();
    for (index, comparison) in comparisons.iter().enumerate() {
        for ((metric, paired), places) in measured.iter().zip(&places) {
            shown.extend(paired[index].map(|paired| (comparison, *metric, paired, *places)));
        }
    }
    let seen: Vec<PairedDifference> = shown.iter().map(|(_, _, paired, _)| *paired).collect();
    let p_values: Vec<f64> =
        seen.iter().filter_map(|paired| Some(paired.spread?.p_value)).collect();
    let mut adjusted = holm::adjusted(&p_values).into_iter();
    let rows = shown.iter().map(|(comparison, metric, paired, places)| {
        let adjusted = paired.spread.and_then(|_| adjusted.next());
        row(results, comparison, metric, paired, adjusted, *places)
    });
    let rows = rows.collect();
    let columns = vec![
        Column::words("Difference"),
        Column::words("Metric"),
        Column::numbers("n"),
        Column::numbers("Mean"),
        Column::numbers(format!("{} interval", confidence())),
        Column::numbers("Detectable"),
        Column::numbers("p (Holm)"),
        Column::numbers("p (signs)"),
        Column::numbers("Published"),
        Column::words("Better"),
    ];
    let caption = format!("{caption}.").into();
    let table = PageTable { caption, columns, rows }.without_empty_columns();
    (!seen.is_empty()).then_some((table, seen))
}

fn row(
    results: &SweepResults<'_>,
    comparison: &Sides<'_>,
    metric: &ReportedMetric,
    paired: &PairedDifference,
    adjusted: Option<f64>,
    places: usize,
) -> Row {
    let [left, right] = comparison.labels();
    let published = match comparison {
        Sides::Between(left, right) => published(results, left, right, metric),
        Sides::Against(..) => ABSENT.into(),
    };
    Row::new(vec![
        format!("{left} \u{2212} {right}").into(),
        metric.heading().into(),
        paired.n.to_string().into(),
        signed(paired.mean, places).into(),
        interval(paired, places).into(),
        detectable(paired, places).into(),
        probability(adjusted).into(),
        // With fewer pairs it says nothing, since no difference could be significant.
        probability(
            paired
                .spread
                .filter(|_| paired.n >= fewest_for(1.0 - CONFIDENCE))
                .and_then(|spread| spread.exact_p_value),
        )
        .into(),
        published,
        better(paired, metric, &left, &right),
    ])
}

/// Returns a p-value with three decimals.
fn probability(p_value: Option<f64>) -> String {
    match p_value {
        None => ABSENT.to_owned(),
        Some(p_value) if p_value < 5e-4 => "< 0.001".to_owned(),
        Some(p_value) => fixed(p_value, 3),
    }
}

/// Returns the difference of the published numbers of two arms.
fn published(
    results: &SweepResults<'_>,
    left: &ArmResults<'_>,
    right: &ArmResults<'_>,
    metric: &ReportedMetric,
) -> RichText {
    let value = |arm: &ArmResults<'_>| {
        let published = results.input.manifest.published.iter();
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

/// Names the better side if the interval excludes 0.
fn better(paired: &PairedDifference, metric: &ReportedMetric, left: &str, right: &str) -> RichText {
    let higher = metric.definition.higher_is_better;
    match sign(paired) {
        Sign::Above => if higher { left } else { right }.into(),
        Sign::Below => if higher { right } else { left }.into(),
        Sign::Open => "undecided".into(),
        Sign::Unknown => "no interval".into(),
    }
}

/// Explains the columns, and what a small number of seeds means for the intervals.
fn note(seen: &[PairedDifference]) -> RichText {
    let fewest = seen.iter().map(|paired| paired.n).min().unwrap_or(0);
    let most = seen.iter().map(|paired| paired.n).max().unwrap_or(0);
    if most == 1 {
        return "With one seed the spread is unknown, so there is no interval: a difference of this size \
                may be due to chance."
            .into();
    }
    let text = RichText::default()
        .strong("Mean")
        .plain(format!(
            ": mean difference over seeds, with a Student-t confidence interval. The interval covers \
             what the seed decides (initial weights, batch order, noise), not the choice of test data. \
             The interval is not corrected for multiple comparisons ({} shown). ",
            seen.len(),
        ))
        .strong("p (Holm)")
        .plain(": of Student's paired t test, corrected by Holm for all comparisons of the table. ")
        .strong("p (signs)")
        .plain(format!(
            ": of the exact test that flips the signs of the differences, not corrected; shown from {} seeds on, since \
             with {} it is at least {}. ",
            fewest_for(1.0 - CONFIDENCE),
            fewest_for(1.0 - CONFIDENCE) - 1,
            tick(smallest_p(fewest_for(1.0 - CONFIDENCE) - 1)),
        ))
        .strong("Detectable")
        .plain(format!(
            ": the smallest true difference that would be found with a probability of {}, given this \
             number of seeds and this spread. ",
            power(),
        ))
        .strong("Undecided")
        .plain(": the interval contains 0.");
    if fewest >= ENOUGH_SEEDS {
        return text;
    }
    let range =
        if fewest == most { count(fewest, "seed") } else { format!("{fewest} to {most} seeds") };
    text.plain(format!(
        " With {range}, intervals are wide and assume roughly normally distributed differences; \
         \u{201c}undecided\u{201d} does not mean that there is no difference."
    ))
}
