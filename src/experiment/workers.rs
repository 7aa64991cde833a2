//! Plans the runs of a sweep and schedules a worker for each that has work left.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::atomic::{AtomicU32, Ordering},
};

use super::{
    EventFolder, ExperimentError, Launcher, ResolvedRun, ResolvedSweep, RunCounts, Work,
    same_training,
};
use crate::build_identity::BUILD;
use reprise_base::config::engine::{Device, EngineSpec};
use reprise_store::{
    provenance::VISIBLE_DEVICES,
    store::{Store, StoreError, record::Record, record::RunId},
    sweep::{
        message::WorkerMessage,
        plan::{Action, Code, RefuseReason, plan},
        scheduler::{Limits, OnFailure, Slot, Task, TaskEvent, execute},
    },
};

/// Everything that the workers of a sweep share.
pub struct Workers<'a> {
    /// The sweep.
    pub sweep: &'a ResolvedSweep,
    /// How its workers are started.
    pub launcher: Launcher<'a>,
    /// Folder in which every run gets a folder for TensorBoard, if wanted.
    pub tensorboard: Option<EventFolder>,
    /// How runs share the machine.
    pub limits: Limits,
}

/// What happens while a sweep is carried out.
#[derive(Debug)]
pub enum SweepEvent<'a> {
    /// A run that has not begun needs only its test, since a finished run has the same training.
    SameTraining {
        /// Its index in the sweep.
        run: usize,
        trained: &'a RunId,
        /// Whether the files of the finished run could be used; if not, the run is trained.
        used: Result<(), ExperimentError>,
    },
    /// The canaries of this many runs are repeated, since their code has changed.
    RepeatingCanaries(usize),
    /// Every run has an action, in the order of the sweep.
    Planned(&'a [Action]),
    /// The folder of a run cannot be used.
    NotReady {
        /// Its index in the sweep.
        run: usize,
        /// Why not.
        error: StoreError,
    },
    /// Workers are about to be started.
    Training {
        /// Indices of the runs in the sweep, in the order of their tasks.
        runs: &'a [usize],
        /// Actions of all runs.
        actions: &'a [Action],
    },
    /// Something happened to a training task.
    Task {
        /// Its index among the tasks.
        task: usize,
        /// What happened.
        event: &'a TaskEvent,
    },
}

/// What runs can share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    pub cores: NonZeroUsize,
    /// GPUs, as [`VISIBLE_DEVICES`] names them.
    pub gpus: Vec<String>,
    /// Runs at the same time on each GPU.
    pub runs_per_gpu: NonZeroUsize,
}

impl Machine {
    /// Returns the slots in which runs are trained: on the CPU as many as its cores have room for, on
    /// `cuda:0` one or more for each GPU, otherwise one. `jobs` replaces their number.
    ///
    /// A worker sees only the GPU of its slot, as `cuda:0`, so a run has the same id on every GPU.
    pub fn slots(&self, runs: &[ResolvedRun], jobs: Option<NonZeroUsize>) -> Vec<Slot> {
        let engines = || runs.iter().map(|run| &run.spec.engine);
        let threads = engines().map(|engine| engine.threads.len()).max().unwrap_or(1);
        let first_gpu =
            |engine: &EngineSpec| engine.device == Device::Cuda(0) && engine.devices.is_empty();
        let (kinds, default) = if engines().all(|engine| engine.device == Device::Cpu) {
            (vec![Slot::default()], self.cores.get() / threads)
        } else if engines().all(first_gpu) && self.gpus.len() > 1 {
            let slot = |gpu: &String| Slot {
                environment: vec![(VISIBLE_DEVICES.to_owned(), gpu.clone())],
            };
            (self.gpus.iter().map(slot).collect(), self.gpus.len() * self.runs_per_gpu.get())
        } else {
            (vec![Slot::default()], self.runs_per_gpu.get())
        };
        let count = jobs.map_or(default.max(1), NonZeroUsize::get);
        kinds.iter().cycle().take(count).cloned().collect()
    }
}

