//! The training loop.
//!
//! The process may be killed at any point: the next attempt truncates the journal to the length that
//! the last checkpoint names and continues with the same bits. The only clock is the stopwatch that
//! paces checkpoints; no number depends on it.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::{
    error::TrainError,
    evaluate::{Evaluation, Scope, evaluate_in_training},
    first_steps::{CANARY_STEPS, begin, take_first_steps},
    log::{RunLog, Tensorboard},
    memory::or_out_of_memory,
    state::{Best, Bookkeeping, TrainState},
    system::{At, Divergence, Scalars, System},
    systems::check_data,
    updates::Updates,
};
use reprise_base::{
    config::{RunSpec, training::SnapshotState},
    metrics,
    scalar::{Count, Epoch, Step},
    vocabulary::{
        Predictor, SeriesName,
        rollouts::{CONTEXT_FRAMES, SEQUENCES},
    },
};
use reprise_data::{Pack, Split};
use reprise_store::{
    provenance::{Stopwatch, now_rfc3339},
    store::{
        RunDir, RunFile, StoreError,
        checkpoint::{read_checkpoint, write_checkpoint},
        event::{EvaluationEvent, Event, Scores, StepEvent},
        journal::Journal,
        progress::WorkerProgress,
        record::Outcome,
        tensors::{StoredTensor, TensorMetadata, read_tensors, state_digest, write_tensors},
        timing::{TimingEvent, TimingLog},
    },
};

/// Least time between checkpoints.
const CHECKPOINT_SECONDS: f64 = 15.0;
/// Least time between checkpoints as a multiple of the time that the last one took.
const CHECKPOINT_COST_FACTOR: f64 = 20.0;

/// Metadata of a stored model: the epoch after which it was stored.
pub(super) const EPOCH: &str = "epoch";

/// A run to be trained, with its inputs and outputs.
#[derive(Debug)]
pub struct Job<'a> {
    pub spec: &'a RunSpec,
    pub pack: &'a Pack,
    /// The run folder; the caller holds its lease.
    pub dir: &'a RunDir,
    /// Initial weights; random ones if absent.
    pub initial: Option<&'a [StoredTensor]>,
    pub device: tch::Device,
    pub tensorboard: Option<Tensorboard<'a>>,
    /// When set, training writes a checkpoint after the current step and stops.
    pub stop: &'a AtomicBool,
}

/// How training ended.
#[derive(Debug)]
pub enum TrainingEnd {
    /// The run is finished.
    Finished(Box<Finished>),
    /// Training was interrupted after `done` steps and has written a checkpoint.
    Stopped { done: u64 },
}

/// The results of a finished run, for its record.
#[derive(Debug)]
pub struct Finished {
    pub outcome: Outcome,
    pub bookkeeping: Bookkeeping,
    /// Test scores of the best checkpoint.
    pub test: Option<Scores>,
    /// Digest of the model after the last step.
    pub final_state: String,
    /// Number of trained scalars.
    pub parameters: u64,
    /// The system that was trained, for its definitions.
    pub system: Box<dyn System>,
}

impl std::fmt::Debug for dyn System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("System")
    }
}

/// Trains a run from its first step, or from its checkpoint, to the end.
///
/// # Errors
/// If the data does not fit the model, memory is exhausted, or a file cannot be read or written.
/// Divergence is an [`Outcome`], not an error.
pub fn train(
    job: &Job<'_>,
    watch: &mut dyn FnMut(WorkerProgress),
) -> Result<TrainingEnd, TrainError> {
    let fits = |spec: &RunSpec| {
        begin(spec, job.pack, job.initial, job.device)
            .and_then(|mut system| take_first_steps(&mut *system, spec, job.pack, job.device, 1))
            .is_ok()
    };
    or_out_of_memory(job.spec, fits, || train_to_end(job, watch))?
}

