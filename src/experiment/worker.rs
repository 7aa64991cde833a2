//! The life of one run inside its worker process.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::{
    ExperimentError, ResolvedEvaluation,
    evaluations::required,
    parent::{adopt, first_spec, parent},
};
use crate::build_identity::BUILD;
use reprise_base::{
    config::{RunSpec, data::Dataset, protocol::EvaluationRequest},
    fs::{self, FsError},
    scalar::Count,
};
use reprise_data::{self as data, ContactSheet, Pack, Required, SheetSize};
use reprise_store::{
    provenance::{UntrustedGit, code_record},
    store::{
        FinishedRun, Lease, RunDir, RunFile, State, Store, StoreError, checkpoint::read_checkpoint,
        evaluation::EvaluationFile, record::RunId, run_id, tensors::StoredTensor,
    },
    sweep::message::WorkerMessage,
};
use reprise_torch::{
    libtorch,
    train::{
        self, EvaluationEnd, EvaluationJob, TrainError,
        log::Tensorboard,
        run::{Job, TrainingEnd, best_is_intact},
        state::Bookkeeping,
    },
};

/// Folder of reports below the working folder.
pub const REPORTS: &str = "reports";
/// Folder of generated pictures and arrays below the working folder.
pub const GENERATED: &str = "generated";

/// Attempts to take a lease, and the pause between them: a worker whose scheduler was killed needs
/// a moment to stop.
const LEASE_ATTEMPTS: u32 = 50;
const LEASE_PAUSE: Duration = Duration::from_millis(200);

/// What a worker is asked to do.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerTask {
    /// Folder of the run store.
    pub store: PathBuf,
    /// The run, whose folder holds its specification.
    pub run: RunId,
    /// Folder of packs.
    pub packs: PathBuf,
    /// What to do with a git repository of another user.
    pub untrusted_git: UntrustedGit,
    /// What to do with the run.
    pub work: Work,
}

/// What a worker does with its run.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// Repeat the first steps and report their digest; write nothing.
    RepeatCanary,
    /// Train it to its end, then evaluate it.
    Train {
        /// Event files for TensorBoard, if wanted.
        tensorboard: Option<EventFolder>,
        evaluations: Vec<EvaluationRequest>,
    },
    /// Evaluate it, if it is finished.
    Evaluate { evaluations: Vec<EvaluationRequest> },
}

/// Where a run writes event files for TensorBoard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventFolder {
    /// The run's own folder of event files.
    pub path: PathBuf,
    /// Steps between pictures of training sequences.
    pub picture_steps: Count,
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerEnd {
    /// There is nothing left to do, or another process is doing it.
    Done,
    /// It was asked to stop and has written a checkpoint.
    Stopped {
        /// Steps taken.
        done: u64,
    },
    /// It was asked to stop in an evaluation and has stored the scores so far.
    StoppedEvaluating {
        /// Sequences scored.
        done: u64,
    },
}

/// Works on a run until it is finished or `stop` is set. `folder` is where the git repository of
/// the code is looked for.
///
/// # Errors
/// If the data, the device or a file of the run cannot be used. Divergence is an outcome, no error.
pub fn work(
    task: &WorkerTask,
    folder: &Path,
    stop: &AtomicBool,
    report: &mut dyn FnMut(WorkerMessage),
) -> Result<WorkerEnd, ExperimentError> {
    let workplace = Workplace { task, folder, stop };
    let store = Store::open(&task.store)?;
    let dir = store.run(&task.run);
    if let Work::Evaluate { evaluations } = &task.work {
        let Some(_lease) = wait_for_lease(&dir, stop)? else {
            report(WorkerMessage::Busy);
            return Ok(WorkerEnd::Done);
        };
        return workplace.evaluate(&dir, evaluations, None, report);
    }
    let spec = dir.read_spec()?;
    let parent = parent(&store, &spec)?;
    let first = FirstRun::open(&store, &spec, &task.packs)?;
    let pack = data::open(&spec.data.dataset, Required::AllSplits, &task.packs, &mut |_| {})?;
    check_identity(&dir, &spec, &pack)?;
    let device = libtorch::prepare(&spec.engine)?.device;
    let Work::Train { tensorboard, evaluations } = &task.work else {
        let digest = first.canary(&pack, device)?;
        report(WorkerMessage::Canary { digest });
        return Ok(WorkerEnd::Done);
    };
    let Some(lease) = wait_for_lease(&dir, stop)? else {
        report(WorkerMessage::Busy);
        return Ok(WorkerEnd::Done);
    };
    let tensorboard = tensorboard.as_ref().map(|EventFolder { path, picture_steps }| Tensorboard {
        folder: path,
        picture_steps: *picture_steps,
    });
    let initial = first.initial.as_deref();
    let job = Job { spec: &spec, pack: &pack, dir: &dir, initial, device, tensorboard, stop };
    match dir.observe().state {
        State::Finished(_) => {
            return workplace.evaluate(&dir, evaluations, Some(&pack), report);
        }
        State::Newer { format } => {
            return Err(ExperimentError::Newer { run: task.run.clone(), format });
        }
        State::Damaged { why } | State::Unreadable { why } => {
            return Err(ExperimentError::Unusable { run: task.run.clone(), why });
        }
        State::NotResumable { .. } => restart(&job, &lease, parent.as_ref())?,
        State::Resumable(_) => {
            if let Some(reason) = reason_to_restart(&job, &first)? {
                report(reason);
                restart(&job, &lease, parent.as_ref())?;
            }
        }
        State::Nothing => {
            if let Some(parent) = &parent {
                adopt(&dir, &spec, parent)?;
            }
        }
    }
    match train_and_record(&store, task, &job, folder, report)? {
        WorkerEnd::Done => workplace.evaluate(&dir, evaluations, Some(&pack), report),
        stopped => Ok(stopped),
    }
}

