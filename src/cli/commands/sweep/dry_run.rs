//! What a sweep would do: its runs, the time they would take, and their schedules.

use serde::Serialize;

use super::{
    SweepArgs,
    study::Study,
    work::{self, ATTEMPTS_MAX},
};
use crate::{
    cli::{
        Failure,
        args::Format,
        chart::bars,
        output::{count, duration, print, print_json, table},
    },
    config::{
        RunSpec,
        model::{ModelSpec, PhysicalInteractionSpec},
        run::TrainingSpec,
    },
    fs,
    provenance::SOURCES_SHA256,
    scalar::Step,
    store::Store,
    sweep::{
        estimate::Pace,
        observe::observe,
        plan::{Action, Lease, Observed, Progress, plan},
    },
};

/// A run as it is planned.
#[derive(Debug, Serialize)]
struct Planned {
    run: String,
    arm: String,
    seed: u32,
    action: String,
    steps: u64,
    /// Nothing where no finished run of this size says how long a step takes.
    seconds: Option<f64>,
}

/// Prints the plan; writes nothing but the data cache, since a run's id depends on its data.
pub(super) fn run(study: &Study, args: &SweepArgs) -> Result<(), Failure> {
    let (actions, pace) = look(study, args)?;
    let planned: Vec<Planned> = study
        .runs
        .iter()
        .zip(&study.sweep.runs)
        .zip(actions)
        .map(|((run, sweep_run), action)| {
            let steps = steps_left(&run.spec, action);
            let seconds = match steps {
                0 => Some(0.0),
                _ => pace.seconds_per_step(&run.spec).map(|seconds| seconds * steps as f64),
            };
            Planned {
                run: run.id.to_string(),
                arm: sweep_run.arm.clone(),
                seed: run.spec.seed.0,
                action: action.to_string(),
                steps,
                seconds,
            }
        })
        .collect();
    match args.format.format {
        Format::Json => print_json(&planned),
        Format::Text => {
            let jobs = work::jobs(study, args.jobs).get();
            let text = [head(study), runs(&planned), time(&planned, jobs), schedules(study)];
            print(&text.join("\n"))
        }
    }
}

/// Plans without changing anything; a store that is not there yet has nothing.
fn look(study: &Study, args: &SweepArgs) -> Result<(Vec<Action>, Pace), Failure> {
    if fs::kind(&args.store.store)?.is_none() {
        let nothing = Observed { progress: Progress::Nothing, lease: Lease::Free };
        return Ok((plan(&vec![nothing; study.runs.len()], ATTEMPTS_MAX), Pace::default()));
    }
    let store = Store::open(&args.store.store)?;
    let observed = study
        .runs
        .iter()
        .map(|run| observe(&store.run(&run.id), SOURCES_SHA256))
        .collect::<Result<Vec<_>, _>>()?;
    let records: Vec<_> =
        store.runs()?.iter().filter_map(|id| store.run(id).read_record().ok()).collect();
    Ok((plan(&observed, ATTEMPTS_MAX), Pace::of(&records)))
}

fn steps_left(spec: &RunSpec, action: Action) -> u64 {
    let total = spec.training.total_steps();
    match action {
        Action::Start | Action::Restart { .. } | Action::Retry { .. } => total,
        Action::Resume { step: Step(done) } => total.saturating_sub(done),
        Action::RepeatCanary
        | Action::Skip { .. }
        | Action::Leave
        | Action::GiveUp { .. }
        | Action::Refuse { .. } => 0,
    }
}

fn head(study: &Study) -> String {
    let sweep = &study.sweep;
    format!(
        "{}, preset {} of {}: {}\n{}\n",
        sweep.name,
        sweep.preset,
        sweep.presets.join(", "),
        count(study.runs.len(), "run"),
        sweep.scale,
    )
}

fn runs(planned: &[Planned]) -> String {
    let rows: Vec<_> = planned
        .iter()
        .map(|run| {
            let (steps, seed) = (run.steps.to_string(), run.seed.to_string());
            [run.run.clone(), run.arm.clone(), seed, steps, run.action.clone()]
        })
        .collect();
    table(["run", "arm", "seed", "steps", "action"], &rows)
}

/// Estimates the whole from runs of the same size, where every run has one.
fn time(planned: &[Planned], jobs: usize) -> String {
    let known: Option<f64> = planned.iter().map(|run| run.seconds).sum();
    let at_once = jobs.min(planned.iter().filter(|run| run.steps > 0).count()).max(1);
    match known {
        Some(0.0) => "time: nothing is left to train\n".to_owned(),
        Some(seconds) => {
            let all = duration(seconds / at_once as f64);
            let jobs = count(jobs, "job");
            format!("time: about {all} with {jobs}, as finished runs of the same size took\n")
        }
        None => {
            "time: unknown, the store has no finished run of this size; one gives it\n".to_owned()
        }
    }
}

/// Plots the schedules of every arm; arms with equal ones share a chart.
fn schedules(study: &Study) -> String {
    let mut charts: Vec<(String, Vec<f64>, Vec<&str>)> = Vec::new();
    for arm in study.sweep.arms() {
        for (title, values) in schedules_of(&arm.spec) {
            match charts.iter_mut().find(|(known, same, _)| *known == title && *same == values) {
                Some((.., arms)) => arms.push(&arm.arm),
                None => charts.push((title, values, vec![&arm.arm])),
            }
        }
    }
    charts.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    let draw = |(title, values, arms): &(String, Vec<f64>, Vec<&str>)| {
        format!("{title}: {}\n{}", arms.join(", "), bars(values))
    };
    charts.iter().map(draw).collect::<Vec<_>>().join("\n")
}

fn schedules_of(spec: &RunSpec) -> Vec<(String, Vec<f64>)> {
    let epochs = spec.training.epochs;
    match &spec.model {
        ModelSpec::Cvae(cvae) => vec![
            ("KL weight by epoch".to_owned(), cvae.kl_weight.table(epochs)),
            ("teacher-forcing ratio by epoch".to_owned(), cvae.teacher_forcing.table(epochs)),
        ],
        ModelSpec::PhysicalInteraction(model) => {
            vec![("true-frame share by epoch".to_owned(), true_frame_share(model, spec.training))]
        }
        ModelSpec::ConvLstm(_) | ModelSpec::Mocogan(_) | ModelSpec::Rcn(_) => vec![],
    }
}

/// Part of a batch that scheduled sampling shows true frames, at the first update of every epoch.
fn true_frame_share(model: &PhysicalInteractionSpec, training: TrainingSpec) -> Vec<f64> {
    let (batch, arithmetic) = (training.batch_size, model.port.schedule_arithmetic());
    let at = |epoch: u64| {
        let step = Step(epoch * training.steps_per_epoch.get());
        let true_frames = model.scheduled_sampling.true_frames(batch, step, arithmetic);
        true_frames.unwrap_or(0) as f64 / batch.get() as f64
    };
    (0..training.epochs.get()).map(at).collect()
}
