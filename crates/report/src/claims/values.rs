//! The numbers of the runs that a claim is about.

use std::collections::BTreeMap;

use crate::input::{ReportInput, ReportRun};
use reprise_base::config::{
    claim::{ClaimTest, CostQuantity, Quantity, ScoreQuantity, TrendAxis},
    data::Split,
    protocol::EvaluationRequest,
};
use reprise_store::store::{
    event::{EvaluationEvent, Event, Score, Scores},
    record::Record,
};

/// The values of a comparison by seed, and the region of the claim.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MeasuredValues {
    pub(super) values: Vec<f64>,
    pub(super) region: [f64; 2],
    pub(super) scale: AverageScale,
    /// Whether the quantity is a count that no seed changes.
    pub(super) is_exact: bool,
}

/// What is averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AverageScale {
    Values,
    /// Natural logarithms, of ratios.
    Logarithms,
}

impl AverageScale {
    /// Returns an averaged value as it is shown.
    pub(super) fn shown(self, value: f64) -> f64 {
        match self {
            Self::Values => value,
            Self::Logarithms => value.exp(),
        }
    }

    /// Returns a difference of averaged values as it is shown: of ratios, by which share one exceeds the other.
    pub(super) fn shown_difference(self, difference: f64) -> f64 {
        match self {
            Self::Values => difference,
            Self::Logarithms => difference.exp_m1(),
        }
    }
}

/// Values by seed.
type SeedValues = BTreeMap<u64, f64>;

/// Measures the quantity of a test in all runs.
///
/// # Errors
/// If no seed has what the test compares; says which.
pub(super) fn measure(
    input: &ReportInput,
    test: &ClaimTest,
) -> Result<Vec<MeasuredValues>, String> {
    let Some(of) = test.quantity() else { return Ok(Vec::new()) };
    let arm = |label: &str| by_seed(input, label, &|run| value(input, run, of));
    let is_exact = matches!(of, Quantity::Cost(CostQuantity::Parameters));
    let one = |values: SeedValues, region: [f64; 2]| {
        let values: Vec<f64> = values.into_values().collect();
        vec![MeasuredValues { values, region, scale: AverageScale::Values, is_exact }]
    };
    let measured = match test {
        ClaimTest::NotRun(_) => Vec::new(),
        ClaimTest::Value { arm: label, is, .. } => one(arm(label), is.ends()),
        ClaimTest::Difference { arms: [left, right], is, .. } => {
            one(paired(&arm(left), &arm(right), |left, right| left - right), is.ends())
        }
        ClaimTest::Ratio { arms: [left, right], is, .. } => {
            let logarithm = |left: f64, right: f64| (left / right).ln();
            let mut ratios = paired(&arm(left), &arm(right), logarithm);
            ratios.retain(|_, value| value.is_finite());
            let values = ratios.into_values().collect();
            // The logarithm of a region that reaches below 0 begins at minus infinity.
            let region = is.ends().map(|end| if end > 0.0 { end.ln() } else { f64::NEG_INFINITY });
            vec![MeasuredValues { values, region, scale: AverageScale::Logarithms, is_exact }]
        }
        ClaimTest::Order { arms, by, .. } => {
            let sign = if higher_is_better(input, of) { 1.0 } else { -1.0 };
            let better = |left: f64, right: f64| sign * (left - right);
            let pairs = arms.windows(2).map(|pair| paired(&arm(&pair[0]), &arm(&pair[1]), better));
            pairs.flat_map(|pair| one(pair, [by.get(), f64::INFINITY])).collect()
        }
        ClaimTest::Trend { over, arm: label, is, .. } => {
            one(by_seed(input, label, &|run| slope(&points(run, of, *over)?)), is.ends())
        }
        ClaimTest::Interaction { arms, is, .. } => {
            let [first, second] = arms
                .each_ref()
                .map(|[left, right]| paired(&arm(left), &arm(right), |left, right| left - right));
            one(paired(&first, &second, |first, second| first - second), is.ends())
        }
    };
    if measured.iter().all(|it| !it.values.is_empty()) {
        return Ok(measured);
    }
    let has = |label: &str| {
        input.runs.iter().any(|run| run.entry.arm == label && run.completed().is_some())
    };
    Err(match test.arms().into_iter().find(|label| !has(label)) {
        Some(label) => format!("no run of the arm \u{201c}{label}\u{201d} has completed"),
        None => "the runs have no such quantity, or no seed in common".to_owned(),
    })
}

fn by_seed(input: &ReportInput, label: &str, of: &dyn Fn(&ReportRun) -> Option<f64>) -> SeedValues {
    let runs = input.runs.iter().filter(|run| run.entry.arm == label);
    runs.filter_map(|run| Some((run.entry.seed.0, of(run)?))).collect()
}

fn paired(left: &SeedValues, right: &SeedValues, of: impl Fn(f64, f64) -> f64) -> SeedValues {
    let shared = left.iter().filter_map(|(seed, left)| Some((*seed, of(*left, *right.get(seed)?))));
    shared.collect()
}