fn train_to_end(
    job: &Job<'_>,
    watch: &mut dyn FnMut(WorkerProgress),
) -> Result<TrainingEnd, TrainError> {
    let Job { spec, pack, dir, initial, device, tensorboard, stop } = *job;
    check_data(spec, pack)?;
    let mut system = begin(spec, pack, initial, device)?;
    let training = spec.training;
    let total = training.total_steps();
    let (journal, mut kept, first) = open(dir, system.state_mut())?;
    let mut log = RunLog::new(journal, tensorboard, first)?;
    let mut timing = Timing::start(dir, first)?;
    let updates = Updates::new(spec, pack, device)?;
    let steps_per_epoch = training.steps_per_epoch.get();
    watch(WorkerProgress::Started { first, total });

    let mut outcome = Outcome::Completed;
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for step in first.0..total {
        let at = At::update(Step(step), Epoch(step / steps_per_epoch));
        let within_epoch = step % steps_per_epoch;
        if within_epoch == 0 && has_stopped(spec, &kept, at.epoch) {
            outcome = Outcome::StoppedEarly { epochs: epochs_before(at.epoch) };
            break;
        }
        if batches.is_empty() || within_epoch == 0 {
            batches = updates.indices(Step(step - within_epoch), steps_per_epoch);
        }
        let batch = usize::try_from(within_epoch).expect("an epoch fits in memory");
        let update = updates.load(batches[batch].clone());
        let examples = update.examples();
        log.training_images(at.step, &*system, &examples)?;
        let scalars = match system.take_step(&examples, at) {
            Ok(scalars) => scalars,
            Err(divergence) => {
                outcome = diverged(at.step, &divergence);
                break;
            }
        };
        if system.state().loss_scale().is_some_and(|scale| scale < 1.0) {
            let gradient = Divergence { quantity: "gradient".to_owned(), value: f64::INFINITY };
            outcome = diverged(at.step, &gradient);
            break;
        }
        let done = step + 1;
        watch(WorkerProgress::Stepped { done, loss: scalars[&system.watched_series()] });
        log.append(at.step, &stepped(at, scalars, system.state()))?;
        if done == CANARY_STEPS.min(total) {
            kept.canary = Some(state_digest(&system.state().model_tensors()));
        }

        let epoch_ends = done.is_multiple_of(steps_per_epoch);
        let evaluation_due =
            (at.epoch.0 + 1).is_multiple_of(spec.evaluation.every_epochs.get()) || done == total;
        if epoch_ends && evaluation_due {
            let split = Split::Validate;
            let scope = Scope::own(spec, split);
            let Evaluation { scores, tensors, .. } =
                evaluate_in_training(system.scoring(), pack, scope, device);
            if let Some(divergence) = non_finite(&scores) {
                outcome = diverged(at.step, &divergence);
                break;
            }
            let value = chosen(&*system, &scores);
            watch(evaluated(&*system, at.epoch, split, value));
            log.append(at.step, &evaluation(at.epoch, split, &scores))?;
            log.images(at.step, split.name(), &tensors)?;
            if kept.best.as_ref().is_none_or(|best| is_better(&*system, value, best.value)) {
                let model = write_model(dir, RunFile::Best, system.state(), at.epoch)?;
                kept.best = Some(Best { epoch: at.epoch, value, scores, model: Some(model) });
            }
        }

        if epoch_ends {
            write_snapshot(job, at, system.state(), &log.journal, &kept)?;
        }

        let stopping = stop.load(Ordering::Relaxed);
        let ends = done == total || (epoch_ends && has_stopped(spec, &kept, Epoch(at.epoch.0 + 1)));
        if stopping || ends || timing.checkpoint_is_due() {
            timing.checkpoint(Step(done), || {
                let tensors = system.state().checkpoint_tensors();
                let path = dir.path(RunFile::Checkpoint);
                write_checkpoint(&path, &log.journal, Step(done), &json!(kept), &tensors)
            })?;
        }
        if stopping && !ends {
            timing.end()?;
            return Ok(TrainingEnd::Stopped { done });
        }
    }

    let final_state = write_final(job, system.state(), &outcome)?;
    let parameters = system.state().params.trained_scalars();
    let test = test_best(job, &mut *system, &kept, &mut log, watch)?;
    log.journal.sync()?;
    timing.end()?;
    Ok(TrainingEnd::Finished(Box::new(Finished {
        outcome,
        bookkeeping: kept,
        test,
        final_state,
        parameters,
        system,
    })))
}

/// Returns whether a run can be continued with its `best.safetensors`: it is the one that the checkpoint names, or a
/// later one, which the continued run will write again.
pub fn best_is_intact(dir: &RunDir, kept: &Bookkeeping) -> bool {
    let Some(best) = &kept.best else { return true };
    let Ok((tensors, metadata)) = read_tensors(&dir.path(RunFile::Best)) else { return false };
    let epoch = metadata.get(EPOCH).and_then(|text| text.parse().ok());
    best.is_model(&tensors) || epoch.is_some_and(|epoch| Epoch(epoch) > best.epoch)
}

