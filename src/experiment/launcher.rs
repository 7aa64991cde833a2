//! Starts workers.

use std::{ffi::OsString, path::Path, sync::atomic::AtomicU32};

use super::{Work, WorkerTask};
use reprise_base::config::{RunSpec, protocol::EvaluationRequest};
use reprise_store::{
    provenance::UntrustedGit,
    store::{RunFile, Store, record::RunId},
    sweep::scheduler::{Limits, Task, TaskEnd, TaskEvent, execute},
};

/// The runs of a sweep, counted by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Have a record, old or new.
    pub finished: usize,
    /// Had a task.
    pub tasks: usize,
    /// Were stopped or not started.
    pub stopped: usize,
    /// Failed at every attempt.
    pub failed: usize,
    /// Other processes are working on them.
    pub busy: usize,
    /// A newer reprise wrote them.
    pub newer: usize,
}

/// How workers are started.
#[derive(Clone, Copy)]
pub struct Launcher<'a> {
    /// Where runs are kept.
    pub store: &'a Store,
    /// Folder of packs.
    pub packs: &'a Path,
    /// What to do with a git repository of another user.
    pub untrusted_git: UntrustedGit,
    /// The program that carries out a [`WorkerTask`].
    pub program: &'a Path,
    /// Returns its arguments.
    pub arguments: &'a dyn Fn(&WorkerTask) -> Vec<OsString>,
}

impl Launcher<'_> {
    /// Returns the task of a worker.
    pub(super) fn task(&self, run: &RunId, spec: &RunSpec, work: Work) -> Task {
        let task = WorkerTask {
            store: self.store.root().to_owned(),
            run: run.clone(),
            packs: self.packs.to_owned(),
            untrusted_git: self.untrusted_git,
            work,
        };
        let threads = spec.engine.threads.get().to_string();
        let environment =
            [("OMP_NUM_THREADS", threads.as_str()), ("MKL_NUM_THREADS", threads.as_str())];
        Task {
            program: self.program.to_owned(),
            arguments: (self.arguments)(&task),
            environment: environment.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            log: self.store.run(run).path(RunFile::Stderr),
        }
    }

    /// Evaluates finished runs, each by the same requests. `interrupts` counts requests to stop.
    pub fn evaluate(
        &self,
        runs: &[(RunId, RunSpec)],
        requests: &[EvaluationRequest],
        limits: &Limits,
        interrupts: &AtomicU32,
        report: &mut dyn FnMut(usize, TaskEvent),
    ) -> RunCounts {
        let work = || Work::Evaluate { evaluations: requests.to_vec() };
        let tasks: Vec<Task> =
            runs.iter().map(|(run, spec)| self.task(run, spec, work())).collect();
        let mut counts = RunCounts::default();
        counts.add(&execute(&tasks, limits, interrupts, report));
        counts
    }
}

impl RunCounts {
    /// Counts how tasks ended.
    pub(super) fn add(&mut self, ends: &[TaskEnd]) {
        self.tasks += ends.len();
        for end in ends {
            match end {
                TaskEnd::Done => self.finished += 1,
                TaskEnd::Busy => self.busy += 1,
                TaskEnd::Stopped => self.stopped += 1,
                TaskEnd::Failed(_) => self.failed += 1,
            }
        }
    }
}
