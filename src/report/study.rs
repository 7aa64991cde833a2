//! The records of a sweep arranged for comparison: arms, metrics, baselines, scores.

use std::collections::{BTreeMap, BTreeSet};

use polars::error::PolarsResult;

use super::{
    ReportInput, ReportRun, RunState,
    frame::{Observation, ScoreFrame, Summary},
    number::decimals,
};
use crate::{
    data::Split,
    stats::paired::{PairedDifference, compare},
    store::{
        event::{Event, Scores},
        record::{MetricDefinition, Outcome, Record},
    },
    vocabulary::{MetricName, Predictor},
};

/// The predictor that a run trains; every other one is a baseline.
pub(super) const MODEL: &str = Predictor::Model.as_str();

/// The baseline that hands out real videos: a bound, which nothing need beat.
pub(super) const BOUND: &str = Predictor::RealVideos.as_str();

/// A sweep's records, arranged.
#[derive(Debug)]
pub(super) struct Study<'a> {
    /// Where everything comes from.
    pub(super) input: &'a ReportInput,
    /// The arms in the manifest's order.
    pub(super) arms: Vec<Arm<'a>>,
    /// The metrics in reading order.
    pub(super) metrics: Vec<Metric>,
    /// The baselines by name.
    pub(super) baselines: Vec<String>,
    /// All scores, means over predicted frames.
    pub(super) scores: ScoreFrame,
    /// All scores by predicted frame.
    pub(super) scores_by_frame: ScoreFrame,
    observations: Vec<Observation>,
    summaries: Vec<Summary>,
}

/// An arm with its runs.
#[derive(Debug)]
pub(super) struct Arm<'a> {
    /// Its label.
    pub(super) label: &'a str,
    /// Its place among the arms, which decides its colour.
    pub(super) position: usize,
    /// Its runs, seeds ascending.
    pub(super) runs: Vec<&'a ReportRun>,
}

/// A metric under one definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Metric {
    /// Its name, with `#2` and so on where records define one name differently.
    pub(super) key: String,
    /// Its name in the records.
    pub(super) name: String,
    /// What it means.
    pub(super) definition: MetricDefinition,
}

impl Metric {
    /// Returns the label with its unit, e.g. `PSNR (dB)`.
    pub(super) fn heading(&self) -> String {
        labelled(&self.label(), &self.definition.unit)
    }

    /// Returns the label, marked where definitions differ.
    pub(super) fn label(&self) -> String {
        match self.key.split_once('#') {
            Some((_, variant)) => format!("{} (definition {variant})", self.definition.label),
            None => self.definition.label.clone(),
        }
    }
}

/// Returns a label with its unit in brackets.
pub(super) fn labelled(label: &str, unit: &str) -> String {
    if unit.is_empty() { label.to_owned() } else { format!("{label} ({unit})") }
}

impl ReportRun {
    /// Returns the record, if there is one.
    pub(super) fn record(&self) -> Option<&Record> {
        match &self.state {
            RunState::Finished { record, events: _ } => Some(record),
            RunState::Unfinished { what: _ } => None,
        }
    }

    /// Returns the record if all steps were taken.
    pub(super) fn completed(&self) -> Option<&Record> {
        self.record().filter(|record| record.outcome == Outcome::Completed)
    }

    /// Returns the journal of a finished run.
    pub(super) fn events(&self) -> &[Event] {
        match &self.state {
            RunState::Finished { record: _, events } => events,
            RunState::Unfinished { what: _ } => &[],
        }
    }
}

impl Arm<'_> {
    /// Returns how many runs completed.
    pub(super) fn completed(&self) -> usize {
        self.runs.iter().filter(|run| run.completed().is_some()).count()
    }

    /// Returns how many runs diverged.
    pub(super) fn diverged(&self) -> usize {
        self.runs.iter().filter(|run| run.record().is_some()).count() - self.completed()
    }

    /// Returns how many runs have no record.
    pub(super) fn unfinished(&self) -> usize {
        self.runs.iter().filter(|run| run.record().is_none()).count()
    }
}