impl Workers<'_> {
    /// Trains what is left of the sweep. `interrupts` counts requests to stop.
    ///
    /// A run that fails is counted.
    pub fn run(&self, interrupts: &AtomicU32, report: &mut dyn FnMut(SweepEvent<'_>)) -> RunCounts {
        let runs = &self.sweep.runs;
        let store = self.launcher.store;
        let mut observed: Vec<_> = runs.iter().map(|run| store.run(&run.id).observe()).collect();
        for same in same_training::find(store, runs, &observed) {
            let run = &runs[same.index];
            let used = same.take_over(store, run);
            let trained = &same.trained.record().run;
            report(SweepEvent::SameTraining { run: same.index, trained, used });
            observed[same.index] = store.run(&run.id).observe();
        }
        let code = |record: &Record| Code::of(record, BUILD.sources_sha256);
        let left = |record: &Record| evaluations_left(self.sweep, store, record);
        let mut actions = plan(&observed, code, left);
        if actions.contains(&Action::RepeatCanary) {
            let canaries = self.repeat_canaries(&actions, interrupts, report);
            if interrupts.load(Ordering::Relaxed) > 0 {
                return RunCounts { stopped: runs.len(), ..RunCounts::default() };
            }
            let compared = |record: &Record| match canaries.get(&record.run) {
                None => code(record),
                Some(digest) if digest.is_some() && *digest == record.canary => Code::CanaryEqual,
                // A canary that failed or diverged shows no equal numbers either.
                Some(_) => Code::CanaryDiffers,
            };
            actions = plan(&observed, compared, left);
        }
        report(SweepEvent::Planned(&actions));
        self.train(&actions, interrupts, report)
    }

    /// Repeats the canaries of finished runs that other code trained; returns the digests.
    fn repeat_canaries(
        &self,
        actions: &[Action],
        interrupts: &AtomicU32,
        report: &mut dyn FnMut(SweepEvent<'_>),
    ) -> BTreeMap<RunId, Option<String>> {
        let runs: Vec<&ResolvedRun> = self
            .sweep
            .runs
            .iter()
            .zip(actions)
            .filter(|(_, action)| **action == Action::RepeatCanary)
            .map(|(run, _)| run)
            .collect();
        report(SweepEvent::RepeatingCanaries(runs.len()));
        let tasks: Vec<Task> = runs
            .iter()
            .map(|run| self.launcher.task(&run.id, &run.spec, Work::RepeatCanary))
            .collect();
        let mut digests: BTreeMap<_, _> = runs.iter().map(|run| (run.id.clone(), None)).collect();
        execute(&tasks, &self.limits, interrupts, &mut |task, event| {
            if let TaskEvent::Message(WorkerMessage::Canary { digest }) = event {
                digests.insert(runs[task].id.clone(), digest);
            }
        });
        digests
    }

    /// Trains every run whose action asks for it.
    fn train(
        &self,
        actions: &[Action],
        interrupts: &AtomicU32,
        report: &mut dyn FnMut(SweepEvent<'_>),
    ) -> RunCounts {
        let mut counts = RunCounts::default();
        let mut indices = Vec::new();
        let mut others = Vec::new();
        for (index, action) in actions.iter().enumerate() {
            match action {
                Action::Skip { .. } => counts.finished += 1,
                Action::Refuse { reason: RefuseReason::Newer { .. } } => counts.newer += 1,
                Action::Refuse { reason: RefuseReason::Unreadable } => {
                    counts.failed += 1;
                    let dir = self.launcher.store.run(&self.sweep.runs[index].id);
                    if let Err(error) = dir.read_record() {
                        report(SweepEvent::NotReady { run: index, error });
                    }
                }
                // Last, since the other process may have finished by then.
                Action::Leave => others.push(index),
                Action::Evaluate { .. } => indices.push(index),
                Action::RepeatCanary
                | Action::Start
                | Action::Resume { .. }
                | Action::Restart { .. }
                | Action::Repair => match self.make_ready(&self.sweep.runs[index], *action) {
                    Ok(()) => indices.push(index),
                    Err(error) => {
                        report(SweepEvent::NotReady { run: index, error });
                        counts.failed += 1;
                    }
                },
            }
        }
        indices.extend(others);
        let give_up = counts.failed > 0 && self.limits.on_failure == OnFailure::Stop;
        if indices.is_empty() || give_up {
            counts.stopped = indices.len();
            return counts;
        }
        let task = |&index: &usize| {
            let run = &self.sweep.runs[index];
            let evaluations = run.requests();
            let work = match actions[index] {
                Action::Evaluate { .. } => Work::Evaluate { evaluations },
                _ => Work::Train { tensorboard: self.event_folder(run), evaluations },
            };
            self.launcher.task(&run.id, &run.spec, work)
        };
        let tasks: Vec<Task> = indices.iter().map(task).collect();
        report(SweepEvent::Training { runs: &indices, actions });
        let ends = execute(&tasks, &self.limits, interrupts, &mut |task, event| {
            report(SweepEvent::Task { task, event: &event });
        });
        counts.add(&ends);
        counts
    }

    /// Moves aside what the run cannot continue from, and writes its specification.
    fn make_ready(&self, run: &ResolvedRun, action: Action) -> Result<(), StoreError> {
        let dir = self.launcher.store.run(&run.id);
        let Some(lease) = dir.lease()? else {
            return Ok(()); // another process was faster; the worker will find out
        };
        match action {
            Action::Restart { .. } => dir.supersede(&lease)?,
            Action::Repair => dir.set_record_aside(&lease)?,
            _ => {}
        }
        if !dir.read_spec().is_ok_and(|spec| spec == run.spec) {
            dir.write_spec(&run.spec)?;
        }
        Ok(())
    }

    /// Returns a run's own folder of event files.
    fn event_folder(&self, run: &ResolvedRun) -> Option<EventFolder> {
        let EventFolder { path, picture_steps } = self.tensorboard.as_ref()?;
        let name = format!("{} {}", run.name, run.id).replace(['/', '\\', '\0'], "_");
        let path = path.join(&self.sweep.sweep.name).join(name);
        Some(EventFolder { path, picture_steps: *picture_steps })
    }
}

/// Returns how many evaluations of a finished run are left.
pub(super) fn evaluations_left(sweep: &ResolvedSweep, store: &Store, record: &Record) -> usize {
    let dir = store.run(&record.run);
    let run = sweep.runs.iter().find(|run| run.id == record.run);
    let all = run.into_iter().flat_map(|run| &run.evaluations);
    all.filter(|evaluation| evaluation.is_left(&dir, record)).count()
}
