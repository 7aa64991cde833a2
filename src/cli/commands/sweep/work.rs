//! Plans the runs of a sweep and has workers carry them out.

use std::{env, num::NonZeroUsize, path::PathBuf, thread};

use super::{
    SweepArgs,
    study::{Study, StudyRun},
};
pub(super) use crate::sweep::local::ATTEMPTS_MAX;
use crate::{
    cli::{
        Failure,
        args::TensorboardArgs,
        interrupts::Interrupts,
        output::{count, tell},
        places,
        progress::{Board, Run},
    },
    config::engine::Device,
    provenance::SOURCES_SHA256,
    scalar::Step,
    store::{RunFile, Store, StoreError},
    sweep::{
        local::{End, Happening, OnFailure, Pool, Task, execute},
        message::Message,
        observe::observe,
        plan::{Action, Code, Observed, Progress, SkipReason, plan},
    },
};

/// What became of the runs of a sweep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Runs with a record, old and new.
    pub(super) finished: usize,
    /// Runs that were worked on.
    pub(super) worked: usize,
    /// Runs that were stopped or not begun.
    pub(super) stopped: usize,
    /// Runs that failed for good.
    pub(super) failed: usize,
    /// Runs that other processes work on.
    pub(super) busy: usize,
    /// Runs that a newer reprise wrote.
    pub(super) newer: usize,
}

/// Returns how many workers run at the same time: as asked for, or one for every device, or as many
/// as the cores have room for.
pub(super) fn jobs(study: &Study, asked: Option<NonZeroUsize>) -> NonZeroUsize {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = study.runs.iter().map(|run| run.spec.engine.threads.len()).max().unwrap_or(1);
    let on_cpu = study.runs.iter().all(|run| run.spec.engine.device == Device::Cpu);
    let room = if on_cpu { cores / threads } else { 1 };
    asked.or(NonZeroUsize::new(room)).unwrap_or(NonZeroUsize::MIN)
}

/// Trains what is left of a sweep.
pub(super) fn work(
    study: &Study,
    store: &Store,
    args: &SweepArgs,
    interrupts: &Interrupts,
) -> Result<Tally, Failure> {
    let program = env::current_exe().map_err(Failure::Itself)?;
    let tensorboard = &args.tensorboard;
    let crew = Crew { program, cache: places::packs()?, study, store, tensorboard };
    let pool = Pool { jobs: jobs(study, args.jobs), on_failure: args.on_failure() };
    let mut observed = study
        .runs
        .iter()
        .map(|run| observe(&store.run(&run.id), SOURCES_SHA256))
        .collect::<Result<Vec<_>, _>>()?;
    let mut actions = plan(&observed, ATTEMPTS_MAX);
    if actions.contains(&Action::RepeatCanary) {
        crew.repeat_canaries(&mut observed, &actions, pool, interrupts)?;
        if interrupts.any() {
            return Ok(Tally { stopped: study.runs.len(), ..Tally::default() });
        }
        actions = plan(&observed, ATTEMPTS_MAX);
    }
    tell_plan(study, &actions);
    Ok(crew.train(&actions, pool, interrupts))
}

/// Says what is skipped and what is left, before anything begins.
fn tell_plan(study: &Study, actions: &[Action]) {
    for (run, action) in study.runs.iter().zip(actions) {
        if !matches!(action, Action::Skip { .. } | Action::Start) {
            tell(&format!("{}: {action}", run.name));
        }
    }
    let skipped = |wanted: &[SkipReason]| {
        let is_wanted = |action: &&Action| match action {
            Action::Skip { reason } => wanted.contains(reason),
            _ => false,
        };
        actions.iter().filter(is_wanted).count()
    };
    let total = count(actions.len(), "run");
    let finished = match skipped(&[SkipReason::SameCode, SkipReason::SameNumbers]) {
        0 => String::new(),
        all if all == actions.len() => ", all finished already".to_owned(),
        some => format!(", {some} finished already"),
    };
    let checked = match skipped(&[SkipReason::SameNumbers]) {
        0 => String::new(),
        some => format!(" (code changed, numbers did not: {some})"),
    };
    tell(&format!("{}: {total}{finished}{checked}", study.sweep.name));
}

/// What every worker needs.
struct Crew<'a> {
    program: PathBuf,
    cache: PathBuf,
    study: &'a Study,
    store: &'a Store,
    tensorboard: &'a TensorboardArgs,
}

