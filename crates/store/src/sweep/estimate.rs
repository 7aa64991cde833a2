//! Estimates how long runs take, from finished runs of the same size.

use serde_json::Value;

use crate::store::{
    canonical_json,
    record::{Outcome, Record},
};
use reprise_base::{
    config::RunSpec,
    scalar::{Count, Seed},
};

/// Seconds per step of finished runs, by the settings that decide the cost of a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pace {
    finished: Vec<(String, f64)>,
}

impl Pace {
    /// Collects finished runs; diverged ones, which ended before their last step, do not count.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let finished = records
            .into_iter()
            .filter(|record| record.outcome == Outcome::Completed)
            .map(|record| {
                let steps = record.spec.training.total_steps() as f64;
                (cost_key(&record.spec), record.timing.active_seconds / steps)
            })
            .collect();
        Self { finished }
    }

    /// Returns the mean seconds per step of finished runs of the same size, including evaluations.
    pub fn seconds_per_step(&self, spec: &RunSpec) -> Option<f64> {
        let key = cost_key(spec);
        let same: Vec<f64> =
            self.finished.iter().filter(|(known, _)| *known == key).map(|(_, s)| *s).collect();
        (!same.is_empty()).then(|| same.iter().sum::<f64>() / same.len() as f64)
    }
}

/// Returns the settings that decide the cost of a step, as text: all but seed, schedules and length.
fn cost_key(spec: &RunSpec) -> String {
    let model = spec.model.clone().without_schedules();
    let mut spec = RunSpec { seed: Seed(0), model, ..spec.clone() };
    spec.training.epochs = Count::literal(1);
    spec.training.learning_rate_schedule = None;
    canonical_json(&serde_json::to_value(spec).unwrap_or(Value::Null))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::samples;

    #[track_caller]
    fn check(change: impl FnOnce(&mut RunSpec), expected: Option<f64>) {
        let mut record = samples::record(samples::id('a'));
        record.timing.active_seconds = 0.5 * record.spec.training.total_steps() as f64;
        let mut spec = record.spec.clone();
        change(&mut spec);
        assert_eq!(Pace::of([&record]).seconds_per_step(&spec), expected);
    }

    #[test]
    fn seed_and_length_do_not_change_the_pace() {
        check(
            |spec| {
                spec.seed = Seed(77);
                spec.training.epochs = Count::literal(3);
            },
            Some(0.5),
        );
    }

    #[test]
    fn another_batch_size_is_another_pace() {
        check(|spec| spec.training.batch_size = Count::literal(3), None);
    }
}
