//! `reprise evaluate`: scores finished runs from their stored weights.

use std::{collections::BTreeMap, env, num::NonZeroUsize, thread};

use clap::Args;
use serde::Serialize;

use super::{
    status::manifest,
    sweep::{
        check_git,
        progress::{ActiveRun, TrainingProgress},
        settle,
    },
    worker,
};
use crate::{
    cli::{
        Failure,
        args::{FormatArgs, OutputFormat, StoreArgs},
        interrupts::Interrupts,
        output::{print, print_json, table, tell},
        places::packs,
    },
    experiment::{Launcher, identified},
};
use reprise_base::{
    config::{
        RunSpec,
        data::Split,
        feature_network::{FeatureNetworks, NetworkFile},
        protocol::{EvaluationRequest, Protocol, StandardProtocol},
        sweep::change_request,
    },
    text::{closest, count, error_chain, quoted_list},
    vocabulary::{MetricName, Predictor},
};
use reprise_store::{
    store::{
        EvaluationId, FinishedRun, Store, StoreError,
        evaluation::EvaluationRecord,
        event::Scores,
        manifest::SweepManifest,
        record::{Record, RunId},
    },
    sweep::scheduler::{Limits, OnFailure, Slot},
};

/// Arguments of `reprise evaluate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise evaluate 3f2a                               the scores of its test
  reprise evaluate kl_annealing --protocol svg_best_of_100 --set samples=20
  reprise evaluate 3f2a --set latent=posterior        with the posterior instead of the prior
  reprise evaluate 3f2a --set feedback=teacher_forced --set split=validate
  reprise evaluate 3f2a --feature-network lpips=alex.pt --feature-network fvd=i3d.pt
  reprise evaluate 3f2a --set 'dataset.bair={root=\"data/bair\"}' --set checkpoint=final

A protocol says what is scored and how: split, dataset, context, horizon, sequences, samples,
latent (prior, posterior), feedback (free_running, teacher_forced), seed, checkpoint (best, final,
or epoch with a number: `checkpoint.epoch=10`).
What is not set is as in the run. Standard protocols: document (the system's own), svg_best_of_100
(2 frames given, 28 predicted, best of 100 samples by each metric).

LPIPS and FVD need a feature network, a file of TorchScript as docs/feature-networks.md defines it.
Its SHA-256 is part of the metric's name.

An evaluation is recorded beside its run, computed once, and part of the next report. If it is
interrupted, the same command continues it. Scores of different protocols are not comparable.")]
pub struct EvaluateArgs {
    /// Id of a finished run, or its first digits; or the name of a sweep, for all its finished runs
    #[arg(value_name = "RUN|SWEEP")]
    target: String,
    /// An evaluation of the sweep file, or a standard protocol
    #[arg(long, value_name = "NAME", default_value = StandardProtocol::Document.name())]
    protocol: String,
    /// Compute LPIPS or FVD with the feature network in this file of TorchScript
    #[arg(long = "feature-network", value_name = "lpips=FILE|fvd=FILE", value_parser = feature_network)]
    feature_networks: Vec<FeatureNetworks<NetworkFile>>,
    /// Change a key of the protocol, e.g. `samples=20`
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Runs at the same time [default: CPU cores divided by threads per run]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Evaluate although the git repository around this folder belongs to another user
    #[arg(long)]
    allow_untrusted_git: bool,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    format: FormatArgs,
}

/// Parses `lpips=FILE` or `fvd=FILE`.
fn feature_network(text: &str) -> Result<FeatureNetworks<NetworkFile>, &'static str> {
    let network = |file: &str| Some(NetworkFile { file: file.into(), sha256: None });
    let none = FeatureNetworks::default();
    match text.split_once('=') {
        Some(("lpips" | "fvd", "")) => Err("the file is missing"),
        Some(("lpips", file)) => Ok(FeatureNetworks { lpips: network(file), ..none }),
        Some(("fvd", file)) => Ok(FeatureNetworks { fvd: network(file), ..none }),
        _ => Err("expected `lpips=FILE` or `fvd=FILE`"),
    }
}

/// A finished run to be evaluated.
struct EvaluatedRun {
    run: RunId,
    /// For people.
    name: String,
    spec: RunSpec,
}

