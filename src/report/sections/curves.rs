//! Curves over steps, epochs and predicted frames.

use std::collections::BTreeMap;

use super::{
    in_words,
    results::{capitalized, sentence},
};
use crate::{
    data::Split,
    report::{
        ReportError, ReportRun,
        curve::{self, Line, Plot, Stroke},
        document::{Block, Figure, Layout, Picture, Text},
        palette::{self, BASELINE, Ink},
        study::{Arm, MODEL, Metric, Study, labelled},
    },
    store::{
        event::{Event, Scores},
        record::{Record, SeriesDefinition},
    },
    vocabulary::SeriesName,
};

/// A drawn curve has at most this many points.
const POINTS_MAX: u64 = 120;

/// A curve's points, x ascending.
type Points = Vec<(f64, f64)>;

/// Returns the section; nothing if no run has a record.
pub(super) fn blocks(study: &Study<'_>) -> Result<Vec<Block>, ReportError> {
    if study.records().next().is_none() {
        return Ok(Vec::new());
    }
    let bin = bin_width(study);
    let mut training = Vec::new();
    for (name, definition) in series(study) {
        training.extend(step_figure(study, name, definition, bin)?);
    }
    let mut scores = Vec::new();
    for metric in &study.metrics {
        scores.extend(epoch_figure(study, metric)?);
    }
    for metric in &study.metrics {
        scores.extend(frame_figure(study, metric)?);
    }

    let mut blocks = vec![Block::Heading("Curves".to_owned()), Block::Note(legend(study, bin))];
    for (title, figures) in [("Training", training), ("Evaluation", scores)] {
        if !figures.is_empty() {
            blocks.push(Block::Prose(Text::default().strong(title)));
            blocks.push(Block::Figures { figures, layout: Layout::Grid });
        }
    }
    Ok(blocks)
}

/// Says once how all curves are drawn.
fn legend(study: &Study<'_>, bin: u64) -> Text {
    let mut text = Text::from(
        "Thick lines are means over the completed runs of an arm, thin lines single runs. A thick line \
         that would hide an equal one is dashed.",
    );
    if bin > 1 {
        text = text.plain(format!(
            " For drawing, {bin} consecutive steps are averaged into one point; the journals keep \
             every step."
        ));
    }
    text = text.plain(match study.baselines.len() {
        0 => "",
        1 => " Grey and dashed: the baseline, which does not learn.",
        _ => " Grey, dashed or dotted: the baselines, which do not learn.",
    });
    if study.arms.iter().any(|arm| arm.diverged() > 0) {
        text = text.plain(" A run that diverged is drawn to its end and not part of a mean.");
    }
    text
}

/// Returns how many consecutive steps make a point, the same for all runs.
fn bin_width(study: &Study<'_>) -> u64 {
    let events = study.input.runs.iter().flat_map(ReportRun::events);
    let steps = events.filter_map(|event| match event {
        Event::Step(step) => Some(step.step.0 + 1),
        Event::Evaluation(_) => None,
    });
    steps.max().unwrap_or(1).div_ceil(POINTS_MAX).max(1)
}

/// Lists all series that a record defines, in reading order.
fn series<'a>(study: &Study<'a>) -> Vec<(&'a str, &'a SeriesDefinition)> {
    let all: BTreeMap<&str, &SeriesDefinition> = study
        .records()
        .flat_map(|record| &record.series)
        .map(|(name, definition)| (name.as_str(), definition))
        .collect();
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(name, _)| SeriesName::rank(name));
    all
}

fn step_figure(
    study: &Study<'_>,
    name: &str,
    definition: &SeriesDefinition,
    bin: u64,
) -> Result<Option<Figure>, ReportError> {
    let points = |run: &ReportRun| binned(run.events(), name, bin);
    let SeriesDefinition { label, unit, definition } = definition;
    let label = capitalized(label);
    let path = format!("figures/{}.svg", file_stem(name));
    let caption = Text::default().strong(&label).recorded(&format!(". {}", sentence(definition)));
    let plot = Plot {
        x_label: "optimizer step".to_owned(),
        y_label: labelled(&label, unit),
        ..plot(study, points, None)
    };
    figure(path, &plot, format!("{label} by optimizer step, one colour an arm"), caption)
}

/// Averages the values of a series over every `bin` consecutive steps.
fn binned(events: &[Event], name: &str, bin: u64) -> Points {
    let mut bins: BTreeMap<u64, (f64, f64, f64)> = BTreeMap::new();
    for event in events {
        let Event::Step(step) = event else { continue };
        let Some(value) = step.scalars.get(name).filter(|value| value.is_finite()) else {
            continue;
        };
        let (count, x, y) = bins.entry(step.step.0 / bin).or_default();
        *count += 1.0;
        *x += step.step.0 as f64;
        *y += value;
    }
    bins.into_values().map(|(count, x, y)| (x / count, y / count)).collect()
}

fn epoch_figure(study: &Study<'_>, metric: &Metric) -> Result<Option<Figure>, ReportError> {
    let by_epoch = |run: &ReportRun, predictor: &str| -> Points {
        let events = run.events().iter().filter_map(|event| match event {
            Event::Evaluation(evaluation) if evaluation.split == Split::Validate => {
                let score = evaluation.scores.get(predictor)?.get(&metric.name)?;
                // Epochs are counted from 0; what is drawn is how many have passed.
                score.mean.is_finite().then(|| ((evaluation.epoch.0 + 1) as f64, score.mean))
            }
            Event::Evaluation(_) | Event::Step(_) => None,
        });
        if defines(run, metric) { events.collect() } else { Vec::new() }
    };
    let heading = metric.heading();
    let path = format!("figures/validation_{}.svg", file_stem(&metric.key));
    let caption = Text::default()
        .strong(format!("Validation {heading}"))
        .plain(" after each evaluated epoch, as defined under Results.");
    let plot = Plot {
        x_label: "epochs trained".to_owned(),
        y_label: format!("Validation {heading}"),
        ..plot(study, |run| by_epoch(run, MODEL), Some(&by_epoch))
    };
    figure(path, &plot, format!("validation {heading} by epoch, baselines dashed"), caption)
}

