//! `reprise runs list`: all runs of a store.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use crate::{
    cli::{
        Failure,
        args::{Format, FormatArgs, StoreArgs},
        output::{duration, print, print_json, table, tell},
    },
    store::{Store, event::Scores, record::RunId},
    sweep::observe::{Status, status},
};

/// Arguments of `reprise runs list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise runs list
  reprise runs list --store other --format json")]
pub struct ListArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// A run in the list.
#[derive(Debug, Serialize)]
struct Listed {
    run: RunId,
    system: Option<&'static str>,
    seed: Option<u32>,
    /// Sweeps that name the run, with its arm.
    sweeps: Vec<(String, String)>,
    #[serde(flatten)]
    status: Status,
    test_psnr: Option<f64>,
    seconds: Option<f64>,
    finished: Option<String>,
}

/// Prints a line for every run.
pub fn run(args: &ListArgs) -> Result<(), Failure> {
    let store = Store::open(&args.store.store)?;
    let mut sweeps: BTreeMap<RunId, Vec<(String, String)>> = BTreeMap::new();
    for manifest in store.manifests()? {
        for entry in manifest.runs {
            sweeps.entry(entry.run).or_default().push((manifest.name.clone(), entry.arm));
        }
    }
    let listed: Vec<Listed> = store
        .runs()?
        .into_iter()
        .map(|id| {
            let dir = store.run(&id);
            let record = dir.read_record().ok();
            let spec = dir.read_spec().ok();
            Ok(Listed {
                system: spec.as_ref().map(|spec| spec.model.system()),
                seed: spec.as_ref().map(|spec| spec.seed.0),
                sweeps: sweeps.remove(&id).unwrap_or_default(),
                status: status(&dir)?,
                test_psnr: record.as_ref().and_then(|it| test_psnr(it.test.as_ref()?)),
                seconds: record.as_ref().map(|record| record.timing.active_seconds),
                finished: record.map(|record| record.timing.finished),
                run: id,
            })
        })
        .collect::<Result<_, Failure>>()?;
    match args.format.format {
        Format::Json => print_json(&listed),
        Format::Text if listed.is_empty() => {
            tell("the store has no runs yet");
            Ok(())
        }
        Format::Text => print(&text(&listed)),
    }
}

fn test_psnr(scores: &Scores) -> Option<f64> {
    Some(scores.get("model")?.get("psnr")?.mean)
}

fn text(listed: &[Listed]) -> String {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let rows: Vec<_> = listed
        .iter()
        .map(|run| {
            let sweeps =
                run.sweeps.iter().map(|(sweep, arm)| format!("{sweep}: {arm}")).collect::<Vec<_>>();
            [
                run.run.to_string(),
                or_dash(run.system.map(str::to_owned)),
                or_dash(run.seed.map(|seed| seed.to_string())),
                state(&run.status).to_owned(),
                or_dash(run.test_psnr.map(|psnr| format!("{psnr:.3}"))),
                or_dash(run.seconds.map(duration)),
                or_dash(run.finished.clone()),
                or_dash((!sweeps.is_empty()).then(|| sweeps.join(", "))),
            ]
        })
        .collect();
    let head =
        ["run", "system", "seed", "state", "test PSNR (dB)", "duration", "finished", "sweep: arm"];
    table(head, &rows)
}

const fn state(status: &Status) -> &'static str {
    match status {
        Status::Finished { outcome } => outcome.name(),
        Status::Running { .. } => "running",
        Status::Resumable { .. } => "resumable",
        Status::Interrupted => "interrupted",
        Status::Missing => "empty",
        Status::Newer { .. } => "newer",
    }
}