/// Resumes from the checkpoint, or creates a new journal if there is none.
fn open(dir: &RunDir, state: &mut TrainState) -> Result<(Journal, Bookkeeping, Step), TrainError> {
    let path = dir.path(RunFile::Journal);
    if !dir.has(RunFile::Checkpoint)? {
        return Ok((Journal::create(&path)?, Bookkeeping::default(), Step(0)));
    }
    let checkpoint = read_checkpoint(&dir.path(RunFile::Checkpoint))?;
    let next = checkpoint.position.next_step;
    state.load_checkpoint(next.0, &checkpoint.tensors)?;
    let kept = Bookkeeping::read(checkpoint.trainer)?;
    let journal = Journal::resume(&path, &checkpoint.position.journal)?;
    Ok((journal, kept, next))
}

/// Evaluates the best checkpoint on the test split and writes `rollouts.safetensors`.
fn test_best(
    job: &Job<'_>,
    system: &mut dyn System,
    kept: &Bookkeeping,
    log: &mut RunLog,
    watch: &mut dyn FnMut(WorkerProgress),
) -> Result<Option<Scores>, TrainError> {
    let Some(best) = &kept.best else { return Ok(None) };
    let path = job.dir.path(RunFile::Best);
    let (tensors, _) = read_tensors(&path)?;
    if !best.is_model(&tensors) {
        return Err(StoreError::Altered { path }.into());
    }
    system.state_mut().load_model(&tensors)?;
    let split = Split::Test;
    let scope = Scope::own(job.spec, split);
    let Evaluation { scores, tensors, names } =
        evaluate_in_training(system.scoring(), job.pack, scope, job.device);
    if non_finite(&scores).is_some() {
        return Ok(None);
    }
    watch(evaluated(system, best.epoch, split, chosen(system, &scores)));
    // One step after the last one, so that no resume starts later.
    let step = Step(job.spec.training.total_steps());
    log.append(step, &evaluation(best.epoch, split, &scores))?;
    log.images(step, split.name(), &tensors)?;
    let context_frames = job.spec.model.frames_used().map_or(0, |used| used.context.len());
    let metadata = [
        (SEQUENCES.to_owned(), json!(names).to_string()),
        (CONTEXT_FRAMES.to_owned(), context_frames.to_string()),
    ];
    write_tensors(&job.dir.path(RunFile::Rollouts), &tensors, &metadata.into())?;
    Ok(Some(scores))
}

fn stepped(at: At, mut scalars: Scalars, state: &TrainState) -> Event {
    scalars.insert(SeriesName::LearningRate, state.learning_rate());
    scalars.extend(state.loss_scale().map(|scale| (SeriesName::LossScale, scale)));
    let scalars =
        scalars.into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect();
    Event::Step(StepEvent { step: at.step, epoch: at.epoch, scalars })
}

/// Returns the model's mean of the metric that chooses the best checkpoint.
fn chosen(system: &dyn System, scores: &Scores) -> f64 {
    scores[Predictor::Model.as_str()][system.choosing_metric().as_str()].mean
}

fn is_better(system: &dyn System, value: f64, than: f64) -> bool {
    if metrics::definitions()[system.choosing_metric().as_str()].higher_is_better {
        value > than
    } else {
        value < than
    }
}

fn evaluated(system: &dyn System, epoch: Epoch, split: Split, value: f64) -> WorkerProgress {
    WorkerProgress::Evaluated {
        epoch,
        split,
        metric: system.choosing_metric().as_str().to_owned(),
        value,
    }
}

fn evaluation(epoch: Epoch, split: Split, scores: &Scores) -> Event {
    Event::Evaluation(EvaluationEvent { epoch, split, scores: scores.clone() })
}

/// Returns whether training has stopped early before an epoch begins.
fn has_stopped(spec: &RunSpec, kept: &Bookkeeping, next: Epoch) -> bool {
    let every = spec.evaluation.every_epochs.get();
    let validations = next.0 / every;
    let Some(best) = kept.best.as_ref().filter(|_| validations > 0) else { return false };
    spec.training.has_stopped(best.epoch, Epoch(validations * every - 1))
}

/// Returns the number of epochs before one.
fn epochs_before(epoch: Epoch) -> Count {
    Count::try_from(epoch.0.cast_signed()).expect("an epoch was trained")
}

