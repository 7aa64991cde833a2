//! `reprise status`: the progress of sweeps.

use clap::Args;
use serde::Serialize;

use crate::cli::{
    Failure,
    args::{FormatArgs, OutputFormat, StoreArgs},
    output::{print, print_json, table, tell},
};
use reprise_base::{config::sweep::name_without_preset, text::count};
use reprise_store::{
    store::{Manifests, Store, StoreError, evaluation::evaluations_left, manifest::SweepManifest},
    sweep::status::{RunStatus, run_status},
};

/// Arguments of `reprise status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise status                       all sweeps of the store, run by run
  reprise status kl_annealing          one sweep with its default preset
  reprise status kl_annealing.smoke    the same sweep with another preset
  reprise status --format json         for scripts

The state of a run is finished, diverged (a quantity became NaN or infinite), running, resumable
(stopped with a checkpoint), interrupted (stopped without a checkpoint), not started, newer
(written by a newer version of reprise), damaged (its record is not what was written) or
unreadable. A finished run may lack evaluations that the sweep asks for. This command changes
nothing.")]
pub struct StatusArgs {
    /// Name of a sweep; `NAME.PRESET` for a preset other than its default [default: all sweeps]
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// The progress of a sweep.
#[derive(Debug, Serialize)]
struct SweepStatus {
    name: String,
    preset: String,
    runs: Vec<RunProgress>,
}

/// The progress of a run.
#[derive(Debug, Serialize)]
struct RunProgress {
    run: String,
    arm: String,
    seed: u64,
    total_steps: Option<u64>,
    /// Evaluations of the sweep that the finished run lacks.
    evaluations_left: usize,
    #[serde(flatten)]
    status: RunStatus,
}

/// Prints the progress of one sweep or of all.
pub fn run(args: &StatusArgs) -> Result<(), Failure> {
    let store = Store::open(&args.store.store)?;
    let manifests = match &args.name {
        Some(name) => Manifests { readable: vec![manifest(&store, name)?], unreadable: Vec::new() },
        None => store.manifests()?,
    };
    let sweeps: Vec<SweepStatus> =
        manifests.readable.iter().map(|manifest| look(&store, manifest)).collect();
    match args.format.format {
        OutputFormat::Json => print_json(&sweeps)?,
        OutputFormat::Text if sweeps.is_empty() && manifests.unreadable.is_empty() => {
            tell("the store has no sweeps");
        }
        OutputFormat::Text => print(&sweeps.iter().map(text).collect::<Vec<_>>().join("\n"))?,
    }
    fail_if_any(manifests.unreadable)
}

/// Reports manifests that cannot be read, after the others were shown.
pub fn fail_if_any(unreadable: Vec<StoreError>) -> Result<(), Failure> {
    let mut failures: Vec<Failure> = unreadable.into_iter().map(Failure::from).collect();
    let last = failures.pop();
    for failure in failures {
        tell(&failure.render());
    }
    last.map_or(Ok(()), Err)
}

/// Reads the manifest of a sweep at its default preset, or at its other preset if only one was
/// started.
pub fn manifest(store: &Store, name: &str) -> Result<SweepManifest, Failure> {
    if let Some(manifest) = store.read_manifest(name)? {
        return Ok(manifest);
    }
    let Manifests { readable: all, unreadable: _ } = store.manifests()?;
    let at_other_preset = |it: &&SweepManifest| name_without_preset(&it.name) == name;
    match all.iter().filter(at_other_preset).collect::<Vec<_>>().as_slice() {
        [only] => Ok((*only).clone()),
        _ => Err(Failure::NoSuchSweep {
            name: name.to_owned(),
            store: store.root().to_owned(),
            known: all.into_iter().map(|manifest| manifest.name).collect(),
        }),
    }
}

fn look(store: &Store, manifest: &SweepManifest) -> SweepStatus {
    let runs = manifest.runs.iter().map(|entry| {
        let dir = store.run(&entry.run);
        let total_steps = dir.read_spec().ok().map(|spec| spec.training.total_steps());
        RunProgress {
            run: entry.run.to_string(),
            arm: entry.arm.clone(),
            seed: entry.seed.0,
            total_steps,
            evaluations_left: evaluations_left(&dir, &manifest.evaluations),
            status: run_status(&dir),
        }
    });
    SweepStatus {
        name: manifest.name.clone(),
        preset: manifest.preset.clone(),
        runs: runs.collect(),
    }
}

fn text(SweepStatus { name, preset, runs }: &SweepStatus) -> String {
    let number = |name: &str| runs.iter().filter(|run| run.status.name() == name).count();
    let counts = RunStatus::NAMES
        .map(|name| (number(name), name))
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, name)| format!("{number} {name}"))
        .collect::<Vec<_>>()
        .join(", ");
    let row = |run: &RunProgress| {
        let status = run.status.describe(run.total_steps);
        let status = match run.evaluations_left {
            0 => status,
            left => format!("{status}, {} left", count(left, "evaluation")),
        };
        [run.run.clone(), run.arm.clone(), run.seed.to_string(), status]
    };
    let rows: Vec<_> = runs.iter().map(row).collect();
    format!("{name} ({preset}): {counts}\n{}", table(["run", "arm", "seed", "state"], &rows))
}
