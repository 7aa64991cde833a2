//! Whether the latent variable carries information: the KL divergence at the end of training.

use crate::{
    document::{Column, PageBlock, PageTable, RichText, Row},
    input::ReportRun,
    number::{ABSENT, tick},
    sweep_results::{ArmResults, SweepResults},
};
use reprise_base::{
    stats::summary::{Summary, summarize},
    vocabulary::SeriesName,
};

/// Below this KL divergence of posterior and prior, in nats per frame, a latent variable carries no information: the
/// best of several samples is no better than their mean.
pub(super) const COLLAPSED_NATS: f64 = 1e-3;

/// Returns the section; empty if no run has a KL divergence.
pub(super) fn blocks(results: &SweepResults<'_>) -> Vec<PageBlock> {
    let arms = results.arms.iter();
    // Runs of earlier versions have no count of active units.
    let units = |arm| summarize(&final_means(arm, SeriesName::ActiveUnits)?);
    let has_units = arms.clone().any(|arm| units(arm).is_some());
    let cell = |units: Option<Summary>| match units {
        Some(units) => format!("{:.1}", units.mean),
        None => ABSENT.to_owned(),
    };
    let row = |arm| row(arm, &final_kls(arm)?, has_units.then(|| cell(units(arm))));
    let rows: Vec<Row> = arms.filter_map(row).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let mut columns = vec![
        Column::words("Arm"),
        Column::numbers("n"),
        Column::numbers("Mean"),
        Column::numbers("Smallest"),
        Column::numbers("Largest"),
        Column::words("Latent variable"),
    ];
    let mut caption = RichText::from(
        "KL divergence of posterior and prior in the last epoch, in nats per frame.",
    );
    if has_units {
        columns.insert(5, Column::numbers("Active units"));
        caption = caption.plain(
            " Active units: dimensions of z whose posterior mean has a variance above 0.01 over a batch, mean over \
             the epoch and the seeds.",
        );
    }
    let note = RichText::default().strong("Collapsed").plain(format!(
        ": all runs below {}. The posterior does not depend on the frame, so the latent variable carries no \
         information.",
        tick(COLLAPSED_NATS)
    ));
    vec![
        PageBlock::Heading("Latent variable".to_owned()),
        PageBlock::Table(PageTable { caption, columns, rows }),
        PageBlock::Note(note),
    ]
}

/// Returns the row of an arm; `units` is absent if no arm has a count of active units.
fn row(arm: &ArmResults<'_>, kls: &[f64], units: Option<String>) -> Option<Row> {
    let summary = summarize(kls)?;
    let [smallest, largest] =
        [f64::min, f64::max].map(|of| kls.iter().copied().reduce(of).unwrap_or(f64::NAN));
    let state = if largest < COLLAPSED_NATS { "collapsed" } else { "not collapsed" };
    let mut cells: Vec<RichText> = vec![
        arm.label.into(),
        summary.n.to_string().into(),
        nats(summary.mean).into(),
        nats(smallest).into(),
        nats(largest).into(),
    ];
    cells.extend(units.map(RichText::from));
    cells.push(state.into());
    Some(Row::new(cells))
}

/// Returns a KL divergence with two digits; arms differ by powers of ten.
pub(super) fn nats(value: f64) -> String {
    format!("{value:.1e}").replace('-', "\u{2212}")
}

/// Returns the mean KL divergence over the last epoch of every completed run of an arm; nothing if one has none.
pub(super) fn final_kls(arm: &ArmResults<'_>) -> Option<Vec<f64>> {
    final_means(arm, SeriesName::Kl)
}

/// Returns the mean of a series over the last epoch of every completed run of an arm; nothing if one has none.
fn final_means(arm: &ArmResults<'_>, series: SeriesName) -> Option<Vec<f64>> {
    let completed: Vec<_> = arm.runs.iter().filter(|run| run.completed().is_some()).collect();
    if completed.is_empty() {
        return None;
    }
    let last = |run: &ReportRun| run.series_by_epoch(series.as_str()).pop();
    completed.into_iter().map(|run| Some(last(run)?.1)).collect()
}
