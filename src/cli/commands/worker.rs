//! `reprise worker`: trains one run. Started by `reprise sweep`, one process per run.
//!
//! Prints [`WorkerMessage`] lines on stdout. Stops with a checkpoint after the current step when it
//! is interrupted or its stdin ends, which happens when the process that started it is gone.

use std::{
    env,
    ffi::OsString,
    io::{self, Read, Write},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use clap::Args;

use crate::{
    cli::{Failure, args::TensorboardArgs},
    experiment::{EventFolder, Work, WorkerEnd, WorkerTask, work},
};
use reprise_base::{config::protocol::EvaluationRequest, text::count};
use reprise_store::{
    provenance::UntrustedGit, store::record::RunId, sweep::message::WorkerMessage,
};

/// Arguments of `reprise worker`.
#[derive(Debug, Args)]
pub struct WorkerArgs {
    /// Folder of the run store
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Id of the run
    #[arg(long, value_name = "RUN")]
    run: RunId,
    /// Folder of packs
    #[arg(long, value_name = "DIR")]
    cache: PathBuf,
    /// Do not record a git repository that belongs to another user
    #[arg(long)]
    allow_untrusted_git: bool,
    #[command(flatten)]
    tensorboard: TensorboardArgs,
    /// Only repeat the first steps and report their digest; write nothing
    #[arg(long)]
    canary: bool,
    /// Only evaluate the run; train nothing
    #[arg(long)]
    only_evaluate: bool,
    /// How to evaluate the finished run, as JSON; can be repeated
    #[arg(long = "evaluation", value_name = "JSON", value_parser = request)]
    evaluations: Vec<EvaluationRequest>,
}

/// Parses an evaluation.
fn request(text: &str) -> Result<EvaluationRequest, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Returns the command line of a task; [`WorkerArgs`] reads it back.
pub(super) fn arguments(task: &WorkerTask) -> Vec<OsString> {
    let WorkerTask { store, run, packs, untrusted_git, work } = task;
    let mut arguments: Vec<OsString> = vec!["worker".into()];
    let mut option = |name: &str, value: OsString| arguments.extend([name.into(), value]);
    option("--store", store.into());
    option("--run", run.to_string().into());
    option("--cache", packs.into());
    let (tensorboard, evaluations, flag) = match work {
        Work::RepeatCanary => (&None, &[][..], Some("--canary")),
        Work::Train { tensorboard, evaluations } => (tensorboard, &evaluations[..], None),
        Work::Evaluate { evaluations } => (&None, &evaluations[..], Some("--only-evaluate")),
    };
    if let Some(EventFolder { path: folder, picture_steps }) = tensorboard {
        option("--tensorboard", folder.into());
        option("--picture-steps", picture_steps.to_string().into());
    }
    for evaluation in evaluations {
        let text = serde_json::to_string(evaluation).expect("a request has a JSON form");
        option("--evaluation", text.into());
    }
    arguments.extend(flag.map(OsString::from));
    if *untrusted_git == UntrustedGit::Allowed {
        arguments.push("--allow-untrusted-git".into());
    }
    arguments
}

/// Returns what `--allow-untrusted-git` means.
pub(super) const fn untrusted_git(allowed: bool) -> UntrustedGit {
    if allowed { UntrustedGit::Allowed } else { UntrustedGit::Refused }
}

/// Trains a run to its end, or until it is asked to stop.
pub fn run(args: &WorkerArgs) -> Result<(), Failure> {
    let stop = listen()?;
    let task = WorkerTask {
        store: args.store.clone(),
        run: args.run.clone(),
        packs: args.cache.clone(),
        untrusted_git: untrusted_git(args.allow_untrusted_git),
        work: args.work(),
    };
    let here = env::current_dir().map_err(Failure::WorkingFolder)?;
    match work(&task, &here, &stop, &mut |message| send(&message))? {
        WorkerEnd::Done => Ok(()),
        WorkerEnd::Stopped { done } => {
            Err(Failure::Interrupted(format!("stopped after {done} steps, with a checkpoint")))
        }
        WorkerEnd::StoppedEvaluating { done } => Err(Failure::Interrupted(format!(
            "stopped after {}, whose scores are stored",
            count(done, "sequence")
        ))),
    }
}

impl WorkerArgs {
    fn work(&self) -> Work {
        let evaluations = self.evaluations.clone();
        if self.canary {
            Work::RepeatCanary
        } else if self.only_evaluate {
            Work::Evaluate { evaluations }
        } else {
            Work::Train { tensorboard: self.tensorboard.event_folder(), evaluations }
        }
    }
}

/// Returns a flag that is set by an interrupt and by the end of stdin.
fn listen() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let interrupted = Arc::clone(&stop);
    ctrlc::set_handler(move || interrupted.store(true, Ordering::Relaxed))?;
    let orphaned = Arc::clone(&stop);
    thread::spawn(move || {
        let mut byte = [0];
        while matches!(io::stdin().read(&mut byte), Ok(1..)) {}
        orphaned.store(true, Ordering::Relaxed);
    });
    Ok(stop)
}

/// Prints a message; if the reader is gone, stdin has ended as well.
fn send(message: &WorkerMessage) {
    if let Ok(line) = serde_json::to_string(message) {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{line}").and_then(|()| stdout.flush()).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    use clap::Parser;

    use super::*;
    use reprise_base::scalar::Count;
    use reprise_store::store::samples;

    #[derive(Parser)]
    struct Parsed {
        #[command(flatten)]
        args: WorkerArgs,
    }

    #[track_caller]
    fn check(work: Work) {
        // A path need not be UTF-8.
        let store = PathBuf::from(OsStr::from_bytes(b"a \xff store"));
        let packs = PathBuf::from("packs");
        let untrusted_git = UntrustedGit::Allowed;
        let task = WorkerTask { store, run: samples::id('a'), packs, untrusted_git, work };
        let args = Parsed::parse_from(arguments(&task)).args;
        assert_eq!(args.work(), task.work);
        let WorkerArgs { store, run, cache, allow_untrusted_git, .. } = args;
        assert!(allow_untrusted_git);
        assert_eq!((store, run, cache), (task.store, task.run, task.packs));
    }

    #[test]
    fn a_task_survives_its_command_line() {
        check(Work::RepeatCanary);
        check(Work::Train { tensorboard: None, evaluations: vec![] });
        let tensorboard = EventFolder { path: "a b".into(), picture_steps: Count::literal(7) };
        let evaluations = vec![
            EvaluationRequest::default(),
            EvaluationRequest { samples: Some(Count::literal(3)), ..<_>::default() },
        ];
        check(Work::Train { tensorboard: Some(tensorboard), evaluations: evaluations.clone() });
        check(Work::Evaluate { evaluations });
    }
}
