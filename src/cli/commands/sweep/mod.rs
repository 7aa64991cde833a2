//! `reprise sweep`: trains what is left of a sweep, then writes its report.

use std::num::NonZeroUsize;

use clap::Args;

use crate::{
    cli::{
        Failure,
        args::{FormatArgs, StoreArgs, TensorboardArgs},
        interrupts::Interrupts,
        output::{count, tell},
        places,
    },
    config::{
        engine::Device,
        sweep::{Sweep, parse},
    },
    libtorch::device,
    store::Store,
    sweep::local::OnFailure,
};

mod dry_run;
mod study;
mod work;

use study::Study;
use work::Tally;

/// Arguments of `reprise sweep`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise sweep kl_annealing --dry-run            what would be done, and the schedules
  reprise sweep kl_annealing --preset smoke       the whole sweep within a minute
  reprise sweep kl_annealing                      its default preset
  reprise sweep my/own.toml --set training.epochs=5 --set 'seeds=[1, 2]'
  reprise sweep convlstm --tensorboard events     then: tensorboard --logdir events

The report is `reports/NAME/report.html`; that of another preset than the file's default is
`reports/NAME.PRESET/report.html`, so that none replaces another.

Finished runs are kept: a sweep may be interrupted at any time (Ctrl-C stops at the next step with a
checkpoint, a second Ctrl-C at once) and goes on with the same command, to the same bits.")]
pub struct SweepArgs {
    /// Name of a sweep in `experiments`, or the path of a sweep file
    #[arg(value_name = "NAME|FILE")]
    sweep: String,
    /// Scale of the sweep, as its file names them; the file's default if none is given
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,
    /// Change a setting of every run, e.g. `training.epochs=5`; wins over everything in the file
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Runs at the same time; as many as the threads of the runs leave room for, if none is given
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// auto, cpu, cuda or cuda:N; the sweep file's if none is given
    #[arg(long, value_name = "DEVICE")]
    device: Option<Device>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    tensorboard: TensorboardArgs,
    /// Say what would be done and why, how long it would take, and plot the schedules
    #[arg(long)]
    dry_run: bool,
    /// Stop all runs when one has failed
    #[arg(long)]
    fail_fast: bool,
    #[command(flatten)]
    format: FormatArgs,
}

/// Whether a sweep has changed since it was carried out before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Neither its manifest nor a run.
    None,
    /// Something has.
    Some,
}

/// Carries out a sweep.
pub fn run(args: &SweepArgs) -> Result<(), Failure> {
    let interrupts = Interrupts::listen()?;
    let study = Study::of(args.resolved()?, args.command(), &places::packs()?)?;
    if args.dry_run {
        return dry_run::run(&study, args);
    }
    let store = Store::open_or_create(&args.store.store)?;
    for run in &study.runs {
        if let Some(id) = &run.spec.initial_weights {
            store.read_weights(id)?;
        }
    }
    let manifest = study.manifest();
    let before = store.read_manifest(&manifest.name)?;
    if let Some(before) = before.as_ref().filter(|before| before.runs != manifest.runs) {
        tell(&format!(
            "the report of `{}` is going to show other runs than those of `{}`; these are kept, and \
             that command shows them again",
            manifest.name, before.command
        ));
    }
    let known = before.as_ref() == Some(&manifest);
    store.write_manifest(&manifest)?;
    let tally = work::work(&study, &store, args, &interrupts)?;
    if interrupts.any() && tally.stopped > 0 {
        return Err(Failure::Interrupted(format!(
            "{} of {} are finished; the same command goes on: {}",
            tally.finished,
            count(study.runs.len(), "run"),
            manifest.command,
        )));
    }
    let change = if known && tally.worked == 0 { Change::None } else { Change::Some };
    super::report::after_sweep(&store, &manifest.name, change)?;
    settle(&tally, study.runs.len())
}

/// Turns what became of the runs into success or failure.
fn settle(tally: &Tally, total: usize) -> Result<(), Failure> {
    if tally.failed > 0 {
        return Err(Failure::RunsFailed { failed: tally.failed, total });
    }
    if tally.newer > 0 {
        return Err(Failure::Newer { runs: count(tally.newer, "run") });
    }
    if tally.busy > 0 {
        return Err(Failure::Busy { runs: count(tally.busy, "run") });
    }
    Ok(())
}

impl SweepArgs {
    /// Reads the sweep file and makes every device a concrete one.
    fn resolved(&self) -> Result<Sweep, Failure> {
        let source = places::sweep_source(&self.sweep)?;
        let device = self.device.map(|device| format!("engine.device=\"{device}\""));
        let sets: Vec<String> = self.sets.iter().cloned().chain(device).collect();
        let mut sweep = parse(&source, self.preset.as_deref(), &sets)?;
        for run in &mut sweep.runs {
            run.spec.engine.resolve(device::auto);
        }
        Ok(sweep)
    }

    /// Returns the command that repeats the sweep, without options that change no number.
    fn command(&self) -> impl Fn(&Sweep) -> String {
        let device = self.device.map(|device| format!(" --device {device}")).unwrap_or_default();
        let set = |set: &String| format!(" --set {}", quoted(set));
        let sets: String = self.sets.iter().map(set).collect();
        let name = quoted(&self.sweep);
        move |sweep| format!("./just sweep {name} --preset {}{sets}{device}", sweep.preset)
    }

    const fn on_failure(&self) -> OnFailure {
        if self.fail_fast { OnFailure::Stop } else { OnFailure::GoOn }
    }
}

/// Quotes a word for a shell where it needs it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, expected: &str) {
        assert_eq!(quoted(word), expected);
    }

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        check("training.epochs=5", "training.epochs=5");
        check("seeds=[1, 2]", "'seeds=[1, 2]'");
        check("it's", r"'it'\''s'");
        check("", "''");
    }
}