impl<'a> Study<'a> {
    /// Arranges the records of `input`.
    pub(super) fn new(input: &'a ReportInput) -> PolarsResult<Self> {
        let mut arms: Vec<Arm<'a>> = Vec::new();
        for run in &input.runs {
            let label = run.entry.arm.as_str();
            match arms.iter_mut().find(|arm| arm.label == label) {
                Some(arm) => arm.runs.push(run),
                None => arms.push(Arm { label, position: arms.len(), runs: vec![run] }),
            }
        }
        let metrics = metrics(&input.runs);
        let (observations, by_frame) = observe(&input.runs, &metrics);
        let baselines: BTreeSet<&str> = observations
            .iter()
            .map(|row| row.predictor.as_str())
            .filter(|predictor| *predictor != MODEL)
            .collect();
        let scores = ScoreFrame::new(&observations)?;
        Ok(Self {
            input,
            arms,
            metrics,
            baselines: baselines.into_iter().map(str::to_owned).collect(),
            scores_by_frame: ScoreFrame::new(&by_frame)?,
            summaries: scores.summarize()?,
            scores,
            observations,
        })
    }

    /// Returns the records of all completed and diverged runs in the manifest's order.
    pub(super) fn records(&self) -> impl Iterator<Item = &'a Record> + use<'a> {
        self.input.runs.iter().filter_map(ReportRun::record)
    }

    /// Returns the metric that verdicts are about: the first one that was scored on test.
    pub(super) fn primary(&self) -> Option<&Metric> {
        self.metrics.iter().find(|metric| self.is_scored(Split::Test, metric))
    }

    /// Returns the metric by which the runs chose their checkpoints.
    pub(super) fn choosing(&self) -> Option<&Metric> {
        let record = self.records().find(|record| record.best.is_some())?;
        let name = &record.best.as_ref()?.metric;
        let definition = record.metrics.get(name)?;
        self.metrics.iter().find(|it| it.name == *name && it.definition == *definition)
    }

    /// Returns whether any completed run has a score of this metric.
    pub(super) fn is_scored(&self, split: Split, metric: &Metric) -> bool {
        self.summaries.iter().any(|row| row.split == split.name() && row.metric == metric.key)
    }

    /// Returns mean and spread of a predictor over the completed runs of an arm.
    pub(super) fn summary(
        &self,
        arm: &Arm<'_>,
        predictor: &str,
        split: Split,
        metric: &Metric,
    ) -> Option<&Summary> {
        self.summaries.iter().find(|row| {
            row.arm == arm.label
                && row.predictor == predictor
                && row.split == split.name()
                && row.metric == metric.key
        })
    }

    /// Returns how many decimals a metric is shown with: as many as its largest mean needs.
    pub(super) fn decimals(&self, split: Split, metric: &Metric) -> usize {
        let rows = self.summaries.iter();
        let rows = rows.filter(|row| row.split == split.name() && row.metric == metric.key);
        decimals(rows.map(|row| row.mean))
    }

    /// Returns the scores of an arm's completed runs by seed.
    pub(super) fn by_seed(
        &self,
        arm: &Arm<'_>,
        predictor: &str,
        split: Split,
        metric: &Metric,
    ) -> BTreeMap<u32, f64> {
        self.observations
            .iter()
            .filter(|row| row.arm == arm.label && row.predictor == predictor)
            .filter(|row| row.split == split.name() && row.metric == metric.key)
            .filter(|row| row.outcome == COMPLETED && row.value.is_finite())
            .map(|row| (row.seed, row.value))
            .collect()
    }

