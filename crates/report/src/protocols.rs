//! Evaluations of a sweep by protocol: scores of unlike protocols, or on other data, never meet in a table.

use std::collections::BTreeMap;

use polars::error::PolarsResult;

use super::{
    input::{ReportEvaluation, ReportInput, ReportRun},
    reported::{ReportedMetric, flatten},
    run_curves::Curves,
    samples::Samples,
    scores::{Observation, ScoreFrame, ScoreGroup},
};
use reprise_base::{
    config::protocol::{EvaluationRequest, Protocol},
    stats::summary::{Summary, summarize},
};
use reprise_store::store::record::{DataRecord, Outcome};

/// Values of a score over the seeds of an arm agree in these columns.
const ARM_KEYS: [&str; 3] = ["arm", "predictor", "metric"];

/// The evaluations of alike protocols on the same data.
#[derive(Debug)]
pub(super) struct ProtocolResults<'a> {
    /// Its name in the sweep file, or a description.
    pub(super) name: String,
    /// For file names; unique in the report.
    pub(super) slug: String,
    pub(super) protocol: Protocol,
    pub(super) data: &'a DataRecord,
    /// One per run, in the order of the runs.
    pub(super) runs: Vec<(&'a ReportRun, &'a ReportEvaluation)>,
    pub(super) means: ScoreFrame,
    pub(super) by_frame: Curves,
    pub(super) by_sequence: ScoreFrame,
    groups: Vec<(ScoreGroup<3>, Summary)>,
}

impl<'a> ProtocolResults<'a> {
    /// Groups the evaluations of all runs; those that the sweep file names come first, in its order.
    pub(super) fn of_sweep(
        input: &'a ReportInput,
        metrics: &[ReportedMetric],
    ) -> PolarsResult<Vec<Self>> {
        let mut found: Vec<(String, Vec<(&ReportRun, &ReportEvaluation)>)> = Vec::new();
        for run in input.runs.iter().filter(|run| run.completed().is_some()) {
            for evaluation in &run.evaluations {
                let alike = |(_, known): &&mut (String, Vec<(&ReportRun, &ReportEvaluation)>)| {
                    let of = &known[0].1.record;
                    of.protocol.alike(&evaluation.record.protocol)
                        && of.data.pack_sha256 == evaluation.record.data.pack_sha256
                };
                match found.iter_mut().find(alike) {
                    Some((_, known))
                        if known.last().is_some_and(|(it, _)| it.entry != run.entry) =>
                    {
                        known.push((run, evaluation));
                    }
                    // Of a run that was evaluated with several seeds, the first is shown.
                    Some(_) => {}
                    None => {
                        let name = name_of(input, run, evaluation);
                        found.push((name, vec![(run, evaluation)]));
                    }
                }
            }
        }
        let order = |name: &str| {
            let named = input.manifest.evaluations.iter();
            named.map(EvaluationRequest::title).position(|it| it == name).unwrap_or(usize::MAX)
        };
        found.sort_by_key(|(name, _)| order(name));
        let number = |(index, (name, runs))| Self::new(index, name, runs, metrics);
        found.into_iter().enumerate().map(number).collect()
    }

