use std::{
    ffi::OsString,
    num::NonZeroUsize,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU32},
};

use super::*;
use reprise_base::{
    config::{
        engine::Device,
        protocol::EvaluationRequest,
        sweep::{SweepSource, parse},
    },
    fs,
};
use reprise_data::{self as data, Required};
use reprise_store::{
    provenance::UntrustedGit,
    store::{FinishedRun, RunFile, Store, evaluation::EvaluationFile, record::Outcome},
    sweep::{
        message::WorkerMessage,
        plan::Action,
        scheduler::{Limits, OnFailure, Slot},
    },
};

/// The tiny sweep of `tests/it`.
const TINY: &str = include_str!("../../tests/fixtures/tiny.toml");

/// A store with the tiny sweep.
struct Fixture {
    folder: tempfile::TempDir,
    sweep: ResolvedSweep,
    store: Store,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = SweepSource::from_bytes(Path::new("tiny.toml"), TINY.into()).unwrap();
        let sweep = parse(&source, None, &[]).unwrap();
        let packs = folder.path().join("packs");
        let sweep = ResolvedSweep::new(sweep, "command".to_owned(), &packs, &mut |_| {}).unwrap();
        let store = Store::open_or_create(&folder.path().join("store")).unwrap();
        Self { folder, sweep, store }
    }

    fn actions(&self) -> Vec<String> {
        let planned = forecast(&self.sweep, Some(&self.store)).unwrap();
        planned.into_iter().map(|run| run.action).collect()
    }

    /// Works on the first run, whose specification must be written.
    fn work(&self, work: Work, stop: bool) -> (WorkerEnd, Vec<WorkerMessage>) {
        let task = WorkerTask {
            store: self.store.root().to_owned(),
            run: self.sweep.runs[0].id.clone(),
            packs: self.folder.path().join("packs"),
            untrusted_git: UntrustedGit::Refused,
            work,
        };
        let mut messages = Vec::new();
        let report = &mut |message| messages.push(message);
        let end = super::work(&task, self.folder.path(), &AtomicBool::new(stop), report).unwrap();
        (end, messages)
    }
}

const TRAIN: Work = Work::Train { tensorboard: None, evaluations: Vec::new() };

#[test]
fn a_run_is_trained_stopped_resumed_and_recorded() {
    let fixture = Fixture::new();
    let dir = fixture.store.run(&fixture.sweep.runs[0].id);
    drop(dir.lease().unwrap());
    dir.write_spec(&fixture.sweep.runs[0].spec).unwrap();
    assert_eq!(fixture.actions(), ["start", "start"]);

    let (_, canary) = fixture.work(Work::RepeatCanary, false);
    let [WorkerMessage::Canary { digest: Some(digest) }] = canary.as_slice() else {
        panic!("{canary:?}")
    };
    assert!(!dir.has(RunFile::Journal).unwrap(), "a canary writes nothing");

    let (end, _) = fixture.work(TRAIN, true);
    assert_eq!(end, WorkerEnd::Stopped { done: 1 });
    assert_eq!(fixture.actions(), ["resume from step 1", "start"]);

    let lease = dir.lease().unwrap();
    let (end, messages) = fixture.work(TRAIN, true);
    assert_eq!((end, messages.as_slice()), (WorkerEnd::Done, &[WorkerMessage::Busy][..]));
    drop(lease);

    let (end, messages) = fixture.work(TRAIN, false);
    let finished = WorkerMessage::Finished { outcome: Outcome::Completed };
    assert_eq!((end, messages.last()), (WorkerEnd::Done, Some(&finished)));
    assert_eq!(dir.read_record().unwrap().canary.as_ref(), Some(digest));
    assert_eq!(fixture.actions(), ["skip: finished", "start"]);

    let (_, messages) = fixture.work(TRAIN, false);
    assert_eq!(messages, [finished], "a finished run is not trained again");
}

#[test]
fn a_failed_worker_is_counted_and_the_other_runs_are_trained() {
    let fixture = Fixture::new();
    let failing = fixture.sweep.runs[0].id.to_string();
    // In place of a worker: fails for the first run and succeeds for the second.
    let arguments = |task: &WorkerTask| {
        let code = if task.run.as_str() == failing { "3" } else { "0" };
        ["-c", &format!("exit {code}")].map(OsString::from).to_vec()
    };
    let workers = Workers {
        sweep: &fixture.sweep,
        launcher: Launcher {
            store: &fixture.store,
            packs: fixture.folder.path(),
            untrusted_git: UntrustedGit::Refused,
            program: Path::new("sh"),
            arguments: &arguments,
        },
        tensorboard: None,
        limits: Limits { slots: vec![Slot::default()], on_failure: OnFailure::Continue },
    };
    let mut planned = Vec::new();
    let counts = workers.run(&AtomicU32::new(0), &mut |event| {
        if let SweepEvent::Planned(actions) = event {
            planned = actions.to_vec();
        }
    });
    assert_eq!(planned, [Action::Start, Action::Start]);
    let expected = RunCounts { finished: 1, tasks: 2, failed: 1, ..RunCounts::default() };
    assert_eq!(counts, expected);
}

#[test]
fn runs_share_the_cores() {
    let fixture = Fixture::new();
    let slots = |cores| {
        let cores = NonZeroUsize::new(cores).unwrap();
        let machine = Machine { cores, gpus: Vec::new(), runs_per_gpu: NonZeroUsize::MIN };
        machine.slots(&fixture.sweep.runs, None).len()
    };
    assert_eq!([1, 2, 5].map(slots), [1, 2, 5]);
}