fn frame_figure(study: &Study<'_>, metric: &Metric) -> Result<Option<Figure>, ReportError> {
    let by_frame = |run: &ReportRun, predictor: &str| -> Points {
        let scores = run.record().and_then(|record: &Record| record.test.as_ref());
        let score = scores.and_then(|scores: &Scores| scores.get(predictor)?.get(&metric.name));
        let values = score.filter(|_| defines(run, metric)).into_iter().flat_map(|s| &s.by_frame);
        (1_u32..)
            .map(f64::from)
            .zip(values.copied())
            .filter(|(_, value)| value.is_finite())
            .collect()
    };
    let heading = metric.heading();
    let path = format!("figures/frames_{}.svg", file_stem(&metric.key));
    let caption = Text::default()
        .strong(format!("Test {heading} by predicted frame"))
        .plain(", mean over test sequences; frame 1 is the first after the context.");
    let plot = Plot {
        x_start: 1.0,
        x_label: "predicted frame".to_owned(),
        y_label: format!("Test {heading}"),
        ..plot(study, |run| by_frame(run, MODEL), Some(&by_frame))
    };
    figure(path, &plot, format!("test {heading} by predicted frame, baselines dashed"), caption)
}

/// Returns whether the run's scores of that name have this definition.
fn defines(run: &ReportRun, metric: &Metric) -> bool {
    let definition = run.record().and_then(|record| record.metrics.get(&metric.name));
    definition == Some(&metric.definition)
}

/// Points of a run's baseline.
type OfBaseline<'a> = &'a dyn Fn(&ReportRun, &str) -> Points;

/// Gathers the lines of all arms, single runs below means, baselines at the bottom.
fn plot(
    study: &Study<'_>,
    of_run: impl Fn(&ReportRun) -> Points,
    of_baseline: Option<OfBaseline<'_>>,
) -> Plot {
    let mut lines = Vec::new();
    let mut legend = Vec::new();
    let mut baselines = Vec::new();
    let names = study.baselines.iter().filter(|_| of_baseline.is_some());
    for (number, name) in names.enumerate() {
        let stroke = Stroke::Reference { number };
        // Most sweeps have one curve for all runs; equal ones are drawn once.
        let mut drawn: Vec<Points> = Vec::new();
        for run in &study.input.runs {
            let points = of_baseline.map_or_else(Vec::new, |points| points(run, name));
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
    for arm in &study.arms {
        let ink = palette::arm(arm.position);
        let (runs, mut mean) = arm_lines(arm, ink, &of_run);
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

/// Returns the lines of an arm's runs and of their mean; a lone run is its own mean.
fn arm_lines(arm: &Arm<'_>, ink: Ink, of_run: &impl Fn(&ReportRun) -> Points) -> (Vec<Line>, Line) {
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

/// Averages curves at every x that all of them have.
fn mean_of(curves: &[&Points]) -> Points {
    let Some((first, others)) = curves.split_first() else { return Vec::new() };
    let values: Vec<BTreeMap<u64, f64>> = others
        .iter()
        .map(|points| points.iter().map(|(x, y)| (x.to_bits(), *y)).collect())
        .collect();
    let mean = |&(x, y): &(f64, f64)| {
        let mut sum = y;
        for curve in &values {
            sum += curve.get(&x.to_bits())?;
        }
        Some((x, sum / curves.len() as f64))
    };
    first.iter().filter_map(mean).collect()
}

/// Draws a plot; nothing if it has no point.
fn figure(
    path: String,
    plot: &Plot,
    alt: String,
    caption: Text,
) -> Result<Option<Figure>, ReportError> {
    if plot.lines.iter().all(|line| line.points.is_empty()) {
        return Ok(None);
    }
    match curve::draw(plot) {
        Ok(drawing) => Ok(Some(Figure { path, picture: Picture::Svg(drawing), alt, caption })),
        Err(source) => Err(ReportError::Draw { figure: path, source }),
    }
}

/// Returns a name that every file system takes.
fn file_stem(name: &str) -> String {
    let safe = |character: char| {
        if character.is_ascii_alphanumeric() || character == '_' { character } else { '-' }
    };
    name.chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        scalar::{Epoch, Step},
        store::event::StepEvent,
    };

    fn step(step: u64, value: f64) -> Event {
        let scalars = [("loss".to_owned(), value)].into();
        Event::Step(StepEvent { step: Step(step), epoch: Epoch(0), scalars })
    }

    #[track_caller]
    fn check(actual: &Points, expected: &[(f64, f64)]) {
        assert_eq!(actual, expected);
    }

    #[test]
    fn consecutive_steps_are_averaged() {
        let events = [step(0, 1.0), step(1, 3.0), step(2, 5.0)];
        check(&binned(&events, "loss", 2), &[(0.5, 2.0), (2.0, 5.0)]);
        check(&binned(&events, "kl", 2), &[]);
    }

    #[test]
    fn a_mean_needs_every_run() {
        let (long, short) = (vec![(0.0, 1.0), (1.0, 2.0)], vec![(0.0, 3.0)]);
        check(&mean_of(&[&long, &short]), &[(0.0, 2.0)]);
        check(&mean_of(&[]), &[]);
    }
}