    fn new(
        index: usize,
        name: String,
        runs: Vec<(&'a ReportRun, &'a ReportEvaluation)>,
        metrics: &[ReportedMetric],
    ) -> PolarsResult<Self> {
        let (mut means, mut by_frame, mut by_sequence) = (Vec::new(), Vec::new(), Vec::new());
        for (run, ReportEvaluation { record, .. }) in &runs {
            for (predictor, metric, score) in flatten(&record.scores) {
                let definition = record.metrics.get(metric);
                let known = metrics.iter().find(|it| {
                    it.name == metric && definition.is_some_and(|known| it.definition == *known)
                });
                let Some(metric) = known else { continue };
                let row = Observation {
                    arm: &run.entry.arm,
                    seed: run.entry.seed.0,
                    run: run.entry.run.as_str(),
                    outcome: Outcome::Completed.name(),
                    predictor,
                    split: record.protocol.split.name(),
                    metric: &metric.key,
                    x: 0.0,
                    value: score.mean,
                };
                let curve = |values: &[f64]| -> Vec<Observation<'_>> {
                    let points = (1_u32..).map(f64::from).zip(values);
                    points.map(|(x, &value)| Observation { x, value, ..row.clone() }).collect()
                };
                by_frame.extend(curve(&score.by_frame));
                by_sequence.extend(curve(&score.by_sequence));
                means.push(row);
            }
        }
        let means = ScoreFrame::new(&means, None)?;
        let groups = means.grouped(ARM_KEYS)?.into_iter();
        let groups = groups.filter_map(|group| {
            let summary = summarize(&group.values())?;
            Some((group, summary))
        });
        let record = &runs[0].1.record;
        let words: Vec<&str> = name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        Ok(Self {
            slug: format!("{}_{}", index + 1, words.join("_")),
            name,
            protocol: record.protocol,
            data: &record.data,
            groups: groups.collect(),
            means,
            by_frame: Curves::new(&by_frame, "frame")?,
            by_sequence: ScoreFrame::new(&by_sequence, Some("sequence"))?,
            runs,
        })
    }

    /// Returns mean and spread of a predictor over the runs of an arm.
    pub(super) fn summary(
        &self,
        arm: &str,
        predictor: &str,
        metric: &ReportedMetric,
    ) -> Option<&Summary> {
        let keys = [arm, predictor, metric.key.as_str()];
        self.groups.iter().find(|(group, _)| group.keys == keys).map(|(_, summary)| summary)
    }

    /// Returns the summaries of a metric over all arms and predictors.
    pub(super) fn summaries(&self, metric: &ReportedMetric) -> impl Iterator<Item = &Summary> {
        let key = metric.key.clone();
        let of_metric = move |(group, _): &&(ScoreGroup<3>, Summary)| group.keys[2] == key;
        self.groups.iter().filter(of_metric).map(|(_, summary)| summary)
    }

    /// Returns the names of all predictors.
    pub(super) fn predictors(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (group, _) in &self.groups {
            if !names.contains(&group.keys[1].as_str()) {
                names.push(&group.keys[1]);
            }
        }
        names
    }

    /// Returns a predictor's score of every sequence, averaged over the seeds that both arms have: of the first arm
    /// minus the second.
    pub(super) fn sequence_differences(
        &self,
        arms: [&str; 2],
        predictor: &str,
        metric: &ReportedMetric,
    ) -> Vec<f64> {
        let scores = |arm: &str, seed: u64| {
            let of = |(run, _): &&(&ReportRun, &ReportEvaluation)| {
                run.entry.arm == arm && run.entry.seed.0 == seed
            };
            let (_, evaluation) = self.runs.iter().find(of)?;
            Some(&evaluation.record.scores.get(predictor)?.get(&metric.name)?.by_sequence)
        };
        let seeds = self.runs.iter().filter(|(run, _)| run.entry.arm == arms[0]);
        let pairs: Vec<[&Vec<f64>; 2]> = seeds
            .filter_map(|(run, _)| {
                let seed = run.entry.seed.0;
                Some([scores(arms[0], seed)?, scores(arms[1], seed)?])
            })
            .filter(|[left, right]| left.len() == right.len())
            .collect();
        let Some([first, _]) = pairs.first() else { return Vec::new() };
        let difference = |sequence: usize| {
            let sum: f64 = pairs.iter().map(|[left, right]| left[sequence] - right[sequence]).sum();
            sum / pairs.len() as f64
        };
        (0..first.len()).map(difference).collect()
    }

    /// Returns what the first run of an arm with pictures stored.
    pub(super) fn pictured(&self, arm: &str) -> Option<&'a Samples> {
        let of_arm = self.runs.iter().filter(|(run, _)| run.entry.arm == arm);
        let mut samples = of_arm.map(|(_, evaluation)| &evaluation.samples);
        samples.find(|samples| samples.rollouts.is_some())
    }

    /// Returns the means of a predictor by seed over the runs of an arm.
    pub(super) fn by_seed(
        &self,
        arm: &str,
        predictor: &str,
        metric: &ReportedMetric,
    ) -> BTreeMap<u64, f64> {
        let keys = [arm, predictor, metric.key.as_str()];
        let group = self.groups.iter().find(|(group, _)| group.keys == keys);
        group.map_or_else(BTreeMap::new, |(group, _)| {
            group.seeds.iter().copied().zip(group.values()).collect()
        })
    }
}

/// Returns the name that the sweep file gives to an evaluation of a run.
fn name_of(input: &ReportInput, run: &ReportRun, evaluation: &ReportEvaluation) -> String {
    let spec = run.record().map(|record| &record.spec);
    let is_asked = |asked: &Protocol| asked.alike(&evaluation.record.protocol);
    let named = input.manifest.evaluations.iter().find(|request| {
        let same_data = request.dataset.is_some()
            || run
                .record()
                .is_some_and(|it| it.data.pack_sha256 == evaluation.record.data.pack_sha256);
        let resolved = spec.and_then(|spec| request.resolve(spec).ok());
        same_data && resolved.as_ref().is_some_and(is_asked)
    });
    named.map_or_else(|| "by hand".to_owned(), EvaluationRequest::title)
}
