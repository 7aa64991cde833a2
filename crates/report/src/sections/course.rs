//! The course of training in one figure: loss, validation score and schedules over one axis.

use super::curves::{drawn, plot};
use crate::{
    curve::{self, Plot},
    document::{FigureLayout, PageBlock, RichText},
    error::ReportError,
    input::ReportRun,
    reported::labelled,
    run_curves::Points,
    sweep_results::SweepResults,
    words::capitalized,
};
use reprise_base::vocabulary::SeriesName;
use reprise_data::Split;

/// Schedules that are drawn below the loss, if runs have them.
const SCHEDULES: [SeriesName; 2] = [SeriesName::KlWeight, SeriesName::TeacherForcingRatio];

/// Returns the section; empty if no run has a schedule.
pub(super) fn blocks(results: &SweepResults<'_>) -> Result<Vec<PageBlock>, ReportError> {
    let mut panels = Vec::new();
    panels.extend(series_panel(results, SeriesName::Loss));
    panels.extend(score_panel(results));
    let schedules: Vec<Plot> =
        SCHEDULES.into_iter().filter_map(|name| series_panel(results, name)).collect();
    if schedules.is_empty() {
        return Ok(Vec::new());
    }
    panels.extend(schedules);
    for panel in panels.iter_mut().skip(1) {
        panel.legend.clear();
    }
    let path = "figures/course.svg".to_owned();
    let labels: Vec<&str> = panels.iter().map(|panel| panel.y_label.as_str()).collect();
    let alt = format!("{} by epoch, one colour per arm", labels.join(", "));
    let caption = RichText::default()
        .strong("The course of training")
        .plain(" over one axis. Where lines are equal, the upper one is dashed.");
    let figures = vec![drawn(path, curve::stack(&panels), alt, caption)?];
    Ok(vec![
        PageBlock::Heading("Course of training".to_owned()),
        PageBlock::Figures { figures, layout: FigureLayout::Grid },
    ])
}

/// Returns a series of the training steps by epoch.
fn series_panel(results: &SweepResults<'_>, name: SeriesName) -> Option<Plot> {
    let name = name.as_str();
    let definition = results.records().find_map(|record| record.series.get(name))?;
    panel(labelled(&capitalized(&definition.label), &definition.unit), results, |run, predictor| {
        let points = results.by_step.of(run, predictor, Split::Train, name);
        let steps = run.record().map_or(1, |it| it.spec.training.steps_per_epoch.get());
        points.into_iter().map(|(step, value)| (step / steps as f64, value)).collect()
    })
}

/// Returns the validation scores by which checkpoints are chosen.
fn score_panel(results: &SweepResults<'_>) -> Option<Plot> {
    let metric = results.choosing()?;
    panel(format!("Validation {}", metric.heading()), results, |run, predictor| {
        results.by_epoch.of(run, predictor, Split::Validate, &metric.key)
    })
}

fn panel(
    y_label: String,
    results: &SweepResults<'_>,
    points: impl Fn(&ReportRun, &str) -> Points,
) -> Option<Plot> {
    let plot = Plot { x_label: "epochs trained".to_owned(), y_label, ..plot(results, points) };
    let has_points = plot.lines.iter().any(|line| !line.points.is_empty());
    has_points.then_some(plot)
}
