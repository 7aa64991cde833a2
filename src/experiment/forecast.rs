//! What a sweep would do, and how long it would take.

use serde::Serialize;

use super::{
    ExperimentError, ResolvedRun, ResolvedSweep, same_training, workers::evaluations_left,
};
use crate::build_identity::BUILD;
use reprise_base::{
    config::{RunSpec, sweep::SweepRun},
    scalar::Step,
};
use reprise_store::{
    store::{LeaseState, Observed, State, Store, record::Record},
    sweep::{
        estimate::Pace,
        plan::{Action, Code, plan},
    },
};

/// A run as it is planned.
#[derive(Debug, Serialize)]
pub struct PlannedRun {
    /// Id of the run.
    pub run: String,
    /// Its arm.
    pub arm: String,
    /// Its seed.
    pub seed: u64,
    /// What would be done, and why.
    pub action: String,
    /// Steps left to train.
    pub steps: u64,
    /// Seconds that they would take; none if no run of the same size has finished.
    pub seconds: Option<f64>,
}

/// Plans a sweep without changing anything. Without a store, nothing has been done yet.
///
/// # Errors
/// If the store cannot be read.
pub fn forecast(
    sweep: &ResolvedSweep,
    store: Option<&Store>,
) -> Result<Vec<PlannedRun>, ExperimentError> {
    let (observed, pace) = match store {
        None => {
            let nothing = Observed { state: State::Nothing, lease: LeaseState::Free };
            (vec![nothing; sweep.runs.len()], Pace::default())
        }
        Some(store) => {
            let observed = sweep.runs.iter().map(|run| store.run(&run.id).observe());
            let mut observed: Vec<_> = observed.collect();
            for same in same_training::find(store, &sweep.runs, &observed) {
                observed[same.index].state = State::Resumable(same.end);
            }
            let records: Vec<_> =
                store.runs()?.iter().filter_map(|id| store.run(id).read_record().ok()).collect();
            (observed, Pace::of(&records))
        }
    };
    let code = |record: &Record| Code::of(record, BUILD.sources_sha256);
    let left = |record: &Record| store.map_or(0, |store| evaluations_left(sweep, store, record));
    let actions = plan(&observed, code, left);
    let planned = |((run, SweepRun { arm, .. }), action): ((&ResolvedRun, &SweepRun), Action)| {
        let steps = steps_left(&run.spec, action);
        let seconds = match steps {
            0 => Some(0.0),
            _ => pace.seconds_per_step(&run.spec).map(|seconds| seconds * steps as f64),
        };
        PlannedRun {
            run: run.id.to_string(),
            arm: arm.clone(),
            seed: run.spec.seed.0,
            action: action.to_string(),
            steps,
            seconds,
        }
    };
    Ok(sweep.runs.iter().zip(&sweep.sweep.runs).zip(actions).map(planned).collect())
}

fn steps_left(spec: &RunSpec, action: Action) -> u64 {
    let total = spec.training.total_steps();
    match action {
        Action::Start | Action::Restart { .. } | Action::Repair => total,
        Action::Resume { step: Step(done) } => total.saturating_sub(done),
        Action::RepeatCanary
        | Action::Evaluate { .. }
        | Action::Skip { .. }
        | Action::Leave
        | Action::Refuse { .. } => 0,
    }
}
