//! `reprise sweep --dry-run`: the plan of a sweep, its duration and its schedules.

use std::path::Path;

use crate::{
    cli::{
        Failure,
        args::OutputFormat,
        chart::bars,
        output::{duration, print, print_json, table},
    },
    experiment::{PlannedRun, ResolvedSweep, forecast},
};
use reprise_base::{
    config::{RunSpec, caution, model::ScheduleTable},
    text::count,
};
use reprise_store::store::Store;

/// Prints the plan; writes nothing but the data cache, since a run's id depends on its data.
pub(super) fn run(
    sweep: &ResolvedSweep,
    store: &Path,
    jobs: usize,
    format: OutputFormat,
) -> Result<(), Failure> {
    let store = Store::open_if_used(store)?;
    let planned = forecast(sweep, store.as_ref())?;
    match format {
        OutputFormat::Json => print_json(&planned),
        OutputFormat::Text => {
            let text = [
                head(sweep),
                cautions(sweep),
                runs(&planned),
                time(&planned, jobs),
                schedules(sweep),
            ];
            print(&text.join("\n"))
        }
    }
}

fn head(ResolvedSweep { sweep, runs, .. }: &ResolvedSweep) -> String {
    format!(
        "{}, preset {} of {}: {}\n{}\n",
        sweep.name,
        sweep.preset,
        sweep.presets.join(", "),
        count(runs.len(), "run"),
        sweep.scale,
    )
}

/// Says what limits what the sweep can show.
fn cautions(ResolvedSweep { sweep, .. }: &ResolvedSweep) -> String {
    let arms = sweep.arms();
    let of_arm = |arm: &str| sweep.runs.iter().filter(|run| run.arm == arm).count();
    let seeds = arms.iter().map(|arm| of_arm(&arm.arm)).min().unwrap_or(0);
    let specs: Vec<&RunSpec> = arms.iter().map(|arm| &arm.spec).collect();
    let cautions = caution::cautions(&specs, seeds);
    let lines: Vec<String> = cautions.iter().map(|text| format!("caution: {text}\n")).collect();
    lines.concat()
}

fn runs(planned: &[PlannedRun]) -> String {
    let rows: Vec<_> = planned
        .iter()
        .map(|run| {
            let (steps, seed) = (run.steps.to_string(), run.seed.to_string());
            [run.run.clone(), run.arm.clone(), seed, steps, run.action.clone()]
        })
        .collect();
    table(["run", "arm", "seed", "steps", "action"], &rows)
}

/// Estimates the duration of the sweep if a run of every size has finished.
fn time(planned: &[PlannedRun], jobs: usize) -> String {
    let known: Option<f64> = planned.iter().map(|run| run.seconds).sum();
    let parallel = jobs.min(planned.iter().filter(|run| run.steps > 0).count()).max(1);
    match known {
        Some(0.0) => "time: nothing is left to train\n".to_owned(),
        Some(seconds) => {
            let total = duration(seconds / parallel as f64);
            let jobs = count(jobs, "job");
            format!("time: about {total} with {jobs}, estimated from finished runs of this size\n")
        }
        None => "time: unknown until a run of this size has finished\n".to_owned(),
    }
}

/// Plots the schedules of every arm; arms with equal ones share a chart.
fn schedules(sweep: &ResolvedSweep) -> String {
    let mut charts: Vec<(&str, Vec<f64>, Vec<&str>)> = Vec::new();
    for arm in sweep.sweep.arms() {
        for ScheduleTable { title, values } in arm.spec.schedules() {
            match charts.iter_mut().find(|(known, same, _)| *known == title && *same == values) {
                Some((.., arms)) => arms.push(&arm.arm),
                None => charts.push((title, values, vec![&arm.arm])),
            }
        }
    }
    charts.sort_by_key(|(title, ..)| *title);
    let draw = |(title, values, arms): &(&str, Vec<f64>, Vec<&str>)| {
        format!("{title}: {}\n{}", arms.join(", "), bars(values))
    };
    charts.iter().map(draw).collect::<Vec<_>>().join("\n")
}
