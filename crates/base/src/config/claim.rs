//! Claims of a source, and the tests that decide them.
//!
//! A claim is a sentence of a paper or a document with a test: a quantity of the runs and the region in which it lies if
//! the claim is true. How a verdict comes from the seeds is in docs/claims.md.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::data::Split;
use crate::{
    scalar::{Count, NonNegative},
    text::closest,
    vocabulary::{MetricName, Predictor, SeriesName},
};

/// A claim of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Name of the claim, unique in the sweep, for example `1-c`.
    pub id: String,
    /// What the source says: one sentence in our words.
    pub says: String,
    /// Paper and section, or document and section.
    pub source: String,
    /// What is tested.
    pub test: ClaimTest,
    /// Settings of the source's experiment, by key, for example `"training.epochs" = 200`. Where runs have other values,
    /// a claim about a value gets no verdict, and every other claim gets one at the scale of the runs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// What is tested: a quantity, and the region in which it lies if the claim is true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClaimTest {
    /// Nothing: says what is missing.
    NotRun(String),
    /// The mean over the seeds of an arm.
    Value {
        /// The quantity.
        of: Quantity,
        arm: String,
        is: Region,
    },
    /// The first arm minus the second, paired by seed.
    Difference { of: Quantity, arms: [String; 2], is: Region },
    /// The first arm divided by the second, paired by seed: the geometric mean of the ratios. Only for quantities above
    /// 0.
    Ratio { of: Quantity, arms: [String; 2], is: Region },
    /// Every arm minus the next one, paired by seed.
    Order {
        of: Quantity,
        /// The best first.
        arms: Vec<String>,
        /// By how much each arm must be better than the next one.
        by: NonNegative,
    },
    /// The slope of a line through the values of a run, per epoch or frame.
    Trend { of: Quantity, over: TrendAxis, arm: String, is: Region },
    /// The difference of the first two arms minus the difference of the last two, paired by seed.
    Interaction { of: Quantity, arms: [[String; 2]; 2], is: Region },
}

/// The axis of a trend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrendAxis {
    /// Epochs trained: validation scores, or means of a training series.
    Epochs,
    /// Predicted frames: scores.
    Frames,
}

/// A number that every run has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Quantity {
    /// A score of the best checkpoint.
    Score(ScoreQuantity),
    /// The best validation score up to an epoch.
    BestUntil {
        metric: String,
        /// Epochs trained.
        epochs: Count,
    },
    /// The mean of a series of the training over its last epoch, or over another one.
    Series {
        name: String,
        /// The first is 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Count")]
        epoch: Option<Count>,
    },
    /// What a run costs.
    Cost(CostQuantity),
    /// The first quantity minus the second, of the same run.
    Minus(#[schemars(with = "[serde_json::Value; 2]")] Box<[Quantity; 2]>),
}

/// A score of the best checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoreQuantity {
    pub metric: String,
    /// The split of the run's own evaluation.
    #[serde(default = "test_split")]
    pub split: Split,
    /// Name of an evaluation of the sweep, in place of the test that ends training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub evaluation: Option<String>,
    /// What predicts: `model`, one of its samples such as `best_by_psnr`, or a baseline such as `copy_last_frame`.
    #[serde(default = "model")]
    pub predictor: String,
    /// A single predicted frame; the first is 1. Otherwise the mean over all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Count")]
    pub frame: Option<Count>,
}

const fn test_split() -> Split {
    Split::Test
}

fn model() -> String {
    Predictor::Model.as_str().to_owned()
}

/// What a run costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CostQuantity {
    /// Seconds per update, evaluations included.
    SecondsPerUpdate,
    /// Largest resident memory of the process in bytes.
    PeakMemory,
    /// Trained parameters.
    Parameters,
}

/// Where a quantity lies if a claim is true. Both ends are outside.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Region {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    pub above: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    pub below: Option<f64>,
}

/// What is wrong with a claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimProblem {
    #[error("must have one line of text")]
    NotALine { key: &'static str },
    #[error("there is no {what} `{name}`")]
    Unknown { what: &'static str, name: String, known: Vec<String> },
    #[error("needs `above` or `below`, finite, and `above` the smaller one")]
    Region,
    #[error("needs at least two arms")]
    Order,
    #[error("a trend over frames needs a score")]
    FramesWithoutScore,
    #[error(
        "a trend has values of its own: leave out `frame` and `epoch`, and use a score or a series"
    )]
    NoTrend,
}

/// What the claims of a sweep may name.
#[derive(Clone, Copy, Debug)]
pub struct ClaimNames<'a> {
    pub arms: &'a [String],
    pub evaluations: &'a [&'a str],
    /// Keys of settings.
    pub settings: &'a [String],
}

impl Claim {
    /// Checks a claim against the names of its sweep.
    ///
    /// # Errors
    /// Returns the first problem with its key below the claim.
    pub fn check(&self, names: ClaimNames<'_>) -> Result<(), (&'static str, ClaimProblem)> {
        for (key, text) in [("id", &self.id), ("says", &self.says), ("source", &self.source)] {
            if text.trim().is_empty() || text.contains('\n') {
                return Err((key, ClaimProblem::NotALine { key }));
            }
        }
        self.test.check(names).map_err(|problem| ("test", problem))?;
        let Some(key) = self.settings.keys().find(|key| !names.settings.contains(key)) else {
            return Ok(());
        };
        // Only the most similar key: there are hundreds.
        let known = closest(key, names.settings).cloned().into_iter().collect();
        Err(("settings", ClaimProblem::Unknown { what: "setting", name: key.clone(), known }))
    }
}