/// Returns the metadata of a model that is stored after an epoch.
fn of_epoch(epoch: Epoch) -> TensorMetadata {
    [(EPOCH.to_owned(), epoch.0.to_string())].into()
}

fn diverged(step: Step, divergence: &Divergence) -> Outcome {
    let Divergence { quantity, value } = divergence;
    Outcome::Diverged { step, quantity: quantity.clone(), value: value.to_string() }
}

fn non_finite(scores: &Scores) -> Option<Divergence> {
    scores.iter().find_map(|(predictor, metrics)| {
        metrics.iter().find(|(_, score)| !score.mean.is_finite()).map(|(metric, score)| {
            Divergence { quantity: format!("{predictor} {metric}"), value: score.mean }
        })
    })
}

/// Writes the weights after the last step, and their average if there is one; returns the digest of the
/// first.
fn write_final(job: &Job<'_>, state: &TrainState, outcome: &Outcome) -> Result<String, TrainError> {
    let last = Epoch(outcome.epochs(&job.spec.training).get() - 1);
    let final_state = write_model(job.dir, RunFile::Final, state, last)?;
    if let Some(average) = state.averaged_tensors() {
        write_tensors(&job.dir.path(RunFile::Average), &average, &of_epoch(last))?;
    }
    Ok(final_state)
}

/// Writes parameters and buffers and returns their digest.
fn write_model(
    dir: &RunDir,
    file: RunFile,
    state: &TrainState,
    epoch: Epoch,
) -> Result<String, TrainError> {
    Ok(write_tensors(&dir.path(file), &state.model_tensors(), &of_epoch(epoch))?)
}

/// Writes what is kept of the epoch that ends with a step, if anything.
fn write_snapshot(
    job: &Job<'_>,
    at: At,
    state: &TrainState,
    journal: &Journal,
    kept: &Bookkeeping,
) -> Result<(), TrainError> {
    let Job { dir, spec, .. } = job;
    let epochs = epochs_before(Epoch(at.epoch.0 + 1));
    let Some(snapshot) = spec.training.snapshot(epochs) else { return Ok(()) };
    dir.create_snapshots()?;
    write_model(dir, RunFile::Snapshot(epochs), state, at.epoch)?;
    if snapshot == SnapshotState::Full {
        if dir.has(RunFile::Best)? {
            let (best, metadata) = read_tensors(&dir.path(RunFile::Best))?;
            write_tensors(&dir.path(RunFile::SnapshotBest(epochs)), &best, &metadata)?;
        }
        let path = dir.path(RunFile::SnapshotState(epochs));
        let next = Step(at.step.0 + 1);
        write_checkpoint(&path, journal, next, &json!(kept), &state.checkpoint_tensors())?;
    }
    Ok(())
}

/// The stopwatch of an attempt: paces checkpoints and fills the timing log.
struct Timing {
    log: TimingLog,
    watch: Stopwatch,
    last_checkpoint: f64,
    checkpoint_seconds: f64,
}

impl Timing {
    fn start(dir: &RunDir, first_step: Step) -> Result<Self, StoreError> {
        let mut log = TimingLog::open(&dir.path(RunFile::Timing))?;
        log.append(&TimingEvent::Started { at: now_rfc3339(), first_step })?;
        Ok(Self { log, watch: Stopwatch::start(), last_checkpoint: 0.0, checkpoint_seconds: 0.0 })
    }

    fn checkpoint_is_due(&self) -> bool {
        let pause = CHECKPOINT_SECONDS.max(CHECKPOINT_COST_FACTOR * self.checkpoint_seconds);
        self.watch.seconds() - self.last_checkpoint >= pause
    }

    fn checkpoint(
        &mut self,
        next_step: Step,
        write: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let before = self.watch.seconds();
        write()?;
        self.last_checkpoint = self.watch.seconds();
        self.checkpoint_seconds = self.last_checkpoint - before;
        let elapsed_seconds = self.last_checkpoint;
        self.log.append(&TimingEvent::Steps { next_step, elapsed_seconds })?;
        self.log.sync()
    }

    fn end(&mut self) -> Result<(), StoreError> {
        let elapsed_seconds = self.watch.seconds();
        self.log.append(&TimingEvent::Ended { at: now_rfc3339(), elapsed_seconds })?;
        self.log.sync()
    }
}
