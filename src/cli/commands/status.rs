//! `reprise status`: what sweeps have done and have still to do.

use clap::Args;
use serde::Serialize;

use crate::{
    cli::{
        Failure,
        args::{Format, FormatArgs, StoreArgs},
        output::{print, print_json, table, tell},
    },
    config::sweep::name_without_preset,
    store::{Store, manifest::SweepManifest, record::Outcome},
    sweep::observe::{LastStep, Status, status},
};

/// Arguments of `reprise status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise status                       all sweeps of the store, run by run
  reprise status kl_annealing          one sweep at its default preset
  reprise status kl_annealing.smoke    the same at another preset
  reprise status --format json         for scripts

A run is finished (it has a record), running (a process holds its lease), resumable (it has a
checkpoint), interrupted (it has begun and starts anew) or missing. Looking changes nothing.")]
pub struct StatusArgs {
    /// Name of a sweep, with `.PRESET` for another than its default preset; all if none is given
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// A sweep as it stands.
#[derive(Debug, Serialize)]
struct SweepStatus {
    name: String,
    preset: String,
    runs: Vec<RunStatus>,
}

/// A run of a sweep as it stands.
#[derive(Debug, Serialize)]
struct RunStatus {
    run: String,
    arm: String,
    seed: u32,
    total_steps: Option<u64>,
    #[serde(flatten)]
    status: Status,
}

/// Prints the state of one sweep or of all.
pub fn run(args: &StatusArgs) -> Result<(), Failure> {
    let store = Store::open(&args.store.store)?;
    let manifests = match &args.name {
        Some(name) => vec![manifest(&store, name)?],
        None => store.manifests()?,
    };
    let sweeps: Vec<SweepStatus> =
        manifests.iter().map(|manifest| look(&store, manifest)).collect::<Result<_, _>>()?;
    match args.format.format {
        Format::Json => print_json(&sweeps),
        Format::Text if sweeps.is_empty() => {
            tell("the store has no sweep yet");
            Ok(())
        }
        Format::Text => print(&sweeps.iter().map(text).collect::<Vec<_>>().join("\n")),
    }
}

/// Reads the manifest of a sweep that must be there: at its default preset, or at the only other one
/// that was started.
pub fn manifest(store: &Store, name: &str) -> Result<SweepManifest, Failure> {
    if let Some(manifest) = store.read_manifest(name)? {
        return Ok(manifest);
    }
    let all = store.manifests()?;
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

fn look(store: &Store, manifest: &SweepManifest) -> Result<SweepStatus, Failure> {
    let runs = manifest.runs.iter().map(|entry| {
        let dir = store.run(&entry.run);
        let total_steps = dir.read_spec().ok().map(|spec| spec.training.total_steps());
        Ok(RunStatus {
            run: entry.run.to_string(),
            arm: entry.arm.clone(),
            seed: entry.seed.0,
            total_steps,
            status: status(&dir)?,
        })
    });
    Ok(SweepStatus {
        name: manifest.name.clone(),
        preset: manifest.preset.clone(),
        runs: runs.collect::<Result<_, Failure>>()?,
    })
}

fn text(sweep: &SweepStatus) -> String {
    let number = |wanted: &str| sweep.runs.iter().filter(|run| kind(&run.status) == wanted).count();
    let counts = ["finished", "running", "resumable", "interrupted", "missing", "newer"]
        .map(|kind| (number(kind), kind))
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, kind)| format!("{number} {kind}"))
        .collect::<Vec<_>>()
        .join(", ");
    let rows: Vec<_> = sweep
        .runs
        .iter()
        .map(|run| {
            let seed = run.seed.to_string();
            let state = kind(&run.status).to_owned();
            [run.run.clone(), run.arm.clone(), seed, state, detail(run)]
        })
        .collect();
    let table = table(["run", "arm", "seed", "state", ""], &rows);
    format!("{} ({}): {counts}\n{table}", sweep.name, sweep.preset)
}

const fn kind(status: &Status) -> &'static str {
    match status {
        Status::Finished { .. } => "finished",
        Status::Running { .. } => "running",
        Status::Resumable { .. } => "resumable",
        Status::Interrupted => "interrupted",
        Status::Missing => "missing",
        Status::Newer { .. } => "newer",
    }
}

fn detail(run: &RunStatus) -> String {
    let of_total = run.total_steps.map(|total| format!(" of {total}")).unwrap_or_default();
    match &run.status {
        Status::Finished { outcome: Outcome::Diverged { step, quantity, .. } } => {
            format!("diverged in step {}: {quantity}", step.0)
        }
        Status::Running { last: Some(LastStep { done, loss }) } => {
            let loss = loss.map(|loss| format!(", loss {loss:.4}")).unwrap_or_default();
            format!("step {done}{of_total}{loss}")
        }
        Status::Resumable { done } => format!("from step {done}{of_total}"),
        Status::Newer { format } => format!("written in format {format}"),
        Status::Finished { outcome: Outcome::Completed }
        | Status::Running { last: None }
        | Status::Interrupted
        | Status::Missing => String::new(),
    }
}
