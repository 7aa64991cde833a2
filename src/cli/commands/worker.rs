//! `reprise worker`: trains one run. Started by `reprise sweep`, one process per run.
//!
//! Says what happens as JSON lines on stdout. Stops at the next step with a checkpoint when it is
//! interrupted or its stdin ends, as it does when the process that started it is gone.

use std::{
    env,
    io::{self, Read, Write},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use clap::Args;

use crate::{
    cli::{Failure, args::TensorboardArgs, output::tell},
    config::RunSpec,
    data::{self, Pack, Required},
    fs, libtorch,
    provenance::code_record,
    store::{
        Lease, RunDir, RunFile, State, Store, StoreError, checkpoint::read_checkpoint,
        record::RunId, run_id,
    },
    sweep::message::Message,
    train::{
        self,
        log::Tensorboard,
        run::{End, Job},
    },
};

/// How often a lease that somebody else holds is asked for, and the pause in between: a worker whose
/// sweep was killed needs a moment to notice.
const LEASE_ATTEMPTS: u32 = 50;
const LEASE_PAUSE: Duration = Duration::from_millis(200);

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
    #[command(flatten)]
    tensorboard: TensorboardArgs,
    /// Repeat only the first steps and say what came out; write nothing
    #[arg(long)]
    canary: bool,
}

/// Trains a run to its end, or until it is asked to stop.
pub fn run(args: &WorkerArgs) -> Result<(), Failure> {
    let stop = listen()?;
    let store = Store::open(&args.store)?;
    let dir = store.run(&args.run);
    let spec = dir.read_spec()?;
    let initial = spec.initial_weights.as_ref().map(|id| store.read_weights(id)).transpose()?;
    let initial = initial.as_deref();
    let pack = data::open(&spec.data.dataset, Required::AllSplits, &args.cache, &mut |_| {})?;
    check_identity(&dir, &spec, &pack)?;
    let device = libtorch::prepare(&spec.engine)?.device;
    if args.canary {
        say(&Message::Canary { digest: train::run::canary(&spec, &pack, initial, device)? });
        return Ok(());
    }
    let Some(lease) = wait_for_lease(&dir, &stop)? else {
        say(&Message::Busy);
        return Ok(());
    };
    let TensorboardArgs { tensorboard, picture_steps } = &args.tensorboard;
    let tensorboard =
        tensorboard.as_deref().map(|folder| Tensorboard { folder, picture_steps: *picture_steps });
    let (spec, pack, dir, stop) = (&spec, &pack, &dir, &*stop);
    let job = Job { spec, pack, dir, initial, device, tensorboard, stop };
    match dir.observe()?.state {
        State::Finished(record) => {
            say(&Message::Finished { outcome: record.outcome });
            return Ok(());
        }
        State::Newer { .. } => return Err(Failure::Newer { runs: "1 run".to_owned() }),
        State::NotResumable { .. } => begin_anew(&job, &lease)?,
        State::Resumable(_) => {
            if !still_computes_the_same(&job)? {
                tell("this code or machine computes other numbers than the run began with: anew");
                begin_anew(&job, &lease)?;
            }
        }
        State::Nothing => {}
    }
    train_leased(&job)
}

/// Trains a run whose lease is held, and writes its record.
fn train_leased(job: &Job<'_>) -> Result<(), Failure> {
    let here = env::current_dir().map_err(Failure::Itself)?;
    let (code, patch) = code_record(&here)?;
    if !patch.is_empty() || job.dir.has(RunFile::CodePatch)? {
        fs::write_atomic(&job.dir.path(RunFile::CodePatch), &patch)?;
    }
    match train::run::train(job, &mut |progress| say(&Message::Progress(progress)))? {
        End::Stopped { done } => {
            Err(Failure::Interrupted(format!("stopped after {done} steps, with a checkpoint")))
        }
        End::Finished(finished) => {
            let record = train::record::assemble(job, *finished, code)?;
            job.dir.write_record(&record)?;
            say(&Message::Finished { outcome: record.outcome });
            Ok(())
        }
    }
}

/// Listens for interrupts and for the end of stdin.
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

/// Says something to the process that started this one; if it is gone, stdin has ended, too.
fn say(message: &Message) {
    if let Ok(line) = serde_json::to_string(message) {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{line}").and_then(|()| stdout.flush()).ok();
    }
}

/// Refuses to train under the name of a run what would be another run.
fn check_identity(dir: &RunDir, spec: &RunSpec, pack: &Pack) -> Result<(), Failure> {
    let now = run_id(spec, pack.payload_sha256(), &libtorch::version());
    if now == *dir.id() {
        Ok(())
    } else {
        Err(Failure::Identity { run: dir.id().to_string(), now: now.to_string() })
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

/// Puts an attempt aside that cannot be continued.
fn begin_anew(job: &Job<'_>, lease: &Lease) -> Result<(), StoreError> {
    job.dir.supersede(lease)?;
    job.dir.write_spec(job.spec)
}

/// Repeats the first steps of an interrupted run, since code or machine may be others by now.
fn still_computes_the_same(job: &Job<'_>) -> Result<bool, Failure> {
    let checkpoint = read_checkpoint(&job.dir.path(RunFile::Checkpoint))?;
    match checkpoint.trainer.get("canary").and_then(|canary| canary.as_str()) {
        None => Ok(true), // interrupted within the first steps
        Some(canary) => Ok(train::run::canary(job.spec, job.pack, job.initial, job.device)?
            .as_deref()
            == Some(canary)),
    }
}