/// Carries out an evaluation of one run or of all runs of a sweep.
pub fn run(args: &EvaluateArgs) -> Result<(), Failure> {
    let interrupts = Interrupts::listen()?;
    check_git(args.allow_untrusted_git)?;
    let store = Store::open(&args.store.store)?;
    let sweep = sweep_of(&store, &args.target)?;
    let request = args.request(sweep.as_ref())?;
    let targets = targets(&store, sweep.as_ref(), &args.target)?;
    for target in &targets {
        request.resolve(&target.spec).map_err(|problem| Failure::Usage {
            message: format!("failed to evaluate run {}: {problem}", target.run),
            hint: "change the protocol with `--set KEY=VALUE`; see `reprise evaluate --help`",
        })?;
    }
    let launcher = Launcher {
        store: &store,
        packs: &packs()?,
        untrusted_git: worker::untrusted_git(args.allow_untrusted_git),
        program: &env::current_exe().map_err(Failure::Executable)?,
        arguments: &worker::arguments,
    };
    let limits = args.limits(&targets);
    let active = targets.iter().map(|target| ActiveRun::named(&target.name, 0));
    let mut progress = TrainingProgress::new(active.collect(), 0);
    let runs: Vec<_> =
        targets.iter().map(|target| (target.run.clone(), target.spec.clone())).collect();
    let counts = interrupts.during(|interrupts| {
        let report = &mut |task, event| progress.show(task, &event);
        launcher.evaluate(&runs, std::slice::from_ref(&request), &limits, interrupts, report)
    });
    progress.close();
    if interrupts.any() && counts.stopped > 0 {
        let finished = counts.finished;
        return Err(Failure::Interrupted(format!(
            "{finished} of {} evaluated; repeat the command to continue",
            count(runs.len(), "run")
        )));
    }
    settle(counts, runs.len())?;
    show(&store, &targets, &request, args.format.format)?;
    if let Some(sweep) = sweep {
        tell(&format!("`reprise report {}` shows them beside the other scores", sweep.name));
    }
    Ok(())
}

impl EvaluateArgs {
    /// Returns the evaluation that is asked for.
    fn request(&self, sweep: Option<&SweepManifest>) -> Result<EvaluationRequest, Failure> {
        let of_sweep = sweep.iter().flat_map(|sweep| &sweep.evaluations);
        let standard = StandardProtocol::ALL
            .map(|protocol| EvaluationRequest { protocol, ..EvaluationRequest::default() });
        let known: Vec<EvaluationRequest> = of_sweep.cloned().chain(standard).collect();
        let Some(named) = known.iter().find(|request| request.name() == self.protocol) else {
            let names: Vec<String> = known.iter().map(|it| it.name().to_owned()).collect();
            let suggestion = match closest(&self.protocol, &names) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("expected one of {}", quoted_list(&names)),
            };
            return Err(Failure::Usage {
                message: format!("unknown protocol `{}`; {suggestion}", self.protocol),
                hint: "see `reprise evaluate --help`",
            });
        };
        let mut request = change_request(named, &self.sets)?;
        for given in self.feature_networks.iter().cloned() {
            let FeatureNetworks { lpips, fvd } = std::mem::take(&mut request.feature_network);
            request.feature_network =
                FeatureNetworks { lpips: given.lpips.or(lpips), fvd: given.fvd.or(fvd) };
        }
        Ok(identified(&request)?)
    }

    fn limits(&self, targets: &[EvaluatedRun]) -> Limits {
        let threads = targets.iter().map(|target| target.spec.engine.threads.len()).max();
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let default = (cores / threads.unwrap_or(1)).max(1);
        let slots = vec![Slot::default(); self.jobs.map_or(default, NonZeroUsize::get)];
        Limits { slots, on_failure: OnFailure::Continue }
    }
}