    /// Returns the difference `left` − `right` of the models of two arms over the seeds they share.
    pub(super) fn between(
        &self,
        left: &Arm<'_>,
        right: &Arm<'_>,
        split: Split,
        metric: &Metric,
    ) -> Option<PairedDifference> {
        paired(
            &self.by_seed(left, MODEL, split, metric),
            &self.by_seed(right, MODEL, split, metric),
        )
    }

    /// Returns the difference model − `baseline` over the seeds of an arm.
    pub(super) fn against(
        &self,
        arm: &Arm<'_>,
        baseline: &str,
        split: Split,
        metric: &Metric,
    ) -> Option<PairedDifference> {
        paired(
            &self.by_seed(arm, MODEL, split, metric),
            &self.by_seed(arm, baseline, split, metric),
        )
    }
}

/// How the table spells a completed run.
const COMPLETED: &str = "completed";

/// Compares two arms over the seeds that both have.
fn paired(left: &BTreeMap<u32, f64>, right: &BTreeMap<u32, f64>) -> Option<PairedDifference> {
    let shared = left.iter().filter_map(|(seed, value)| Some((value, right.get(seed)?)));
    let (left, right): (Vec<f64>, Vec<f64>) = shared.unzip();
    compare(&left, &right)
}

/// Lists the metrics of all records; a name that records define differently gives several metrics.
fn metrics(runs: &[ReportRun]) -> Vec<Metric> {
    let mut definitions: BTreeMap<&str, Vec<&MetricDefinition>> = BTreeMap::new();
    for record in runs.iter().filter_map(ReportRun::record) {
        for (name, definition) in &record.metrics {
            let known = definitions.entry(name).or_default();
            if !known.contains(&definition) {
                known.push(definition);
            }
        }
    }
    let mut metrics: Vec<Metric> = definitions
        .into_iter()
        .flat_map(|(name, known)| {
            known.into_iter().enumerate().map(move |(variant, definition)| Metric {
                key: if variant == 0 { name.to_owned() } else { format!("{name}#{}", variant + 1) },
                name: name.to_owned(),
                definition: definition.clone(),
            })
        })
        .collect();
    metrics.sort_by_key(|metric| MetricName::rank(&metric.name));
    metrics
}

/// Lists all scores of all records: means over predicted frames, then single frames.
fn observe(runs: &[ReportRun], metrics: &[Metric]) -> (Vec<Observation>, Vec<Observation>) {
    let mut means = Vec::new();
    let mut by_frame = Vec::new();
    for run in runs {
        let Some(record) = run.record() else { continue };
        let splits = [(Split::Validate, &record.validation), (Split::Test, &record.test)];
        for (split, scores) in splits {
            for (predictor, metric, score) in flatten(scores.as_ref()) {
                let definition = record.metrics.get(metric);
                let Some(known) = metrics
                    .iter()
                    .find(|known| known.name == metric && Some(&known.definition) == definition)
                else {
                    continue;
                };
                let observation = |frame, value| Observation {
                    arm: run.entry.arm.clone(),
                    seed: run.entry.seed.0,
                    run: run.entry.run.to_string(),
                    outcome: match record.outcome {
                        Outcome::Completed => COMPLETED,
                        Outcome::Diverged { .. } => "diverged",
                    },
                    predictor: predictor.to_owned(),
                    split: split.name(),
                    metric: known.key.clone(),
                    frame,
                    value,
                };
                means.push(observation(None, score.mean));
                let frames = (1..).zip(&score.by_frame);
                by_frame.extend(frames.map(|(frame, value)| observation(Some(frame), *value)));
            }
        }
    }
    (means, by_frame)
}

/// Lists predictor, metric and score of `scores`.
fn flatten(
    scores: Option<&Scores>,
) -> impl Iterator<Item = (&str, &str, &crate::store::event::Score)> {
    scores.into_iter().flatten().flat_map(|(predictor, metrics)| {
        metrics.iter().map(move |(metric, score)| (predictor.as_str(), metric.as_str(), score))
    })
}
