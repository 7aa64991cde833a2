//! The records of a sweep arranged for comparison: arms, metrics, baselines, scores, curves.

use std::collections::{BTreeMap, BTreeSet};

use polars::error::PolarsResult;

use super::{
    input::{ReportInput, ReportRun},
    number::decimals,
    paired::by_seed,
    protocols::ProtocolResults,
    reported::{ReportedMetric, flatten, metrics},
    run_curves::{Curves, Points},
    scores::{Observation, ScoreFrame, ScoreGroup},
};
use reprise_base::{
    scalar::Seed,
    stats::{
        paired::PairedDifference,
        summary::{Summary, summarize},
    },
    vocabulary::Predictor,
};
use reprise_data::Split;
use reprise_store::store::{event::Event, record::Record};

/// The predictor that a run trains; every other predictor is a baseline.
pub(super) const MODEL: &str = Predictor::Model.as_str();

/// The baseline that returns real videos: an upper bound, not a competitor.
pub(super) const UPPER_BOUND: &str = Predictor::RealVideos.as_str();

/// A curve by step has at most this many points.
const POINTS_MAX: u64 = 120;

/// A sweep's records, arranged.
#[derive(Debug)]
pub(super) struct SweepResults<'a> {
    pub(super) input: &'a ReportInput,
    /// In the manifest's order.
    pub(super) arms: Vec<ArmResults<'a>>,
    /// In reading order.
    pub(super) metrics: Vec<ReportedMetric>,
    /// By name.
    pub(super) baselines: Vec<String>,
    /// Consecutive steps that are averaged into one point of a curve by step.
    pub(super) steps_per_point: u64,
    /// Scores of the chosen checkpoint, means over predicted frames.
    pub(super) scores: ScoreFrame,
    /// The same scores by predicted frame.
    pub(super) by_frame: Curves,
    /// Validation scores by epochs trained.
    pub(super) by_epoch: Curves,
    /// Training series by step.
    pub(super) by_step: Curves,
    /// Evaluations besides the test, by protocol.
    pub(super) protocols: Vec<ProtocolResults<'a>>,
    /// Scores of completed runs by [`ARM_KEYS`], with their summaries.
    groups: Vec<(ScoreGroup<4>, Summary)>,
}

/// Values of a score over the seeds of an arm agree in these columns.
const ARM_KEYS: [&str; 4] = ["arm", "predictor", "split", "metric"];

/// An arm with its runs.
#[derive(Debug)]
pub(super) struct ArmResults<'a> {
    pub(super) label: &'a str,
    /// Its position among the arms, which decides its colour.
    pub(super) position: usize,
    /// Seeds ascending.
    pub(super) runs: Vec<&'a ReportRun>,
}

impl ArmResults<'_> {
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

impl<'a> SweepResults<'a> {
    /// Arranges the records of `input`.
    pub(super) fn new(input: &'a ReportInput) -> PolarsResult<Self> {
        let mut arms: Vec<ArmResults<'a>> = Vec::new();
        for run in &input.runs {
            let label = run.entry.arm.as_str();
            match arms.iter_mut().find(|arm| arm.label == label) {
                Some(arm) => arm.runs.push(run),
                None => arms.push(ArmResults { label, position: arms.len(), runs: vec![run] }),
            }
        }
        let metrics = metrics(&input.runs);
        let protocols = ProtocolResults::of_sweep(input, &metrics)?;
        let steps_per_point = steps_per_point(&input.runs);
        let Observations { means, by_frame, by_epoch, by_step } =
            observe(&input.runs, &metrics, steps_per_point);
        let baselines: BTreeSet<&str> =
            means.iter().map(|row| row.predictor).filter(|predictor| *predictor != MODEL).collect();
        let baselines = baselines.into_iter().map(str::to_owned).collect();

        let scores = ScoreFrame::new(&means, None)?;
        let groups = scores.completed()?.grouped(ARM_KEYS)?.into_iter();
        let groups = groups.filter_map(|group| {
            let summary = summarize(&group.values())?;
            Some((group, summary))
        });
        Ok(Self {
            groups: groups.collect(),
            scores,
            by_frame: Curves::new(&by_frame, "frame")?,
            by_epoch: Curves::new(&by_epoch, "epoch")?,
            by_step: Curves::new(&by_step, "step")?,
            protocols,
            input,
            arms,
            baselines,
            steps_per_point,
            metrics,
        })
    }