impl Crew<'_> {
    /// Repeats the first steps of finished runs that other code made, and notes what came out.
    fn repeat_canaries(
        &self,
        observed: &mut [Observed],
        actions: &[Action],
        pool: Pool,
        interrupts: &Interrupts,
    ) -> Result<(), Failure> {
        let indices: Vec<usize> =
            (0..actions.len()).filter(|&index| actions[index] == Action::RepeatCanary).collect();
        tell(&format!(
            "the code has changed since {} finished: repeating their first two steps",
            count(indices.len(), "run"),
        ));
        let tasks: Vec<Task> =
            indices.iter().map(|&index| self.task(index, &["--canary".to_owned()])).collect();
        let mut digests = vec![None; tasks.len()];
        interrupts.during(|interrupts| {
            execute(&tasks, pool, interrupts, &mut |task, happening| {
                if let Happening::Said(Message::Canary { digest }) = happening {
                    digests[task] = digest;
                }
            })
        });
        for (&index, digest) in indices.iter().zip(digests) {
            let record = self.store.run(&self.study.runs[index].id).read_record()?;
            // A canary that failed or diverged shows no equal numbers either.
            let equal = digest.is_some() && digest == record.canary;
            let code = if equal { Code::CanaryEqual } else { Code::CanaryDiffers };
            observed[index].progress = Progress::Finished { code };
        }
        Ok(())
    }

    /// Has all runs trained whose action asks for it.
    fn train(&self, actions: &[Action], pool: Pool, interrupts: &Interrupts) -> Tally {
        let mut tally = Tally::default();
        let mut indices = Vec::new();
        let mut others = Vec::new();
        for (index, action) in actions.iter().enumerate() {
            match action {
                Action::Skip { .. } => tally.finished += 1,
                Action::Refuse { .. } => tally.newer += 1,
                Action::GiveUp { .. } => tally.failed += 1,
                // Last, in the hope that the other process is done by then.
                Action::Leave => others.push(index),
                Action::RepeatCanary
                | Action::Start
                | Action::Resume { .. }
                | Action::Restart { .. }
                | Action::Retry { .. } => match self.make_ready(index, *action) {
                    Ok(()) => indices.push(index),
                    Err(error) => {
                        let name = &self.study.runs[index].name;
                        tell(&format!("{name}: failed\n{}", Failure::from(error).render()));
                        tally.failed += 1;
                    }
                },
            }
        }
        indices.extend(others);
        let give_up = tally.failed > 0 && pool.on_failure == OnFailure::Stop;
        if indices.is_empty() || give_up {
            tally.stopped = indices.len();
            return tally;
        }
        let tasks: Vec<Task> = indices
            .iter()
            .map(|&index| self.task(index, &self.shown_to_tensorboard(index)))
            .collect();
        let shown = |&index: &usize| shown(&self.study.runs[index], actions[index]);
        let mut board = Board::new(indices.iter().map(shown).collect(), tally.finished);
        let ends = interrupts.during(|interrupts| {
            execute(&tasks, pool, interrupts, &mut |task, happening| board.show(task, &happening))
        });
        board.close();
        for end in &ends {
            match end {
                End::Done => tally.finished += 1,
                End::Busy => tally.busy += 1,
                End::Stopped => tally.stopped += 1,
                End::Failed(_) => tally.failed += 1,
            }
        }
        tally.worked = ends.len();
        tally
    }

    /// Puts aside what a run does not go on from, and writes down what is to be trained.
    fn make_ready(&self, index: usize, action: Action) -> Result<(), StoreError> {
        let run = &self.study.runs[index];
        let dir = self.store.run(&run.id);
        let Some(lease) = dir.lease()? else {
            return Ok(()); // somebody was faster; the worker will see it
        };
        if matches!(action, Action::Restart { .. }) {
            dir.supersede(&lease)?;
        }
        if !dir.has(RunFile::Spec)? {
            dir.write_spec(&run.spec)?;
        }
        Ok(())
    }

    /// Returns the arguments that have a worker show its run, each run in a folder of its own.
    fn shown_to_tensorboard(&self, index: usize) -> Vec<String> {
        let TensorboardArgs { tensorboard, picture_steps } = self.tensorboard;
        let Some(folder) = tensorboard else { return Vec::new() };
        let run = &self.study.runs[index];
        let name = format!("{} {}", run.name, run.id).replace(['/', '\\', '\0'], "_");
        let folder = folder.join(&self.study.sweep.name).join(name);
        vec![
            "--tensorboard".to_owned(),
            folder.display().to_string(),
            "--picture-steps".to_owned(),
            picture_steps.get().to_string(),
        ]
    }

    fn task(&self, index: usize, more: &[String]) -> Task {
        let run = &self.study.runs[index];
        let dir = self.store.run(&run.id);
        let text = |path: &std::path::Path| path.display().to_string();
        let arguments = [
            "worker".to_owned(),
            "--store".to_owned(),
            text(self.store.root()),
            "--run".to_owned(),
            run.id.to_string(),
            "--cache".to_owned(),
            text(&self.cache),
        ];
        let threads = run.spec.engine.threads.get().to_string();
        let environment = [
            ("OMP_NUM_THREADS", threads.as_str()),
            ("MKL_NUM_THREADS", threads.as_str()),
            ("CUBLAS_WORKSPACE_CONFIG", ":4096:8"), // equal sums from equal inputs in cuBLAS
        ];
        Task {
            program: self.program.clone(),
            arguments: arguments.iter().chain(more).cloned().collect(),
            environment: environment.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            log: dir.root().join("stderr.log"),
        }
    }
}

fn shown(run: &StudyRun, action: Action) -> Run {
    let done = match action {
        Action::Resume { step: Step(done) } => done,
        _ => 0,
    };
    Run { name: run.name.clone(), total: run.spec.training.total_steps(), done }
}
