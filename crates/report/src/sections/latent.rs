//! Whether the latent variable carries information: the KL divergence at the end of training.

use crate::{
    document::{Column, PageBlock, PageTable, RichText, Row},
    input::ReportRun,
    number::tick,
    sweep_results::{ArmResults, SweepResults},
};
use reprise_base::{stats::summary::summarize, vocabulary::SeriesName};
use reprise_store::store::event::Event;

/// Below this KL divergence of posterior and prior, in nats per frame, a latent variable carries no information: the
/// best of several samples is no better than their mean.
pub(super) const COLLAPSED_NATS: f64 = 1e-3;

/// Returns the section; empty if no run has a KL divergence.
pub(super) fn blocks(results: &SweepResults<'_>) -> Vec<PageBlock> {
    let arms = results.arms.iter();
    let rows: Vec<Row> = arms.filter_map(|arm| row(arm, &final_kls(arm)?)).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = vec![
        Column::words("Arm"),
        Column::numbers("n"),
        Column::numbers("Mean"),
        Column::numbers("Smallest"),
        Column::numbers("Largest"),
        Column::words("Latent variable"),
    ];
    let caption =
        "KL divergence of posterior and prior in the last epoch, in nats per frame.".into();
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

fn row(arm: &ArmResults<'_>, kls: &[f64]) -> Option<Row> {
    let summary = summarize(kls)?;
    let [smallest, largest] =
        [f64::min, f64::max].map(|of| kls.iter().copied().reduce(of).unwrap_or(f64::NAN));
    let state = if largest < COLLAPSED_NATS { "collapsed" } else { "not collapsed" };
    Some(Row::new(vec![
        arm.label.into(),
        summary.n.to_string().into(),
        nats(summary.mean).into(),
        nats(smallest).into(),
        nats(largest).into(),
        state.into(),
    ]))
}

/// Returns a KL divergence with two digits; arms differ by powers of ten.
pub(super) fn nats(value: f64) -> String {
    format!("{value:.1e}").replace('-', "\u{2212}")
}

/// Returns the mean KL divergence over the last epoch of every completed run of an arm; nothing if one has none.
pub(super) fn final_kls(arm: &ArmResults<'_>) -> Option<Vec<f64>> {
    let completed = arm.runs.iter().filter(|run| run.completed().is_some());
    completed.map(|run| final_kl(run)).collect()
}

fn final_kl(run: &ReportRun) -> Option<f64> {
    let steps = run.events().iter().filter_map(|event| match event {
        Event::Step(step) => Some(step),
        Event::Evaluation(_) => None,
    });
    let last = steps.clone().next_back()?.epoch;
    let values = steps.filter(|step| step.epoch == last);
    let values: Option<Vec<f64>> =
        values.map(|step| step.scalars.get(SeriesName::Kl.as_str()).copied()).collect();
    summarize(&values?).map(|summary| summary.mean)
}
