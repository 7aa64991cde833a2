//! Curves of runs over steps, epochs, frames or sequences.

use std::collections::BTreeMap;

use polars::error::PolarsResult;

use super::{
    input::ReportRun,
    scores::{Observation, ScoreFrame, ScoreGroup},
};
use reprise_data::Split;

/// A curve's points, x ascending.
pub(super) type Points = Vec<(f64, f64)>;

/// Values of a curve agree in these columns.
const CURVE_KEYS: [&str; 5] = ["arm", "run", "predictor", "split", "metric"];

/// Curves of all runs over a common x.
#[derive(Debug)]
pub(super) struct Curves {
    pub(super) frame: ScoreFrame,
    groups: Vec<ScoreGroup<5>>,
}

impl Curves {
    pub(super) fn new(observations: &[Observation<'_>], x: &'static str) -> PolarsResult<Self> {
        let frame = ScoreFrame::new(observations, Some(x))?;
        Ok(Self { groups: frame.grouped(CURVE_KEYS)?, frame })
    }

    /// Returns the finite points of a run's curve; empty if it has none.
    pub(super) fn of(
        &self,
        run: &ReportRun,
        predictor: &str,
        split: Split,
        metric: &str,
    ) -> Points {
        let keys =
            [run.entry.arm.as_str(), run.entry.run.as_str(), predictor, split.name(), metric];
        let group = self.groups.iter().find(|group| group.keys == keys);
        group.map_or_else(Vec::new, |group| group.points.clone())
    }
}

/// Averages curves at every x that all of them have.
pub(super) fn mean_of(curves: &[&Points]) -> Points {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(actual: &Points, expected: &[(f64, f64)]) {
        assert_eq!(actual, expected);
    }

    #[test]
    fn a_mean_needs_every_run() {
        let (long, short) = (vec![(0.0, 1.0), (1.0, 2.0)], vec![(0.0, 3.0)]);
        check(&mean_of(&[&long, &short]), &[(0.0, 2.0)]);
        check(&mean_of(&[]), &[]);
    }
}
