//! `reprise runs list`: all runs of a store.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;

use crate::cli::{
    Failure,
    args::{FormatArgs, OutputFormat, StoreArgs},
    commands::status::fail_if_any,
    output::{duration, print, print_json, table, tell},
};
use reprise_store::{
    store::{
        Store,
        record::{Record, RunId},
    },
    sweep::status::{RunStatus, run_status},
};

/// Arguments of `reprise runs list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise runs list
  reprise runs list --store other --format json

The score is the test score of the best checkpoint, in the metric that selected this checkpoint.
Each system selects by one metric. `reprise runs show RUN` prints all metrics.")]
pub struct ListRunsArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// A run of the list.
#[derive(Debug, Serialize)]
struct Listed {
    run: RunId,
    system: Option<&'static str>,
    seed: Option<u64>,
    /// Sweeps that contain the run, with its arm.
    sweeps: Vec<(String, String)>,
    #[serde(flatten)]
    status: RunStatus,
    /// None if the run was not tested.
    test: Option<TestScore>,
    seconds: Option<f64>,
    finished: Option<String>,
}

/// The test score in the metric that selected the checkpoint.
#[derive(Debug, PartialEq, Serialize)]
struct TestScore {
    metric: String,
    /// Name of the metric for people.
    label: String,
    unit: String,
    value: f64,
}

/// Prints a line per run.
pub fn run(args: &ListRunsArgs) -> Result<(), Failure> {
    let store = Store::open(&args.store.store)?;
    let mut sweeps: BTreeMap<RunId, Vec<(String, String)>> = BTreeMap::new();
    let manifests = store.manifests()?;
    for manifest in manifests.readable {
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
            let spec = record.as_ref().map(|record| record.spec.clone());
            let spec = spec.or_else(|| dir.read_spec().ok());
            Listed {
                system: spec.as_ref().map(|spec| spec.model.system()),
                seed: spec.as_ref().map(|spec| spec.seed.0),
                sweeps: sweeps.remove(&id).unwrap_or_default(),
                status: run_status(&dir),
                test: record.as_ref().and_then(test_score),
                seconds: record.as_ref().map(|record| record.timing.active_seconds),
                finished: record.map(|record| record.timing.finished),
                run: id,
            }
        })
        .collect();
    match args.format.format {
        OutputFormat::Json => print_json(&listed)?,
        OutputFormat::Text if listed.is_empty() => tell("the store has no runs"),
        OutputFormat::Text => print(&text(&listed))?,
    }
    fail_if_any(manifests.unreadable)
}

fn test_score(record: &Record) -> Option<TestScore> {
    let metric = &record.best.as_ref()?.metric;
    let value = record.test.as_ref()?.get("model")?.get(metric)?.mean;
    let (label, unit) = match record.metrics.get(metric) {
        Some(definition) => (definition.label.clone(), definition.unit.clone()),
        None => (metric.clone(), String::new()),
    };
    Some(TestScore { metric: metric.clone(), label, unit, value })
}

/// Writes a score with five significant digits, e.g. `PSNR 19.500 dB` or `RMSE 0.034360`.
fn score(score: &TestScore) -> String {
    let TestScore { metric: _, label, unit, value } = score;
    let leading = if *value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let decimals = (4.0 - leading).clamp(0.0, 9.0) as usize;
    format!("{label} {value:.decimals$} {unit}").trim_end().to_owned()
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
                run.status.name().to_owned(),
                or_dash(run.test.as_ref().map(score)),
                or_dash(run.seconds.map(duration)),
                or_dash(run.finished.clone()),
                or_dash((!sweeps.is_empty()).then(|| sweeps.join(", "))),
            ]
        })
        .collect();
    let head =
        ["run", "system", "seed", "state", "test score", "duration", "finished", "sweep: arm"];
    table(head, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reprise_store::store::samples;

    #[track_caller]
    fn check(record: &Record, expected: Option<&str>) {
        assert_eq!(test_score(record).as_ref().map(score).as_deref(), expected);
    }

    #[test]
    fn the_score_is_that_of_the_metric_that_chose_the_checkpoint() {
        let mut record = samples::record(samples::id('a'));
        check(&record, Some("PSNR 19.500 dB"));
        record.best.as_mut().unwrap().metric = "rmse".to_owned();
        check(&record, None);
        let model = record.test.as_mut().unwrap().get_mut("model").unwrap();
        let psnr = model["psnr"].clone();
        model.insert(
            "rmse".to_owned(),
            reprise_store::store::event::Score { mean: 0.012_345_678, ..psnr },
        );
        let definitions = reprise_base::metrics::definitions();
        record.metrics.insert("rmse".to_owned(), definitions["rmse"].clone());
        check(&record, Some("RMSE 0.012346"));
        record.test = None;
        check(&record, None);
    }
}
