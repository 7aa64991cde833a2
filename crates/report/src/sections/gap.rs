//! How much better the validation scores are than the test scores.

use std::collections::BTreeMap;

use crate::{
    document::{Column, PageBlock, PageTable, RichText, Row, RowKind},
    number::{ABSENT, signed},
    paired::{by_seed, confidence, interval},
    reported::ReportedMetric,
    sweep_results::{ArmResults, MODEL, SweepResults},
    words::{difference_decimals, in_words},
};
use reprise_base::stats::paired::PairedDifference;
use reprise_data::Split;

/// Returns the section; empty if no metric was measured on both splits.
pub(super) fn blocks(results: &SweepResults<'_>) -> Vec<PageBlock> {
    let Some(choosing) = results.choosing() else { return Vec::new() };
    let metrics = results.metrics.iter();
    let rows: Vec<Row> = metrics.flat_map(|metric| of_metric(results, metric)).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = vec![
        Column::words("Arm"),
        Column::words("Metric"),
        Column::numbers("n"),
        Column::numbers("Gap"),
        Column::numbers(format!("{} interval", confidence())),
    ];
    let caption = "Gap between validation and test, paired by seed.".into();
    let heading = choosing.heading();
    let mut note = RichText::default()
        .strong("Gap")
        .plain(format!(
            ": validation score minus test score, or the reverse where lower is better. If it is positive, the \
             validation score is the better one. The checkpoint was chosen by validation {heading}, which alone \
             makes that score look better than it is."
        ));
    if !results.baselines.is_empty() {
        note = note.plain(
            " The two splits are not equally difficult. The gap of a baseline, which is not trained, shows by how \
             much.",
        );
    }
    vec![
        PageBlock::Heading("Validation and test".to_owned()),
        PageBlock::Table(PageTable { caption, columns, rows }.without_empty_columns()),
        PageBlock::Note(note),
    ]
}

/// Returns the rows of a metric: one per arm, then one per baseline, or per arm and baseline if they differ.
fn of_metric(results: &SweepResults<'_>, metric: &ReportedMetric) -> Vec<Row> {
    let of_predictor = |predictor| {
        let arms = results.arms.iter();
        arms.filter_map(move |arm| Some((arm, gap(results, arm, predictor, metric)?)))
    };
    let arms: Vec<(&ArmResults<'_>, PairedDifference)> = of_predictor(MODEL).collect();
    let places = difference_decimals(results, metric, arms.iter().map(|(_, gap)| gap));
    let mut rows: Vec<Row> = arms
        .iter()
        .map(|(arm, gap)| {
            Row::new(vec![
                arm.label.into(),
                metric.heading().into(),
                gap.n.to_string().into(),
                signed(gap.mean, places).into(),
                interval(gap, places).into(),
            ])
        })
        .collect();
    for baseline in &results.baselines {
        let mut by_value: BTreeMap<u64, Vec<(&str, PairedDifference)>> = BTreeMap::new();
        for (arm, gap) in of_predictor(baseline) {
            by_value.entry(gap.mean.to_bits()).or_default().push((arm.label, gap));
        }
        let is_common = by_value.len() == 1;
        for arms in by_value.values() {
            let labels: Vec<&str> = arms.iter().map(|(label, _)| *label).collect();
            let of_arms =
                if is_common { String::new() } else { format!(" (for {})", labels.join("; ")) };
            rows.push(Row {
                kind: RowKind::Baseline,
                cells: vec![
                    format!("baseline: {}{of_arms}", in_words(baseline)).into(),
                    metric.heading().into(),
                    ABSENT.into(),
                    signed(arms[0].1.mean, places).into(),
                    ABSENT.into(),
                ],
            });
        }
    }
    rows
}

fn gap(
    results: &SweepResults<'_>,
    arm: &ArmResults<'_>,
    predictor: &str,
    metric: &ReportedMetric,
) -> Option<PairedDifference> {
    let [validation, test] =
        [Split::Validate, Split::Test].map(|split| results.by_seed(arm, predictor, split, metric));
    if metric.definition.higher_is_better {
        by_seed(&validation, &test)
    } else {
        by_seed(&test, &validation)
    }
}