impl ClaimTest {
    fn check(&self, names: ClaimNames<'_>) -> Result<(), ClaimProblem> {
        for arm in self.arms() {
            check_name("arm", arm, names.arms.iter().map(String::as_str))?;
        }
        if let Some(of) = self.quantity() {
            of.check(names)?;
        }
        match self {
            Self::Order { arms, .. } if arms.len() < 2 => Err(ClaimProblem::Order),
            Self::NotRun(_) | Self::Order { .. } => Ok(()),
            Self::Trend { of, over, is, .. } => {
                of.check_trend(*over)?;
                is.check()
            }
            Self::Value { is, .. }
            | Self::Difference { is, .. }
            | Self::Ratio { is, .. }
            | Self::Interaction { is, .. } => is.check(),
        }
    }

    /// Returns the quantity that is tested.
    pub const fn quantity(&self) -> Option<&Quantity> {
        match self {
            Self::NotRun(_) => None,
            Self::Value { of, .. }
            | Self::Difference { of, .. }
            | Self::Ratio { of, .. }
            | Self::Order { of, .. }
            | Self::Trend { of, .. }
            | Self::Interaction { of, .. } => Some(of),
        }
    }

    /// Returns the arms whose runs are tested, in the order of the test.
    pub fn arms(&self) -> Vec<&str> {
        match self {
            Self::NotRun(_) => Vec::new(),
            Self::Value { arm, .. } | Self::Trend { arm, .. } => vec![arm],
            Self::Difference { arms, .. } | Self::Ratio { arms, .. } => {
                arms.iter().map(String::as_str).collect()
            }
            Self::Order { arms, .. } => arms.iter().map(String::as_str).collect(),
            Self::Interaction { arms, .. } => arms.iter().flatten().map(String::as_str).collect(),
        }
    }

    /// Returns how many comparisons the test makes.
    pub const fn comparisons(&self) -> usize {
        match self {
            Self::NotRun(_) => 0,
            Self::Order { arms, .. } => arms.len() - 1,
            Self::Value { .. }
            | Self::Difference { .. }
            | Self::Ratio { .. }
            | Self::Trend { .. }
            | Self::Interaction { .. } => 1,
        }
    }

    /// Returns whether the test compares a value with a number of the source, which only the source's own settings
    /// allow. The difference of two values of one run is not compared with such a number.
    pub const fn is_of_a_value(&self) -> bool {
        match self {
            Self::Value { of, .. } => !matches!(of, Quantity::Minus(_)),
            _ => false,
        }
    }
}

impl Quantity {
    fn check(&self, names: ClaimNames<'_>) -> Result<(), ClaimProblem> {
        match self {
            Self::Score(score) => {
                let ScoreQuantity { metric, evaluation, predictor, .. } = score;
                check_metric(metric)?;
                let predictors = Predictor::ALL.iter().map(|known| known.as_str());
                check_name("predictor", predictor, predictors)?;
                evaluation.iter().try_for_each(|name| {
                    check_name("evaluation", name, names.evaluations.iter().copied())
                })
            }
            Self::BestUntil { metric, .. } => check_metric(metric),
            Self::Series { name, .. } => {
                check_name("training series", name, SeriesName::ALL.iter().map(|it| it.as_str()))
            }
            Self::Cost(_) => Ok(()),
            Self::Minus(both) => both.iter().try_for_each(|quantity| quantity.check(names)),
        }
    }

    fn check_trend(&self, over: TrendAxis) -> Result<(), ClaimProblem> {
        match (self, over) {
            (Self::Score(ScoreQuantity { frame: None, .. }), _)
            | (Self::Series { epoch: None, .. }, TrendAxis::Epochs) => Ok(()),
            (Self::Series { .. }, TrendAxis::Frames) => Err(ClaimProblem::FramesWithoutScore),
            _ => Err(ClaimProblem::NoTrend),
        }
    }
}

/// Checks that a metric has a definition; one in the features of a network is followed by the network's digest.
pub(super) fn check_metric(metric: &str) -> Result<(), ClaimProblem> {
    let name = MetricName::without_network(metric);
    check_name("metric", name, MetricName::ALL.iter().map(|known| known.as_str()))
}

fn check_name<'a>(
    what: &'static str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), ClaimProblem> {
    if known.clone().any(|known| known == name) {
        return Ok(());
    }
    let known = known.map(str::to_owned).collect();
    Err(ClaimProblem::Unknown { what, name: name.to_owned(), known })
}

impl Region {
    /// Returns the ends of the region.
    pub fn ends(self) -> [f64; 2] {
        [self.above.unwrap_or(f64::NEG_INFINITY), self.below.unwrap_or(f64::INFINITY)]
    }

    fn check(self) -> Result<(), ClaimProblem> {
        let given = [self.above, self.below];
        let is_finite = given.iter().flatten().all(|end| end.is_finite());
        let [low, high] = self.ends();
        if is_finite && low < high && given != [None, None] {
            Ok(())
        } else {
            Err(ClaimProblem::Region)
        }
    }
}