/// What a worker works on, where, and until when.
struct Workplace<'a> {
    task: &'a WorkerTask,
    /// Where the git repository of the code is looked for.
    folder: &'a Path,
    stop: &'a AtomicBool,
}

impl Workplace<'_> {
    /// Carries out what is left of the evaluations of a finished run, whose lease is held. `own` is the run's data set, if
    /// it is open.
    fn evaluate(
        &self,
        dir: &RunDir,
        requests: &[EvaluationRequest],
        own: Option<&Pack>,
        report: &mut dyn FnMut(WorkerMessage),
    ) -> Result<WorkerEnd, ExperimentError> {
        let Self { task, folder, stop } = *self;
        let run = FinishedRun::open(dir)?;
        let record = run.record();
        let spec = &record.spec;
        for request in requests {
            let dataset = request.dataset(spec);
            let opened;
            let pack = match own {
                Some(pack) if *dataset == spec.data.dataset => pack,
                _ => {
                    let required = required(request, spec);
                    opened = data::open(dataset, required, &task.packs, &mut |_| {})?;
                    &opened
                }
            };
            let evaluation = ResolvedEvaluation::new(request, spec, pack)?;
            let (Some(id), true) = (evaluation.id(record), evaluation.is_left(dir, record)) else {
                continue;
            };
            report(WorkerMessage::Evaluating { name: request.title() });
            let dir = dir.evaluation(&id);
            let (code, patch) =
                code_record(folder, &not_code(task, dataset, folder), task.untrusted_git, &BUILD)?;
            dir.prepare()?;
            write_patch(&dir.path(EvaluationFile::CodePatch), &patch)?;
            let device = libtorch::prepare(&spec.engine)?.device;
            let job = EvaluationJob {
                spec,
                protocol: evaluation.protocol,
                networks: &evaluation.request.feature_network,
                pack,
                run: &run,
                dir: &dir,
                device,
                code: &code,
                stop,
            };
            let watch = &mut |progress| report(WorkerMessage::Progress(progress));
            if let EvaluationEnd::Stopped { done } = train::carry_out(&job, watch)? {
                return Ok(WorkerEnd::StoppedEvaluating { done });
            }
        }
        report(WorkerMessage::Finished { outcome: record.outcome.clone() });
        Ok(WorkerEnd::Done)
    }
}

/// Trains a run whose lease is held, and writes its record.
fn train_and_record(
    store: &Store,
    task: &WorkerTask,
    job: &Job<'_>,
    folder: &Path,
    report: &mut dyn FnMut(WorkerMessage),
) -> Result<WorkerEnd, ExperimentError> {
    let dataset = &job.spec.data.dataset;
    let (code, patch) =
        code_record(folder, &not_code(task, dataset, folder), task.untrusted_git, &BUILD)?;
    let data = job.pack.payload_sha256();
    if !matches!(store.read_sheet(data), Ok(Some(_))) {
        store.write_sheet(data, &ContactSheet::new(job.pack, SheetSize::default()).png()?)?;
    }
    write_patch(&job.dir.path(RunFile::CodePatch), &patch)?;
    let trained =
        train::run::train(job, &mut |progress| report(WorkerMessage::Progress(progress)))?;
    match trained {
        TrainingEnd::Stopped { done } => Ok(WorkerEnd::Stopped { done }),
        TrainingEnd::Finished(finished) => {
            let record = train::record::assemble(job, *finished, code)?;
            job.dir.write_record(&record)?;
            Ok(WorkerEnd::Done)
        }
    }
}

