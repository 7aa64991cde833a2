//! Runs that need only a new test.
//!
//! The number of test sequences is part of a run's id, as it has always been, but it changes nothing of the training.
//! A run that has not begun and differs in it alone from a finished run begins with copies of that run's files, as if
//! it had been interrupted before its test.

use std::collections::BTreeSet;

use super::{ExperimentError, ResolvedRun, parent::copy_attempt};
use reprise_base::scalar::Count;
use reprise_store::store::{
    FinishedRun, Observed, RunFile, State, Store,
    checkpoint::{Position, read_checkpoint},
    run_id,
};
use reprise_torch::libtorch;

/// A finished run with the training of another run.
pub(super) struct SameTraining {
    /// Index of the other run in its sweep.
    pub(super) index: usize,
    pub(super) trained: FinishedRun,
    /// Where its training ended.
    pub(super) end: Position,
}

/// Finds the runs of a sweep that have not begun and whose training a finished run has done. What cannot be read is no
/// such run.
pub(super) fn find(
    store: &Store,
    runs: &[ResolvedRun],
    observed: &[Observed],
) -> Vec<SameTraining> {
    let is_new = |&index: &usize| observed[index].state == State::Nothing;
    let new: Vec<usize> = (0..runs.len()).filter(is_new).collect();
    if new.is_empty() {
        return Vec::new();
    }
    let all = store.runs().unwrap_or_default();
    let specs = all.iter().filter_map(|id| store.run(id).read_spec().ok());
    let counts: BTreeSet<Count> = specs.map(|spec| spec.evaluation.test_sequences).collect();
    let libtorch = libtorch::version();
    let trained = |index: usize| {
        let ResolvedRun { spec, data_digest, .. } = &runs[index];
        let other = |&test_sequences: &Count| {
            let mut spec = spec.clone();
            spec.evaluation.test_sequences = test_sequences;
            let trained = FinishedRun::open(&store.run(&run_id(&spec, data_digest, &libtorch)));
            let trained = trained.ok().filter(|run| run.record().outcome.is_trained())?;
            let checkpoint = read_checkpoint(&trained.dir().path(RunFile::Checkpoint)).ok()?;
            Some(SameTraining { index, trained, end: checkpoint.position })
        };
        counts.iter().find_map(other)
    };
    new.into_iter().filter_map(trained).collect()
}

impl SameTraining {
    /// Lets the run begin with copies of the files of the finished one. Does nothing if another process has begun it.
    ///
    /// # Errors
    /// If a file is damaged, or cannot be written.
    pub(super) fn take_over(
        &self,
        store: &Store,
        run: &ResolvedRun,
    ) -> Result<(), ExperimentError> {
        let dir = store.run(&run.id);
        let Some(_lease) = dir.lease()? else { return Ok(()) };
        if dir.observe().state != State::Nothing {
            return Ok(());
        }
        dir.write_spec(&run.spec)?;
        copy_attempt(&dir, &self.trained)
    }
}
