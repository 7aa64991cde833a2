//! A sweep whose runs have ids: data opened, devices concrete.

use std::path::Path;

use super::{ExperimentError, ResolvedEvaluation, identified, required};
use reprise_base::config::{
    RunSpec,
    data::Dataset,
    protocol::EvaluationRequest,
    sweep::{Sweep, SweepRun},
};
use reprise_data::{self as data, DataSummary, Pack, Required};
use reprise_golden::matches_glob;
use reprise_store::store::{
    manifest::{ManifestRun, SweepManifest},
    record::RunId,
    run_id,
};
use reprise_torch::{
    libtorch::{self, device},
    train::{TrainError, systems::check_data},
};

/// A sweep with the ids of its runs.
#[derive(Debug)]
pub struct ResolvedSweep {
    /// The sweep; its devices are concrete.
    pub sweep: Sweep,
    /// The command that repeats it.
    pub command: String,
    /// Its runs, in the order of the sweep.
    pub runs: Vec<ResolvedRun>,
    /// What was understood of its data sets.
    pub data: Vec<DataSummary>,
    /// Warnings about its data sets.
    pub warnings: Vec<String>,
}

/// A run with its id.
#[derive(Debug)]
pub struct ResolvedRun {
    /// A digest of everything that decides the run's numbers.
    pub id: RunId,
    /// Arm and seed, for people.
    pub name: String,
    /// The whole configuration.
    pub spec: RunSpec,
    /// Digest of its data.
    pub data_digest: String,
    /// How it is evaluated when it is finished.
    pub evaluations: Vec<ResolvedEvaluation>,
}

impl ResolvedRun {
    /// Returns the evaluations as they were asked for.
    pub fn requests(&self) -> Vec<EvaluationRequest> {
        self.evaluations.iter().map(|evaluation| evaluation.request.clone()).collect()
    }
}

impl ResolvedSweep {
    /// Makes devices concrete, opens each data set once and identifies the runs.
    ///
    /// # Errors
    /// If a data set cannot be opened or does not fit a model.
    pub fn new(
        mut sweep: Sweep,
        command: String,
        packs: &Path,
        watch: &mut dyn FnMut(data::Progress),
    ) -> Result<Self, ExperimentError> {
        let libtorch = libtorch::version();
        for request in &mut sweep.evaluations {
            *request = identified(request)?;
        }
        let mut opened = OpenedData { packs, all: Vec::new() };
        let mut runs = Vec::new();
        for run in &mut sweep.runs {
            run.spec.engine.resolve(device::auto);
            let pack = opened.open(&run.spec.data.dataset, Required::AllSplits, watch)?;
            data::check_overlap(pack, run.spec.data.overlap)?;
            check_data(&run.spec, pack).map_err(TrainError::from)?;
            let data_digest = pack.payload_sha256().to_owned();
            let id = run_id(&run.spec, &data_digest, &libtorch);
            let mut evaluations = Vec::new();
            for request in &sweep.evaluations {
                let pack =
                    opened.open(request.dataset(&run.spec), required(request, &run.spec), watch)?;
                evaluations.push(ResolvedEvaluation::new(request, &run.spec, pack)?);
            }
            runs.push(ResolvedRun {
                id,
                name: format!("{} · seed {}", run.arm, run.spec.seed.0),
                spec: run.spec.clone(),
                data_digest,
                evaluations,
            });
        }
        let opened = opened.all;
        let warnings = opened.iter().flat_map(|(_, _, pack)| {
            pack.warnings().iter().map(|text| format!("data set `{}`: {text}", pack.name()))
        });
        let warnings = warnings.collect();
        let data = opened.iter().map(|(_, _, pack)| pack.summary()).collect();
        Ok(Self { sweep, command, runs, data, warnings })
    }

    /// Keeps the runs of the arms whose label matches one of these patterns; without a pattern, all.
    ///
    /// # Errors
    /// If a pattern matches no arm; returns the pattern. Nothing is changed then.
    pub fn select<'p>(&mut self, patterns: &'p [String]) -> Result<(), &'p str> {
        if patterns.is_empty() {
            return Ok(());
        }
        let matches = |run: &SweepRun, pattern: &String| matches_glob(pattern, &run.arm);
        let runs = &self.sweep.runs;
        if let Some(unused) = patterns.iter().find(|it| !runs.iter().any(|run| matches(run, it))) {
            return Err(unused);
        }
        let is_kept: Vec<bool> =
            runs.iter().map(|run| patterns.iter().any(|it| matches(run, it))).collect();
        let mut kept = is_kept.iter();
        self.runs.retain(|_| *kept.next().expect("there is one entry per run"));
        let mut kept = is_kept.iter();
        self.sweep.runs.retain(|_| *kept.next().expect("there is one entry per run"));
        Ok(())
    }

    /// Returns the manifest of the sweep, in which its claims are not registered yet.
    pub fn manifest(&self) -> SweepManifest {
        let entry = |(run, resolved): (&SweepRun, &ResolvedRun)| ManifestRun {
            run: resolved.id.clone(),
            arm: run.arm.clone(),
            labels: run.labels.clone(),
            seed: run.spec.seed,
        };
        let runs = self.sweep.runs.iter().zip(&self.runs).map(entry).collect();
        SweepManifest::new(&self.sweep, self.command.clone(), runs)
    }
}

/// The data sets of a sweep, each opened once.
struct OpenedData<'a> {
    /// Folder of packs.
    packs: &'a Path,
    all: Vec<(Dataset, Required, Pack)>,
}

impl OpenedData<'_> {
    fn open(
        &mut self,
        dataset: &Dataset,
        required: Required,
        watch: &mut dyn FnMut(data::Progress),
    ) -> Result<&Pack, ExperimentError> {
        let is_open = |(known, with, _): &(Dataset, Required, Pack)| {
            known == dataset && (*with == required || *with == Required::AllSplits)
        };
        if !self.all.iter().any(is_open) {
            let pack = data::open(dataset, required, self.packs, watch)?;
            self.all.push((dataset.clone(), required, pack));
        }
        let opened = self.all.iter().find(|it| is_open(it));
        Ok(opened.map(|(_, _, pack)| pack).expect("the data set was just opened"))
    }
}
