//! Runs that continue another run.
//!
//! The new run begins with the files that an interruption at that point of its parent would have left of it: journal,
//! best weights and checkpoint. From there it is resumed like any other.

use super::{ExperimentError, parent_problem::ParentProblem};
use reprise_base::{
    config::{RunSpec, parent_run::ParentRun},
    fs,
    scalar::Step,
};
use reprise_store::store::{
    FinishedRun, RunDir, RunFile, Store, StoreError, checkpoint::read_checkpoint, record::RunId,
};

/// Larger than any file of a run.
const FILE_BYTES_MAX: u64 = 1 << 40;

/// Opens the run that a run continues, and checks that it can.
///
/// # Errors
/// If it is not finished, or its settings do not allow it.
pub fn parent(store: &Store, spec: &RunSpec) -> Result<Option<FinishedRun>, ExperimentError> {
    let Some(ParentRun { run: id, epochs }) = &spec.continue_from else { return Ok(None) };
    let refused = |why| ExperimentError::Parent { run: id.clone(), why };
    let parent = FinishedRun::open(&store.run(id)).map_err(|error| refused_by_store(id, error))?;
    let record = parent.record();
    let problem = match *epochs {
        None => (!record.outcome.is_trained()).then_some(ParentProblem::Diverged),
        Some(epochs) => (!parent.has(RunFile::SnapshotState(epochs)))
            .then_some(ParentProblem::NoSnapshot { epochs: epochs.get() }),
    };
    if let Some(why) = problem {
        return Err(refused(why));
    }
    let (old, new) = (&record.spec.training, &spec.training);
    let (parent_system, system) = (record.spec.model.system(), spec.model.system());
    if parent_system != system {
        return Err(refused(ParentProblem::OtherSystem { parent: parent_system, system }));
    }
    if old.steps_per_epoch != new.steps_per_epoch {
        let (parent, steps) = (old.steps_per_epoch.get(), new.steps_per_epoch.get());
        return Err(refused(ParentProblem::OtherEpochs { parent, steps }));
    }
    let trained = epochs.unwrap_or_else(|| record.outcome.epochs(old));
    if trained >= new.epochs {
        let (parent, epochs) = (trained.get(), new.epochs.get());
        return Err(refused(ParentProblem::NotLonger { parent, epochs }));
    }
    Ok(Some(parent))
}

fn refused_by_store(id: &RunId, error: StoreError) -> ExperimentError {
    match error {
        StoreError::Unfinished { .. } => ExperimentError::NoParent { run: id.clone() },
        error => error.into(),
    }
}

/// Returns the settings of the run with which the training began: those of the parent's parent and so on.
///
/// # Errors
/// If a run that was continued is not in the store.
pub fn first_spec(store: &Store, spec: &RunSpec) -> Result<RunSpec, ExperimentError> {
    let mut first = spec.clone();
    while let Some(parent) = parent(store, &first)? {
        first = parent.into_record().spec;
    }
    Ok(first)
}

/// Returns the titles of the schedules of a run that differ from those of its parent in the epochs that the parent was
/// trained.
pub fn changed_schedules(parent: &RunSpec, spec: &RunSpec) -> Vec<&'static str> {
    let from = spec.continue_from.as_ref().and_then(|from| from.epochs);
    let trained = from.unwrap_or(parent.training.epochs).len();
    let old = parent.schedules();
    let new = spec.schedules();
    let is_changed = |title: &&str| {
        let of = |tables: &[reprise_base::config::model::ScheduleTable]| {
            let table = tables.iter().find(|table| table.title == *title);
            table.map(|table| table.values.iter().take(trained).copied().collect::<Vec<f64>>())
        };
        of(&old) != of(&new)
    };
    new.iter().map(|table| table.title).filter(is_changed).collect()
}

/// Writes what an interruption at the point of the parent from which a run continues would have left of the new run.
///
/// # Errors
/// If a file of the parent is damaged or missing, or cannot be written.
pub(super) fn adopt(
    dir: &RunDir,
    spec: &RunSpec,
    parent: &FinishedRun,
) -> Result<(), ExperimentError> {
    let epochs = spec.continue_from.as_ref().and_then(|from| from.epochs);
    let [best, state] = epochs.map_or([RunFile::Best, RunFile::Checkpoint], |epochs| {
        [RunFile::SnapshotBest(epochs), RunFile::SnapshotState(epochs)]
    });
    let of_parent = |file| parent.dir().path(file);
    for file in [RunFile::Journal, best, state] {
        parent.check(file)?;
    }
    let checkpoint = read_checkpoint(&of_parent(state))?;
    let training = parent.record().spec.training;
    let trained = epochs.unwrap_or_else(|| parent.record().outcome.epochs(&training));
    let end = trained.get() * training.steps_per_epoch.get();
    let Step(step) = checkpoint.position.next_step;
    if step != end {
        let why = ParentProblem::NotAtItsEnd { step };
        return Err(ExperimentError::Parent { run: parent.record().run.clone(), why });
    }
    copy_state(dir, parent, &[(best, RunFile::Best)], state)
}

/// Writes what an interruption after the last step of a finished run, before its test, would have left of a new run with
/// the same training.
///
/// # Errors
/// If a file of the finished run is damaged or missing, or cannot be written.
pub(super) fn copy_attempt(dir: &RunDir, finished: &FinishedRun) -> Result<(), ExperimentError> {
    let files = [RunFile::Best, RunFile::Timing].into_iter().chain(finished.snapshots());
    let files: Vec<_> = files.map(|file| (file, file)).collect();
    for file in [RunFile::Journal, RunFile::Best].into_iter().chain(finished.snapshots()) {
        finished.check(file)?;
    }
    copy_state(dir, finished, &files, RunFile::Checkpoint)
}

/// Copies the journal up to a checkpoint of another run, `files`, each under its new name, and the checkpoint.
fn copy_state(
    dir: &RunDir,
    from: &FinishedRun,
    files: &[(RunFile, RunFile)],
    state: RunFile,
) -> Result<(), ExperimentError> {
    let path = |file| from.dir().path(file);
    let checkpoint = read_checkpoint(&path(state))?;
    let journal = fs::read(&path(RunFile::Journal), FILE_BYTES_MAX)?;
    // Without what comes later, such as the test at its end.
    let length = usize::try_from(checkpoint.position.journal.bytes).unwrap_or(usize::MAX);
    fs::write_atomic(&dir.path(RunFile::Journal), &journal[..length.min(journal.len())])?;
    // The checkpoint last: without it, the run has not begun.
    for &(file, copy) in files.iter().chain(&[(state, RunFile::Checkpoint)]) {
        let path = path(file);
        if fs::kind(&path)?.is_some() {
            let copy = dir.path(copy);
            fs::create_dir_all(copy.parent().expect("it is in the run's folder"))?;
            fs::write_atomic(&copy, &fs::read(&path, FILE_BYTES_MAX)?)?;
        }
    }
    Ok(())
}