/// Returns the quantity of a completed run.
fn value(input: &ReportInput, run: &ReportRun, of: &Quantity) -> Option<f64> {
    let record = run.completed()?;
    match of {
        Quantity::Score(wanted) => {
            let score = score(scores(input, run, record, wanted)?, wanted)?;
            match wanted.frame {
                None => Some(score.mean),
                Some(frame) => score.by_frame.get(frame.len() - 1).copied(),
            }
        }
        Quantity::BestUntil { metric, epochs } => {
            let higher = record.metrics.get(metric)?.higher_is_better;
            let points = validation(run).filter(|event| event.epoch.0 < epochs.get());
            let values = points.filter_map(|event| Some(model(&event.scores, metric)?.mean));
            values.reduce(if higher { f64::max } else { f64::min })
        }
        Quantity::Series { name, epoch } => {
            let means = run.series_by_epoch(name);
            match epoch {
                None => means.last().map(|(_, mean)| *mean),
                Some(epoch) => {
                    let at = means.iter().find(|(at, _)| *at == epoch.get());
                    at.map(|(_, mean)| *mean)
                }
            }
        }
        Quantity::Cost(cost) => Some(self::cost(record, *cost)),
        Quantity::Minus(both) => Some(value(input, run, &both[0])? - value(input, run, &both[1])?),
    }
}

/// Returns the scores of the evaluation that is asked for.
fn scores<'a>(
    input: &ReportInput,
    run: &'a ReportRun,
    record: &'a Record,
    wanted: &ScoreQuantity,
) -> Option<&'a Scores> {
    let Some(name) = &wanted.evaluation else {
        return match wanted.split {
            Split::Train => None,
            Split::Validate => record.validation.as_ref(),
            Split::Test => record.test.as_ref(),
        };
    };
    let is_named = |request: &&EvaluationRequest| request.name() == name;
    let request = input.manifest.evaluations.iter().find(is_named)?;
    let protocol = request.resolve(&record.spec).ok()?;
    let evaluations = run.evaluations.iter();
    let found = evaluations.map(|it| &it.record).find(|it| it.protocol.alike(&protocol));
    found.map(|record| &record.scores)
}

fn score<'a>(scores: &'a Scores, wanted: &ScoreQuantity) -> Option<&'a Score> {
    scores.get(&wanted.predictor)?.get(&wanted.metric)
}

fn model<'a>(scores: &'a Scores, metric: &str) -> Option<&'a Score> {
    scores.get(crate::sweep_results::MODEL)?.get(metric)
}

fn validation(run: &ReportRun) -> impl Iterator<Item = &EvaluationEvent> {
    run.events().iter().filter_map(|event| match event {
        Event::Evaluation(event) if event.split == Split::Validate => Some(event),
        Event::Evaluation(_) | Event::Step(_) => None,
    })
}

fn cost(record: &Record, cost: CostQuantity) -> f64 {
    match cost {
        CostQuantity::SecondsPerUpdate => record.timing.active_seconds / record.updates() as f64,
        CostQuantity::PeakMemory => record.timing.peak_memory_bytes as f64,
        CostQuantity::Parameters => record.parameters as f64,
    }
}

/// Returns the values of a run along an axis.
fn points(run: &ReportRun, of: &Quantity, over: TrendAxis) -> Option<Vec<(f64, f64)>> {
    let record = run.completed()?;
    match (of, over) {
        (Quantity::Series { name, .. }, TrendAxis::Epochs) => {
            let means = run.series_by_epoch(name).into_iter();
            Some(means.map(|(epoch, mean)| (epoch as f64, mean)).collect())
        }
        (Quantity::Score(wanted), TrendAxis::Epochs) => {
            let point = |event: &EvaluationEvent| {
                Some(((event.epoch.0 + 1) as f64, score(&event.scores, wanted)?.mean))
            };
            Some(validation(run).filter_map(point).collect())
        }
        (Quantity::Score(wanted), TrendAxis::Frames) => {
            let scores = match wanted.split {
                Split::Train => None,
                Split::Validate => record.validation.as_ref(),
                Split::Test => record.test.as_ref(),
            };
            let frames = score(scores?, wanted)?.by_frame.iter();
            Some((1_u32..).map(f64::from).zip(frames.copied()).collect())
        }
        _ => None,
    }
}

/// Returns the slope of the least-squares line; none for less than two points.
fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x_mean, y_mean) = (mean(|point| point.0), mean(|point| point.1));
    let of = |(x, y): &(f64, f64)| (x - x_mean) * (y - y_mean);
    let covariance: f64 = points.iter().map(of).sum();
    let variance: f64 = points.iter().map(|(x, _)| (x - x_mean) * (x - x_mean)).sum();
    (variance > 0.0).then(|| covariance / variance)
}

/// Returns whether a larger value is better; of costs and series, a smaller one is.
fn higher_is_better(input: &ReportInput, of: &Quantity) -> bool {
    match of {
        Quantity::Score(ScoreQuantity { metric, .. }) | Quantity::BestUntil { metric, .. } => {
            let records = input.runs.iter().filter_map(ReportRun::record);
            let mut definitions = records.filter_map(|record| record.metrics.get(metric));
            definitions.next().is_some_and(|definition| definition.higher_is_better)
        }
        Quantity::Series { .. } | Quantity::Cost(_) => false,
        Quantity::Minus(both) => higher_is_better(input, &both[0]),
    }
}
