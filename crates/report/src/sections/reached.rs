//! After how many epochs each arm reached a validation score that all runs reached.

use crate::{
    document::{Column, PageBlock, PageTable, Row},
    input::ReportRun,
    number::{ABSENT, fixed, tick, with_spread},
    reported::ReportedMetric,
    sweep_results::{ArmResults, MODEL, SweepResults},
};
use reprise_base::stats::summary::summarize;
use reprise_data::Split;

/// Returns the section; empty unless at least two arms can be compared.
pub(super) fn blocks(results: &SweepResults<'_>) -> Vec<PageBlock> {
    let Some(metric) = results.choosing() else { return Vec::new() };
    let arms: Vec<(&ArmResults<'_>, Vec<Learning<'_>>)> = results
        .arms
        .iter()
        .map(|arm| {
            let runs = arm.runs.iter();
            (arm, runs.filter_map(|run| Learning::of(results, run, metric)).collect())
        })
        .filter(|(_, runs): &(_, Vec<Learning<'_>>)| !runs.is_empty())
        .collect();
    let all = || arms.iter().flat_map(|(_, runs)| runs);
    let better = |left: f64, right: f64| is_at_least(metric, left, right);
    let Some(least) =
        all().reduce(|least, run| if better(run.best, least.best) { least } else { run })
    else {
        return Vec::new();
    };
    // A single evaluation says nothing about progress.
    if arms.len() < 2 || all().all(|run| run.points.len() < 2) {
        return Vec::new();
    }
    let rows = arms.iter().filter_map(|(arm, runs)| {
        let epochs: Vec<f64> =
            runs.iter().filter_map(|run| run.reaches(metric, least.best)).collect();
        let summary = summarize(&epochs)?;
        let [fewest, most] = [f64::min, f64::max].map(|of| epochs.iter().copied().reduce(of));
        let whole = |epochs: Option<f64>| epochs.map_or_else(|| ABSENT.to_owned(), tick).into();
        Some(Row::new(vec![
            arm.label.into(),
            summary.n.to_string().into(),
            with_spread(&summary, 1).into(),
            whole(fewest),
            whole(most),
        ]))
    });
    let score = fixed(least.best, results.decimals(Split::Validate, metric));
    let columns = vec![
        Column::words("Arm"),
        Column::numbers("n"),
        Column::numbers("Epochs"),
        Column::numbers("Fewest"),
        Column::numbers("Most"),
    ];
    let table = PageTable {
        caption: format!(
            "Epochs until the validation {} is {score} or better: mean \u{b1} sample standard deviation over seeds.",
            metric.heading()
        )
        .into(),
        columns,
        rows: rows.collect(),
    };
    vec![
        PageBlock::Heading("Epochs until a score".to_owned()),
        PageBlock::Table(table),
        PageBlock::Note(
            format!(
                "The score is the best one of the run that reached least ({}, seed {}), so every completed run \
                 reaches it. Only epochs after which a run was validated count.",
                least.run.entry.arm, least.run.entry.seed.0
            )
            .into(),
        ),
    ]
}

/// The validation scores of a completed run.
struct Learning<'a> {
    run: &'a ReportRun,
    /// Epochs trained, and the score.
    points: Vec<(f64, f64)>,
    best: f64,
}

impl<'a> Learning<'a> {
    fn of(results: &SweepResults<'_>, run: &'a ReportRun, metric: &ReportedMetric) -> Option<Self> {
        run.completed()?;
        let points = results.by_epoch.of(run, MODEL, Split::Validate, &metric.key);
        let better =
            |left: f64, right: f64| if is_at_least(metric, left, right) { left } else { right };
        let best = points.iter().map(|(_, score)| *score).reduce(better)?;
        Some(Self { run, points, best })
    }

    /// Returns the first epoch after which the score is at least `score`.
    fn reaches(&self, metric: &ReportedMetric, score: f64) -> Option<f64> {
        let mut points = self.points.iter();
        points.find(|(_, value)| is_at_least(metric, *value, score)).map(|(epoch, _)| *epoch)
    }
}

/// Returns whether a score is as good as another one or better.
fn is_at_least(metric: &ReportedMetric, score: f64, other: f64) -> bool {
    if metric.definition.higher_is_better { score >= other } else { score <= other }
}
