//! `reprise sweep`: trains what is left of a sweep, then writes its report.

use std::{env, num::NonZeroUsize, thread};

use clap::Args;

use super::{report, worker};
use crate::{
    cli::{
        Failure,
        args::{FormatArgs, StoreArgs},
        interrupts::Interrupts,
        output::{summary_text, tell},
        places,
        progress::data_watch,
    },
    experiment::{
        Launcher, Machine, ResolvedRun, ResolvedSweep, RunCounts, Workers, changed_schedules,
        parent,
    },
};
use reprise_base::{
    config::{
        engine::Device,
        sweep::{Sweep, parse},
    },
    text::{count, error_chain, quoted_list, shell_word},
};
use reprise_store::{
    provenance::{GitError, check_trust, visible_devices},
    store::{
        RunFile, Store,
        manifest::{ClaimEntry, ManifestRun, SweepManifest},
    },
    sweep::scheduler::{Limits, OnFailure},
};

use reprise_torch::libtorch::device;

mod dry_run;
pub mod progress;
mod viewer;

use progress::SweepProgress;
use viewer::EventArgs;

/// Arguments of `reprise sweep`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise sweep kl_annealing --dry-run            print the plan and plot the schedules
  reprise sweep kl_annealing --preset smoke       all arms with a toy model, in a minute
  reprise sweep kl_annealing                      its default preset
  reprise sweep my/own.toml --set training.epochs=5 --set 'seeds=[1, 2]'
  reprise sweep ports --arm 'tensorflow*'         some of its arms only
  reprise sweep convlstm --tensorboard events --viewer    curves and images while it is trained

The report is `reports/NAME/report.html` for the default preset of the file and
`reports/NAME.PRESET/report.html` for any other.

Finished runs are not trained again. Ctrl-C stops every run after its current step and writes a
checkpoint; a second Ctrl-C kills the runs. The same command resumes the sweep, with bit-equal
results.")]
pub struct SweepArgs {
    /// Name of a sweep in `experiments`, or path of a sweep file
    #[arg(value_name = "NAME|FILE")]
    sweep: String,
    /// Preset of the sweep file [default: the file's default preset]
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,
    /// Override a setting of every run, e.g. `training.epochs=5`; takes precedence over the file
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// auto, cpu, cuda or cuda:N [default: the file's engine.device]
    #[arg(long, value_name = "DEVICE")]
    device: Option<Device>,
    /// Train only the arms whose label matches: `*` stands for any characters, `?` for one. The report
    /// shows all arms
    #[arg(long = "arm", value_name = "GLOB")]
    arms: Vec<String>,
    #[command(flatten)]
    carry_out: CarryOutArgs,
}