/// Returns the sweep of this name, if the store has one.
fn sweep_of(store: &Store, name: &str) -> Result<Option<SweepManifest>, Failure> {
    match manifest(store, name) {
        Ok(manifest) => Ok(Some(manifest)),
        Err(Failure::NoSuchSweep { .. } | Failure::Store(StoreError::SweepName { .. })) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Returns the finished runs of a sweep, or the run whose id begins with `prefix`.
fn targets(
    store: &Store,
    sweep: Option<&SweepManifest>,
    prefix: &str,
) -> Result<Vec<EvaluatedRun>, Failure> {
    let Some(sweep) = sweep else {
        let record = store.find(prefix)?.read_record()?;
        let name = format!("run {}", record.run);
        return Ok(vec![EvaluatedRun { run: record.run, name, spec: record.spec }]);
    };
    let mut targets = Vec::new();
    for entry in &sweep.runs {
        let name = format!("{} · seed {}", entry.arm, entry.seed.0);
        match store.run(&entry.run).read_record() {
            Ok(record) => targets.push(EvaluatedRun { run: record.run, name, spec: record.spec }),
            Err(error) => tell(&format!("{name}: left out: {}", error_chain(&error))),
        }
    }
    if targets.is_empty() {
        return Err(Failure::Usage {
            message: format!("failed to evaluate `{}`: none of its runs is finished", sweep.name),
            hint: "see `reprise status`",
        });
    }
    Ok(targets)
}

/// Prints the scores of a request.
fn show(
    store: &Store,
    targets: &[EvaluatedRun],
    request: &EvaluationRequest,
    format: OutputFormat,
) -> Result<(), Failure> {
    let mut shown = Vec::new();
    let mut text = Vec::new();
    for EvaluatedRun { run, name, spec } in targets {
        let run = FinishedRun::open(&store.run(run))?;
        let protocol = request.resolve(spec).expect("it was resolved before");
        let (finished, _) = run.evaluations()?;
        let mut of_protocol: Vec<EvaluationRecord> =
            finished.iter().map(|it| it.record().clone()).collect();
        let looks = test_looks(run.record(), &of_protocol);
        of_protocol.retain(|record| record.protocol == protocol);
        let own = (protocol == Protocol::own(spec, Split::Test))
            .then_some(run.record().test.as_ref())
            .flatten();
        let own = own.map(|scores| (None, scores.clone(), run.record().data.name.clone()));
        let scored =
            of_protocol.into_iter().map(|it| (Some(it.evaluation), it.scores, it.data.name));
        for (evaluation, scores, data) in own.into_iter().chain(scored) {
            text.push(format!(
                "{name}: `{data}`, {protocol}\n\n{}\nthe test split was used in {} of this run\n",
                scores_table(&scores),
                count(looks, "evaluation"),
            ));
            let run = run.record().run.clone();
            shown.push(EvaluatedScores {
                run,
                evaluation,
                data,
                protocol,
                test_looks: looks,
                scores,
            });
        }
    }
    match format {
        OutputFormat::Json => print_json(&shown),
        OutputFormat::Text => print(&text.join("\n")),
    }
}

/// The scores of an evaluation, for scripts.
#[derive(Debug, Serialize)]
struct EvaluatedScores {
    run: RunId,
    /// None for the test at the end of the training.
    evaluation: Option<EvaluationId>,
    /// Name of the data set.
    data: String,
    protocol: Protocol,
    /// Evaluations of the run on its test split.
    test_looks: u64,
    scores: Scores,
}

/// Counts the evaluations of a run on its test split.
fn test_looks(record: &Record, evaluations: &[EvaluationRecord]) -> u64 {
    let is_test = |it: &&EvaluationRecord| {
        it.protocol.split == Split::Test && it.data.pack_sha256 == record.data.pack_sha256
    };
    u64::from(record.test.is_some()) + evaluations.iter().filter(is_test).count() as u64
}

/// Returns a table of means, a row per predictor and a column per metric.
fn scores_table(scores: &Scores) -> String {
    let mut metrics: Vec<&str> =
        scores.values().flat_map(BTreeMap::keys).map(String::as_str).collect();
    metrics.sort_by_key(|name| (MetricName::rank_in_records(name), *name));
    metrics.dedup();
    let mut predictors: Vec<&str> = scores.keys().map(String::as_str).collect();
    predictors.sort_by_key(|name| (Predictor::rank(name), *name));
    let mut rows = Vec::new();
    for predictor in predictors {
        for metric in &metrics {
            let Some(score) = scores[predictor].get(*metric) else { continue };
            rows.push([predictor.to_owned(), (*metric).to_owned(), format!("{:.5}", score.mean)]);
        }
    }
    table(["predictor", "metric", "mean"], &rows)
}