    /// Returns the records of all completed and diverged runs in the manifest's order.
    pub(super) fn records(&self) -> impl Iterator<Item = &'a Record> + use<'a> {
        self.input.runs.iter().filter_map(ReportRun::record)
    }

    /// Returns the metric of the findings: the first one with a test score.
    pub(super) fn primary(&self) -> Option<&ReportedMetric> {
        self.metrics.iter().find(|metric| self.is_scored(Split::Test, metric))
    }

    /// Returns the metric by which the runs chose their checkpoints.
    pub(super) fn choosing(&self) -> Option<&ReportedMetric> {
        let record = self.records().find(|record| record.best.is_some())?;
        let name = &record.best.as_ref()?.metric;
        let definition = record.metrics.get(name)?;
        self.metrics.iter().find(|it| it.name == *name && it.definition == *definition)
    }

    /// Returns whether any completed run has a score of this metric.
    pub(super) fn is_scored(&self, split: Split, metric: &ReportedMetric) -> bool {
        self.summaries(split, metric).next().is_some()
    }

    /// Returns mean and spread of a predictor over the completed runs of an arm.
    pub(super) fn summary(
        &self,
        arm: &ArmResults<'_>,
        predictor: &str,
        split: Split,
        metric: &ReportedMetric,
    ) -> Option<&Summary> {
        self.group(arm, predictor, split, metric).map(|(_, summary)| summary)
    }

    /// Returns how many decimals the largest mean of a metric needs.
    pub(super) fn decimals(&self, split: Split, metric: &ReportedMetric) -> usize {
        decimals(self.summaries(split, metric).map(|summary| summary.mean))
    }

    /// Returns the scores of an arm's completed runs by seed.
    pub(super) fn by_seed(
        &self,
        arm: &ArmResults<'_>,
        predictor: &str,
        split: Split,
        metric: &ReportedMetric,
    ) -> BTreeMap<u64, f64> {
        self.group(arm, predictor, split, metric).map_or_else(BTreeMap::new, |(group, _)| {
            group.seeds.iter().copied().zip(group.values()).collect()
        })
    }

    /// Returns the difference `left` − `right` of the models of two arms over the seeds they share.
    pub(super) fn between(
        &self,
        left: &ArmResults<'_>,
        right: &ArmResults<'_>,
        split: Split,
        metric: &ReportedMetric,
    ) -> Option<PairedDifference> {
        by_seed(
            &self.by_seed(left, MODEL, split, metric),
            &self.by_seed(right, MODEL, split, metric),
        )
    }

    /// Returns the difference model − `baseline` over the seeds of an arm.
    pub(super) fn against(
        &self,
        arm: &ArmResults<'_>,
        baseline: &str,
        split: Split,
        metric: &ReportedMetric,
    ) -> Option<PairedDifference> {
        by_seed(
            &self.by_seed(arm, MODEL, split, metric),
            &self.by_seed(arm, baseline, split, metric),
        )
    }