/// How runs are trained.
#[derive(Debug, Args)]
pub struct CarryOutArgs {
    /// Runs at the same time [default: CPU cores divided by threads per run; on CUDA, GPUs times
    /// runs per GPU]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Runs at the same time on each GPU
    #[arg(long, value_name = "N", default_value = "1")]
    runs_per_gpu: NonZeroUsize,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    events: EventArgs,
    /// Print the plan with reasons and estimated time, and plot the schedules; train nothing
    #[arg(long)]
    dry_run: bool,
    /// Train although the git repository around this folder belongs to another user; the records then
    /// contain neither commit nor tree
    #[arg(long)]
    allow_untrusted_git: bool,
    /// Stop all runs as soon as one has failed
    #[arg(long)]
    fail_fast: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// Carries out the sweep of a file.
pub fn run(args: &SweepArgs) -> Result<(), Failure> {
    let sweep = args.parsed()?;
    let command = args.command(&sweep);
    carry_out(sweep, command, &args.arms, &args.carry_out)
}

/// Carries out a sweep, or some of its arms; `command` repeats all of it.
pub fn carry_out(
    sweep: Sweep,
    command: String,
    arms: &[String],
    args: &CarryOutArgs,
) -> Result<(), Failure> {
    let interrupts = Interrupts::listen()?;
    check_git(args.allow_untrusted_git)?;
    let packs = places::packs()?;
    let mut sweep = ResolvedSweep::new(sweep, command, &packs, &mut data_watch())?;
    let mut manifest = sweep.manifest();
    sweep.select(arms).map_err(|pattern| no_such_arm(pattern, &manifest))?;
    for summary in &sweep.data {
        tell(summary_text(summary).trim_end());
    }
    for warning in &sweep.warnings {
        tell(&format!("warning: {warning}"));
    }
    let limits = args.limits(&sweep);
    if args.dry_run {
        return dry_run::run(&sweep, &args.store.store, limits.slots.len(), args.format.format);
    }
    let store = Store::open_or_create(&args.store.store)?;
    for run in &sweep.runs {
        if let Some(id) = &run.spec.initial_weights {
            store.read_weights(id)?;
        }
        warn_of_schedules(&store, run)?;
    }
    let before = match store.read_manifest(&manifest.name) {
        Err(error) if error.is_damage() => {
            tell(&format!("warning: {}; it is written again", error_chain(&error)));
            None
        }
        read => read?,
    };
    if let Some(before) = before.as_ref().filter(|before| before.runs != manifest.runs) {
        tell(&format!(
            "the report of `{}` will show other runs than before; the earlier runs are kept, and \
             `{}` shows them again",
            manifest.name, before.command
        ));
    }
    // A run that cannot be read has begun. Its whole state is read when the runs are planned.
    let has = |run: &ManifestRun, file| !matches!(store.run(&run.run).has(file), Ok(false));
    let has_begun = |run: &ManifestRun| has(run, RunFile::Journal) || has(run, RunFile::Record);
    let now = if manifest.runs.iter().any(has_begun) {
        ClaimEntry::AfterRuns
    } else {
        ClaimEntry::BeforeRuns
    };
    manifest.register(&sweep.sweep.claims, before.as_ref(), now);
    store.write_manifest(&manifest)?;
    let workers = Workers {
        sweep: &sweep,
        launcher: Launcher {
            store: &store,
            packs: &packs,
            untrusted_git: worker::untrusted_git(args.allow_untrusted_git),
            program: &env::current_exe().map_err(Failure::Executable)?,
            arguments: &worker::arguments,
        },
        tensorboard: args.events.event_folder(),
        limits,
    };
    let viewer = args.events.show();
    let mut progress = SweepProgress::new(&sweep);
    let counts =
        interrupts.during(|interrupts| workers.run(interrupts, &mut |event| progress.show(event)));
    progress.close();
    drop(viewer);
    if interrupts.any() && counts.stopped > 0 {
        return Err(Failure::Interrupted(format!(
            "{} of {} finished; repeat the command to resume: {}",
            counts.finished,
            count(sweep.runs.len(), "run"),
            manifest.command,
        )));
    }
    report::after_sweep(&store, &manifest.name)?;
    settle(counts, sweep.runs.len())
}

fn no_such_arm(pattern: &str, manifest: &SweepManifest) -> Failure {
    let mut arms: Vec<String> = Vec::new();
    for run in &manifest.runs {
        if !arms.contains(&run.arm) {
            arms.push(run.arm.clone());
        }
    }
    Failure::Usage {
        message: format!("no arm matches `{pattern}`; the arms are {}", quoted_list(&arms)),
        hint: "quote the pattern, so that the shell does not expand it",
    }
}

/// Checks that the run that a run continues is there, and says which schedules differ from those of one that is trained
/// at once.
fn warn_of_schedules(store: &Store, run: &ResolvedRun) -> Result<(), Failure> {
    let Some(parent) = parent(store, &run.spec)? else { return Ok(()) };
    let parent = &parent.record().spec;
    let changed = changed_schedules(parent, &run.spec);
    if !changed.is_empty() {
        tell(&format!(
            "warning: {}: not bit-equal to {} at once: depends on `training.epochs`: {}",
            run.name,
            count(run.spec.training.epochs.get(), "epoch"),
            changed.join(", "),
        ));
    }
    Ok(())
}

/// Refuses a git repository that the runs could not record.
pub fn check_git(allow_untrusted: bool) -> Result<(), Failure> {
    let here = env::current_dir().map_err(Failure::WorkingFolder)?;
    match check_trust(&here) {
        Err(error @ GitError::Untrusted { .. }) if allow_untrusted => {
            tell(&format!("warning: {error}; the records will contain neither commit nor tree"));
            Ok(())
        }
        checked => Ok(checked?),
    }
}

/// Turns how the runs ended into success or failure.
pub fn settle(counts: RunCounts, total: usize) -> Result<(), Failure> {
    if counts.failed > 0 {
        return Err(Failure::RunsFailed { failed: counts.failed, total });
    }
    if counts.newer > 0 {
        return Err(Failure::Newer { runs: counts.newer });
    }
    if counts.busy > 0 {
        return Err(Failure::Busy { runs: counts.busy });
    }
    Ok(())
}

impl SweepArgs {
    /// Reads the sweep file.
    fn parsed(&self) -> Result<Sweep, Failure> {
        let source = places::sweep_source(&self.sweep)?;
        let device = self.device.map(|device| format!("engine.device=\"{device}\""));
        let sets: Vec<String> = self.sets.iter().cloned().chain(device).collect();
        Ok(parse(&source, self.preset.as_deref(), &sets)?)
    }

    /// Returns the command that repeats the sweep in a clone of the repository, without options
    /// that change no number.
    fn command(&self, sweep: &Sweep) -> String {
        let device = self.device.map(|device| format!(" --device {device}")).unwrap_or_default();
        let set = |set: &String| format!(" --set {}", shell_word(set));
        let sets: String = self.sets.iter().map(set).collect();
        format!("./just sweep {} --preset {}{sets}{device}", shell_word(&self.sweep), sweep.preset)
    }
}

impl CarryOutArgs {
    fn limits(&self, sweep: &ResolvedSweep) -> Limits {
        let machine = Machine {
            cores: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            gpus: gpus(sweep),
            runs_per_gpu: self.runs_per_gpu,
        };
        Limits {
            slots: machine.slots(&sweep.runs, self.jobs),
            on_failure: if self.fail_fast { OnFailure::Stop } else { OnFailure::Continue },
        }
    }
}

/// Returns the GPUs of this process, as `CUDA_VISIBLE_DEVICES` names them; none if no run uses CUDA.
fn gpus(sweep: &ResolvedSweep) -> Vec<String> {
    let on_cuda = sweep.runs.iter().any(|run| matches!(run.spec.engine.device, Device::Cuda(_)));
    let count = if on_cuda && device::cuda().is_ok() { device::count() } else { 0 };
    let all = || (0..count).map(|index| index.to_string()).collect();
    let mut gpus = visible_devices().unwrap_or_else(all);
    gpus.truncate(count as usize);
    gpus
}