/// Writes the difference of the code from its commit; an empty one only over an earlier one.
fn write_patch(path: &Path, patch: &[u8]) -> Result<(), FsError> {
    if patch.is_empty() && fs::kind(path)?.is_none() {
        return Ok(());
    }
    fs::write_atomic(path, patch)
}

/// Returns folders whose untracked files are no code: data, packs, runs and reports.
fn not_code(task: &WorkerTask, dataset: &Dataset, folder: &Path) -> Vec<PathBuf> {
    let data = dataset.location().map(|(_, path)| path);
    let outputs = [task.store.as_path(), &task.packs, REPORTS.as_ref(), GENERATED.as_ref()];
    outputs.into_iter().chain(data).map(|path| folder.join(path)).collect()
}

/// Refuses to train a run whose id has changed.
fn check_identity(dir: &RunDir, spec: &RunSpec, pack: &Pack) -> Result<(), ExperimentError> {
    let now = run_id(spec, pack.payload_sha256(), &libtorch::version());
    if now == *dir.id() {
        Ok(())
    } else {
        Err(ExperimentError::Identity { run: dir.id().clone(), now })
    }
}

fn wait_for_lease(dir: &RunDir, stop: &AtomicBool) -> Result<Option<Lease>, StoreError> {
    for _ in 0..LEASE_ATTEMPTS {
        if let Some(lease) = dir.lease()? {
            return Ok(Some(lease));
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
        thread::sleep(LEASE_PAUSE);
    }
    Ok(None)
}

/// Moves the attempt aside; the next one starts with the same specification, from the end of its parent if it has one.
fn restart(
    job: &Job<'_>,
    lease: &Lease,
    parent: Option<&FinishedRun>,
) -> Result<(), ExperimentError> {
    job.dir.supersede(lease)?;
    job.dir.write_spec(job.spec)?;
    parent.map_or(Ok(()), |parent| adopt(job.dir, job.spec, parent))
}

/// The run with which a training began: the run itself, unless it continues another.
struct FirstRun {
    spec: RunSpec,
    /// Its data set, if the run itself has another one.
    pack: Option<Pack>,
    initial: Option<Vec<StoredTensor>>,
}

impl FirstRun {
    fn open(store: &Store, spec: &RunSpec, packs: &Path) -> Result<Self, ExperimentError> {
        let first = first_spec(store, spec)?;
        let initial =
            first.initial_weights.as_ref().map(|id| store.read_weights(id)).transpose()?;
        let dataset = &first.data.dataset;
        let pack = if *dataset == spec.data.dataset {
            None
        } else {
            Some(data::open(dataset, Required::AllSplits, packs, &mut |_| {})?)
        };
        Ok(Self { spec: first, pack, initial })
    }

    /// Repeats the first steps; `own` is the data set of the run itself.
    fn canary(&self, own: &Pack, device: tch::Device) -> Result<Option<String>, TrainError> {
        let pack = self.pack.as_ref().unwrap_or(own);
        train::first_steps::canary(&self.spec, pack, self.initial.as_deref(), device)
    }
}

/// Returns why an interrupted run cannot be continued, if so: its best checkpoint is damaged, or its first steps,
/// which are repeated, give other bits because code or machine have changed.
fn reason_to_restart(
    job: &Job<'_>,
    first: &FirstRun,
) -> Result<Option<WorkerMessage>, ExperimentError> {
    let checkpoint = read_checkpoint(&job.dir.path(RunFile::Checkpoint))?;
    let bookkeeping = Bookkeeping::read(checkpoint.trainer).map_err(TrainError::from)?;
    if !best_is_intact(job.dir, &bookkeeping) {
        return Ok(Some(WorkerMessage::Damaged));
    }
    let Some(canary) = bookkeeping.canary else {
        return Ok(None); // interrupted within the first steps
    };
    let now = first.canary(job.pack, job.device)?;
    Ok((now != Some(canary)).then_some(WorkerMessage::NumbersChanged))
}
