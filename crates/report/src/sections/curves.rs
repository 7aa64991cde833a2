//! Curves over steps, epochs and predicted frames.

use std::collections::BTreeMap;

use crate::{
    curve::{self, DrawError, Line, Plot, Stroke},
    document::{Figure, FigureContent, FigureLayout, PageBlock, RichText},
    error::ReportError,
    input::ReportRun,
    palette::{self, BASELINE, Ink},
    reported::{ReportedMetric, labelled},
    run_curves::{Points, mean_of},
    svg::Drawing,
    sweep_results::{ArmResults, MODEL, SweepResults},
    words::{capitalized, in_words, sentence},
};
use reprise_base::vocabulary::SeriesName;
use reprise_data::Split;
use reprise_store::store::record::SeriesDefinition;

/// Returns the section; empty if no run has a record.
pub(super) fn blocks(results: &SweepResults<'_>) -> Result<Vec<PageBlock>, ReportError> {
    if results.records().next().is_none() {
        return Ok(Vec::new());
    }
    let mut training = Vec::new();
    for (name, definition) in series(results) {
        training.extend(step_figure(results, name, definition)?);
    }
    let mut scores = Vec::new();
    for metric in &results.metrics {
        scores.extend(epoch_figure(results, metric)?);
    }
    for metric in &results.metrics {
        scores.extend(frame_figure(results, metric)?);
    }

    let mut blocks = vec![PageBlock::Heading("Curves".to_owned()), PageBlock::Note(note(results))];
    for (title, figures) in [("Training", training), ("Evaluation", scores)] {
        if !figures.is_empty() {
            blocks.push(PageBlock::Prose(RichText::default().strong(title)));
            blocks.push(PageBlock::Figures { figures, layout: FigureLayout::Grid });
        }
    }
    Ok(blocks)
}

/// Explains how curves are drawn.
fn note(results: &SweepResults<'_>) -> RichText {
    let mut text = RichText::from(
        "Thick lines: mean over the completed runs of an arm. Thin lines: single runs. Where means are \
         equal, the upper line is dashed.",
    );
    let steps = results.steps_per_point;
    if steps > 1 {
        text = text.plain(format!(
            " One point is the average of {steps} consecutive steps; the journals contain every step."
        ));
    }
    text = text.plain(match results.baselines.len() {
        0 => "",
        1 => " Grey dashed line: the baseline, which is not trained.",
        _ => " Grey dashed and dotted lines: the baselines, which are not trained.",
    });
    if results.arms.iter().any(|arm| arm.diverged() > 0) {
        text =
            text.plain(" A diverged run is drawn up to its last step and is not part of the mean.");
    }
    text
}

/// Lists all series that the records define, in reading order.
fn series<'a>(results: &SweepResults<'a>) -> Vec<(&'a str, &'a SeriesDefinition)> {
    let all: BTreeMap<&str, &SeriesDefinition> = results
        .records()
        .flat_map(|record| &record.series)
        .map(|(name, definition)| (name.as_str(), definition))
        .collect();
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(name, _)| SeriesName::rank(name));
    all
}

fn step_figure(
    results: &SweepResults<'_>,
    name: &str,
    definition: &SeriesDefinition,
) -> Result<Option<Figure>, ReportError> {
    let SeriesDefinition { label, unit, definition } = definition;
    let label = capitalized(label);
    let path = format!("figures/{}.svg", file_stem(name));
    let caption =
        RichText::default().strong(&label).recorded(&format!(". {}", sentence(definition)));
    let plot = Plot {
        x_label: "step".to_owned(),
        y_label: labelled(&label, unit),
        ..plot(results, |run, predictor| results.by_step.of(run, predictor, Split::Train, name))
    };
    figure(path, &plot, format!("{label} by step, one colour per arm"), caption)
}

fn epoch_figure(
    results: &SweepResults<'_>,
    metric: &ReportedMetric,
) -> Result<Option<Figure>, ReportError> {
    let heading = metric.heading();
    let path = format!("figures/validation_{}.svg", file_stem(&metric.key));
    let caption = RichText::default()
        .strong(format!("Validation {heading}"))
        .plain(" after each evaluated epoch. The metric is defined under Results.");
    let plot = Plot {
        x_label: "epochs trained".to_owned(),
        y_label: format!("Validation {heading}"),
        ..plot(results, |run, predictor| {
            results.by_epoch.of(run, predictor, Split::Validate, &metric.key)
        })
    };
    figure(path, &plot, format!("validation {heading} by epoch; baselines dashed"), caption)
}

