//! A claim with its verdict.

use serde::{Deserialize, Serialize};

use crate::number::{decimals, fixed, tick};

/// What the runs say of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Confirmed,
    Refuted,
    /// The interval reaches over the end of the region.
    Inconclusive,
    /// The settings of the runs are not those of the source, and a value says nothing then.
    ProtocolDiffers,
    /// No run has the quantity.
    NotRun,
}

impl Verdict {
    /// Returns the verdict in words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Refuted => "refuted",
            Self::Inconclusive => "inconclusive",
            Self::ProtocolDiffers => "protocol differs",
            Self::NotRun => "not run",
        }
    }
}

/// A claim with its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgedClaim {
    pub id: String,
    pub says: String,
    pub source: String,
    /// What was tested, in words.
    pub tested: String,
    pub verdict: Verdict,
    /// One for every pair of arms that the test compares.
    pub comparisons: Vec<RegionComparison>,
    /// Settings of the source that the runs do not have.
    pub differing: Vec<DifferingSetting>,
    /// Why there is no verdict, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether results may have been known when the claim was entered.
    pub entered_after_runs: bool,
    /// The test as it was when the claim was entered, with its verdict, if the test has been changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<FirstTest>,
}

/// A test that has been changed since its claim was entered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FirstTest {
    pub tested: String,
    pub verdict: Verdict,
}

/// A comparison with a region.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionComparison {
    /// Number of seeds.
    pub n: usize,
    pub mean: f64,
    /// At the level of the family; none for one seed.
    pub interval: Option<[f64; 2]>,
    /// The distance from the end of the region that these seeds show with a probability of 80%; of ratios, a share.
    pub smallest_detectable: Option<f64>,
    /// How many seeds with this mean and spread would decide.
    pub seeds_needed: Option<usize>,
    pub(super) verdict: Verdict,
}

/// A setting of the source that runs do not have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DifferingSetting {
    pub key: String,
    pub source: String,
    pub runs: String,
}

impl JudgedClaim {
    /// Returns the verdict with the scale that it holds for.
    pub fn verdict_in_words(&self) -> String {
        let is_of_scale =
            matches!(self.verdict, Verdict::Confirmed | Verdict::Refuted | Verdict::Inconclusive);
        let scale = if is_of_scale && !self.differing.is_empty() { " at this scale" } else { "" };
        format!("{}{scale}", self.verdict.in_words())
    }

    /// Returns the means with their intervals; empty if there are none.
    pub fn results(&self) -> String {
        let results: Vec<String> =
            self.comparisons.iter().map(RegionComparison::in_words).collect();
        results.join("; ")
    }
}

impl RegionComparison {
    fn in_words(&self) -> String {
        let Self { mean, interval, .. } = self;
        let all = || interval.iter().flatten().copied().chain([*mean]);
        let places = decimals(all());
        let is_tiny = all().all(|value| value.abs() < 1e-3);
        let text = |value: f64| if is_tiny { tick(value) } else { fixed(value, places) };
        match interval {
            None => text(*mean),
            Some([low, high]) => format!("{} [{}, {}]", text(*mean), text(*low), text(*high)),
        }
    }
}
