//! Guesses how long runs will take from finished runs of the same size.

use serde_json::Value;

use crate::{
    config::{
        RunSpec,
        model::{CvaeSpec, ModelSpec, PhysicalInteractionSpec},
    },
    scalar::{Count, Seed},
    store::{canonical_json, record::Record},
};

/// Seconds that a step takes, by what a step costs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pace {
    finished: Vec<(String, f64)>,
}

impl Pace {
    /// Learns from finished runs; those that ended before their last step say too little.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let finished = records
            .into_iter()
            .filter(|record| record.outcome == crate::store::record::Outcome::Completed)
            .map(|record| {
                let steps = record.spec.training.total_steps() as f64;
                (cost_key(&record.spec), record.timing.active_seconds / steps)
            })
            .collect();
        Self { finished }
    }

    /// Returns the mean seconds of a step in finished runs of the same size, evaluation included.
    pub fn seconds_per_step(&self, spec: &RunSpec) -> Option<f64> {
        let key = cost_key(spec);
        let same: Vec<f64> =
            self.finished.iter().filter(|(known, _)| *known == key).map(|(_, s)| *s).collect();
        (!same.is_empty()).then(|| same.iter().sum::<f64>() / same.len() as f64)
    }
}

/// Returns the settings that decide what a step costs, as text: seed, schedules and length do not.
fn cost_key(spec: &RunSpec) -> String {
    let mut spec = RunSpec { seed: Seed(0), ..spec.clone() };
    spec.training.epochs = Count::literal(1);
    match &mut spec.model {
        ModelSpec::Cvae(cvae) => {
            let CvaeSpec { kl_weight, teacher_forcing, .. } = CvaeSpec::default();
            (cvae.kl_weight, cvae.teacher_forcing) = (kl_weight, teacher_forcing);
        }
        ModelSpec::PhysicalInteraction(model) => {
            model.scheduled_sampling = PhysicalInteractionSpec::default().scheduled_sampling;
        }
        ModelSpec::ConvLstm(_) | ModelSpec::Mocogan(_) | ModelSpec::Rcn(_) => {}
    }
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