fn frame_figure(
    results: &SweepResults<'_>,
    metric: &ReportedMetric,
) -> Result<Option<Figure>, ReportError> {
    let heading = metric.heading();
    let path = format!("figures/frames_{}.svg", file_stem(&metric.key));
    let caption = RichText::default()
        .strong(format!("Test {heading} by predicted frame"))
        .plain(", mean over test sequences. Frame 1 is the first frame after the context.");
    let plot = Plot {
        x_start: 1.0,
        x_label: "predicted frame".to_owned(),
        y_label: format!("Test {heading}"),
        ..plot(results, |run, predictor| {
            results.by_frame.of(run, predictor, Split::Test, &metric.key)
        })
    };
    figure(path, &plot, format!("test {heading} by predicted frame; baselines dashed"), caption)
}

/// Collects the lines of all baselines and arms: means over single runs over baselines. `points` are
/// those of a run's predictor.
pub(super) fn plot(
    results: &SweepResults<'_>,
    points: impl Fn(&ReportRun, &str) -> Points,
) -> Plot {
    let mut lines = Vec::new();
    let mut legend = Vec::new();
    let mut baselines = Vec::new();
    for (number, name) in results.baselines.iter().enumerate() {
        let stroke = Stroke::Reference { number };
        // Equal curves of several runs are drawn once.
        let mut drawn: Vec<Points> = Vec::new();
        for run in &results.input.runs {
            let points = points(run, name);
            if !points.is_empty() && !drawn.contains(&points) {
                drawn.push(points);
            }
        }
        if !drawn.is_empty() {
            baselines.push((in_words(name), BASELINE, stroke));
        }
        lines.extend(drawn.into_iter().map(|points| Line { ink: BASELINE, stroke, points }));
    }
    let mut means: Vec<Line> = Vec::new();
    for arm in &results.arms {
        let ink = palette::arm(arm.position);
        let (runs, mut mean) = arm_lines(arm, ink, |run| points(run, MODEL));
        if runs.is_empty() && mean.points.is_empty() {
            continue;
        }
        legend.push((arm.label.to_owned(), ink, Stroke::Mean));
        lines.extend(runs);
        let covered = means.iter().filter(|other| other.points == mean.points).count();
        if covered > 0 {
            mean.stroke = Stroke::Over { covered };
        }
        means.push(mean);
    }
    lines.extend(means);
    legend.extend(baselines);
    Plot { x_start: 0.0, x_label: String::new(), y_label: String::new(), lines, legend }
}

/// Returns the lines of an arm's runs and of their mean; a single completed run is drawn as the mean.
fn arm_lines(
    arm: &ArmResults<'_>,
    ink: Ink,
    of_run: impl Fn(&ReportRun) -> Points,
) -> (Vec<Line>, Line) {
    let runs: Vec<(&ReportRun, Points)> = arm
        .runs
        .iter()
        .map(|run| (*run, of_run(run)))
        .filter(|(_, points)| !points.is_empty())
        .collect();
    let completed: Vec<&Points> = runs
        .iter()
        .filter(|(run, _)| run.completed().is_some())
        .map(|(_, points)| points)
        .collect();
    let mean = Line { ink, stroke: Stroke::Mean, points: mean_of(&completed) };
    let lone = runs.len() == 1 && completed.len() == 1;
    let lines = runs
        .into_iter()
        .filter(|_| !lone)
        .map(|(_, points)| Line { ink, stroke: Stroke::Run, points })
        .collect();
    (lines, mean)
}

/// Draws a plot; returns `None` if it has no point.
pub(super) fn figure(
    path: String,
    plot: &Plot,
    alt: String,
    caption: RichText,
) -> Result<Option<Figure>, ReportError> {
    if plot.lines.iter().all(|line| line.points.is_empty()) {
        return Ok(None);
    }
    drawn(path, curve::draw(plot), alt, caption).map(Some)
}

/// Returns the figure of a drawing.
pub(super) fn drawn(
    path: String,
    drawing: Result<Drawing, DrawError>,
    alt: String,
    caption: RichText,
) -> Result<Figure, ReportError> {
    match drawing {
        Ok(drawing) => Ok(Figure { path, content: FigureContent::Svg(drawing), alt, caption }),
        Err(source) => Err(ReportError::Draw { figure: path, source }),
    }
}

/// Returns a name that is valid on every file system.
pub(super) fn file_stem(name: &str) -> String {
    let safe = |character: char| {
        if character.is_ascii_alphanumeric() || character == '_' { character } else { '-' }
    };
    name.chars().map(safe).collect()
}