    /// Returns the smallest seed for which the most arms have `what`, with these arms.
    pub(super) fn smallest_seed_with<T>(
        &'a self,
        what: impl Fn(&'a ReportRun) -> Option<T>,
    ) -> Option<(u64, Vec<(&'a ArmResults<'a>, T)>)> {
        let with_seed = |seed: Seed| -> Vec<(&ArmResults<'_>, T)> {
            let arms = self.arms.iter();
            arms.filter_map(|arm| {
                let run = arm.runs.iter().find(|run| run.entry.seed == seed)?;
                Some((arm, what(run)?))
            })
            .collect()
        };
        let seeds = self.input.runs.iter().map(|run| run.entry.seed);
        let best = seeds.max_by_key(|seed| (with_seed(*seed).len(), std::cmp::Reverse(*seed)))?;
        let arms = with_seed(best);
        (!arms.is_empty()).then_some((best.0, arms))
    }

    fn group(
        &self,
        arm: &ArmResults<'_>,
        predictor: &str,
        split: Split,
        metric: &ReportedMetric,
    ) -> Option<&(ScoreGroup<4>, Summary)> {
        let keys = [arm.label, predictor, split.name(), &metric.key];
        self.groups.iter().find(|(group, _)| group.keys == keys)
    }

    /// Returns the summaries of all arms and predictors.
    fn summaries(&self, split: Split, metric: &ReportedMetric) -> impl Iterator<Item = &Summary> {
        let keys = [split.name(), &metric.key];
        let groups = self.groups.iter();
        groups.filter(move |(group, _)| group.keys[2..] == keys).map(|(_, summary)| summary)
    }
}

/// Returns how many consecutive steps make a point, the same for all runs.
fn steps_per_point(runs: &[ReportRun]) -> u64 {
    let steps = runs.iter().flat_map(ReportRun::events).filter_map(|event| match event {
        Event::Step(step) => Some(step.step.0 + 1),
        Event::Evaluation(_) => None,
    });
    steps.max().unwrap_or(1).div_ceil(POINTS_MAX).max(1)
}

/// The rows of all frames.
#[derive(Default)]
struct Observations<'a> {
    means: Vec<Observation<'a>>,
    by_frame: Vec<Observation<'a>>,
    by_epoch: Vec<Observation<'a>>,
    by_step: Vec<Observation<'a>>,
}

/// Lists all scores and series of all finished runs.
fn observe<'a>(
    runs: &'a [ReportRun],
    metrics: &'a [ReportedMetric],
    steps_per_point: u64,
) -> Observations<'a> {
    let mut all = Observations::default();
    for run in runs {
        let Some(record) = run.record() else { continue };
        let row = Observation {
            arm: &run.entry.arm,
            seed: run.entry.seed.0,
            run: run.entry.run.as_str(),
            outcome: record.outcome.name(),
            predictor: MODEL,
            split: Split::Train.name(),
            metric: "",
            x: 0.0,
            value: f64::NAN,
        };
        let key = |name: &str| {
            let definition = record.metrics.get(name)?;
            let mut known = metrics.iter();
            known.find(|it| it.name == name && it.definition == *definition).map(|it| &*it.key)
        };
        let splits = [(Split::Validate, &record.validation), (Split::Test, &record.test)];
        for (split, scores) in splits {
            for (predictor, name, score) in scores.iter().flat_map(flatten) {
                let Some(metric) = key(name) else { continue };
                let row = Observation { predictor, split: split.name(), metric, ..row.clone() };
                all.means.push(Observation { value: score.mean, ..row.clone() });
                let frames = (1_u32..).map(f64::from).zip(&score.by_frame);
                let by_frame = frames.map(|(x, &value)| Observation { x, value, ..row.clone() });
                all.by_frame.extend(by_frame);
            }
        }
        for event in run.events() {
            let Event::Evaluation(evaluation) = event else { continue };
            for (predictor, name, score) in flatten(&evaluation.scores) {
                let Some(metric) = key(name) else { continue };
                // Epochs are counted from 0; the curve shows how many have passed.
                let x = (evaluation.epoch.0 + 1) as f64;
                let split = evaluation.split.name();
                all.by_epoch.push(Observation {
                    predictor,
                    split,
                    metric,
                    x,
                    value: score.mean,
                    ..row.clone()
                });
            }
        }
        for metric in record.series.keys() {
            let points = binned(run.events(), metric, steps_per_point).into_iter();
            all.by_step.extend(points.map(|(x, value)| Observation {
                metric,
                x,
                value,
                ..row.clone()
            }));
        }
    }
    all
}

/// Averages the finite values of a series over every `bin` consecutive steps.
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

#[cfg(test)]
mod tests {
    use super::*;
    use reprise_base::scalar::{Epoch, Step};
    use reprise_store::store::event::StepEvent;

    fn step(step: u64, value: f64) -> Event {
        let scalars = [("loss".to_owned(), value)].into();
        Event::Step(StepEvent { step: Step(step), epoch: Epoch(0), scalars })
    }

    #[test]
    fn consecutive_steps_are_averaged() {
        let events = [step(0, 1.0), step(1, 3.0), step(2, 5.0)];
        assert_eq!(binned(&events, "loss", 2), [(0.5, 2.0), (2.0, 5.0)]);
        assert_eq!(binned(&events, "kl", 2), []);
    }
}