#[test]
fn runs_are_spread_over_the_gpus() {
    let mut fixture = Fixture::new();
    for run in &mut fixture.sweep.runs {
        run.spec.engine.device = Device::Cuda(0);
    }
    let slots = |gpus: &[&str], runs_per_gpu, jobs| {
        let gpus = gpus.iter().map(|&gpu| gpu.to_owned()).collect();
        let [cores, runs_per_gpu] = [8, runs_per_gpu].map(|it| NonZeroUsize::new(it).unwrap());
        let slots = Machine { cores, gpus, runs_per_gpu }
            .slots(&fixture.sweep.runs, NonZeroUsize::new(jobs));
        let gpu = |slot: &Slot| slot.environment.first().map_or("any", |(_, gpu)| gpu).to_owned();
        slots.iter().map(gpu).collect::<Vec<_>>()
    };
    assert_eq!(slots(&["0"], 1, 0), ["any"]);
    assert_eq!(slots(&["0"], 2, 0), ["any", "any"]);
    assert_eq!(slots(&["2", "0"], 2, 0), ["2", "0", "2", "0"]);
    assert_eq!(slots(&["2", "0"], 1, 1), ["2"]);
    assert_eq!(slots(&["2", "0"], 1, 3), ["2", "0", "2"]);
    fixture.sweep.runs[0].spec.engine.device = Device::Cuda(1);
    let cores = NonZeroUsize::MIN;
    let machine = Machine { cores, gpus: vec!["0".into(), "1".into()], runs_per_gpu: cores };
    assert_eq!(machine.slots(&fixture.sweep.runs, None), [Slot::default()]);
}

#[test]
fn a_finished_run_is_evaluated_once_and_not_trained_again() {
    let mut fixture = Fixture::new();
    let dir = fixture.store.run(&fixture.sweep.runs[0].id);
    drop(dir.lease().unwrap());
    dir.write_spec(&fixture.sweep.runs[0].spec).unwrap();
    fixture.work(TRAIN, false);
    let journal = fixture.store.run(&fixture.sweep.runs[0].id).path(RunFile::Journal);
    let before = fs::read(&journal, 1 << 20).unwrap();

    let request = |text: &str| -> EvaluationRequest { serde_json::from_str(text).unwrap() };
    let own = request("{}");
    let sampled =
        request(r#"{ "name": "sampled", "samples": 3, "sequences": 2, "split": "train" }"#);
    let evaluations = vec![own, sampled];
    let pack = data::open(
        &fixture.sweep.runs[0].spec.data.dataset,
        Required::AllSplits,
        &fixture.folder.path().join("packs"),
        &mut |_| {},
    )
    .unwrap();
    for run in &mut fixture.sweep.runs {
        let resolve = |request| ResolvedEvaluation::new(request, &run.spec, &pack).unwrap();
        run.evaluations = evaluations.iter().map(resolve).collect();
    }
    // The test at the end of training is the run's own protocol.
    assert_eq!(fixture.actions(), ["evaluate: 1 evaluation left", "start"]);

    let work = || Work::Evaluate { evaluations: evaluations.clone() };
    let (end, messages) = fixture.work(work(), false);
    assert_eq!(end, WorkerEnd::Done);
    let name = "sampled".to_owned();
    assert!(messages.contains(&WorkerMessage::Evaluating { name }), "{messages:?}");
    assert_eq!(fixture.actions(), ["skip: finished", "start"]);
    let run = FinishedRun::open(&dir).unwrap();
    let (finished, unreadable) = run.evaluations().unwrap();
    assert!(unreadable.is_empty());
    let [evaluation] = finished.as_slice() else { panic!("{finished:?}") };
    assert_eq!(evaluation.sequences().unwrap().len(), 2);
    assert_eq!(evaluation.record().protocol.rollout.unwrap().samples.get(), 3);
    let record = fs::read(
        &dir.evaluation(&evaluation.record().evaluation).path(EvaluationFile::Record),
        1 << 20,
    );

    let (_, messages) = fixture.work(work(), false);
    assert_eq!(messages, [WorkerMessage::Finished { outcome: Outcome::Completed }]);
    let again = fs::read(
        &dir.evaluation(&evaluation.record().evaluation).path(EvaluationFile::Record),
        1 << 20,
    );
    assert_eq!(record.unwrap(), again.unwrap(), "it is computed once");
    assert_eq!(fs::read(&journal, 1 << 20).unwrap(), before, "nothing is trained");
}

#[test]
fn an_evaluation_that_is_stopped_is_continued_to_the_same_bytes() {
    let fixture = Fixture::new();
    let dir = fixture.store.run(&fixture.sweep.runs[0].id);
    drop(dir.lease().unwrap());
    dir.write_spec(&fixture.sweep.runs[0].spec).unwrap();
    fixture.work(TRAIN, false);
    let request = r#"{ "samples": 4, "sequences": 3, "split": "train" }"#;
    let work = || Work::Evaluate { evaluations: vec![serde_json::from_str(request).unwrap()] };
    let folder = || dir.evaluations().unwrap().remove(0);
    let artefacts = || folder().read_record().unwrap().artefacts;

    let (end, _) = fixture.work(work(), true);
    assert_eq!(end, WorkerEnd::StoppedEvaluating { done: 1 });
    assert!(folder().read_record().is_err(), "it is not finished");
    let (end, _) = fixture.work(work(), false);
    assert_eq!(end, WorkerEnd::Done);
    let resumed = artefacts();

    std::fs::remove_dir_all(dir.root().join("evaluations")).unwrap();
    fixture.work(work(), false);
    assert_eq!(artefacts(), resumed);
}
