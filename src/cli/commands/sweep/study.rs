//! A sweep whose runs are identified: data opened, devices concrete.

use std::path::Path;

use crate::{
    cli::{Failure, output::tell, progress::data_watch},
    config::{RunSpec, data::Dataset, sweep::Sweep},
    data::{self, Pack, Required},
    libtorch,
    store::{
        MANIFEST_FORMAT,
        manifest::{ManifestRun, SweepManifest},
        record::RunId,
        run_id,
    },
    train::{TrainError, system::check_data},
};

/// A sweep with the identities of its runs.
#[derive(Debug)]
pub(super) struct Study {
    /// The sweep as its file has it.
    pub(super) sweep: Sweep,
    /// The command that repeats it.
    pub(super) command: String,
    /// Its runs in the sweep's order.
    pub(super) runs: Vec<StudyRun>,
}

/// A run with its identity.
#[derive(Debug)]
pub(super) struct StudyRun {
    /// What decides its numbers, in 16 digits.
    pub(super) id: RunId,
    /// Arm and seed, for people.
    pub(super) name: String,
    /// The whole configuration.
    pub(super) spec: RunSpec,
}

impl Study {
    /// Opens the data of all runs, each data set once, and identifies the runs.
    pub(super) fn of(
        sweep: Sweep,
        command: impl Fn(&Sweep) -> String,
        packs: &Path,
    ) -> Result<Self, Failure> {
        let libtorch = libtorch::version();
        let mut opened: Vec<(Dataset, Pack)> = Vec::new();
        let mut runs = Vec::new();
        for run in &sweep.runs {
            let dataset = &run.spec.data.dataset;
            if opened.iter().all(|(known, _)| known != dataset) {
                opened.push((dataset.clone(), open(dataset, packs)?));
            }
            let pack = opened.iter().find(|(known, _)| known == dataset).map(|(_, pack)| pack);
            let pack = pack.expect("the data set was just opened");
            check_data(&run.spec, pack).map_err(TrainError::from)?;
            runs.push(StudyRun {
                id: run_id(&run.spec, pack.payload_sha256(), &libtorch),
                name: format!("{} · seed {}", run.arm, run.spec.seed.0),
                spec: run.spec.clone(),
            });
        }
        Ok(Self { command: command(&sweep), sweep, runs })
    }

    /// Returns the manifest of the sweep.
    pub(super) fn manifest(&self) -> SweepManifest {
        let Sweep { title, description, preset, scale, axes, published, .. } = &self.sweep;
        let entry = |(run, identified): (&crate::config::sweep::SweepRun, &StudyRun)| ManifestRun {
            run: identified.id.clone(),
            arm: run.arm.clone(),
            labels: run.labels.clone(),
            seed: run.spec.seed,
        };
        SweepManifest {
            format: MANIFEST_FORMAT,
            name: self.sweep.storage_name(),
            title: title.clone(),
            description: description.clone(),
            preset: preset.clone(),
            scale: scale.clone(),
            command: self.command.clone(),
            axes: axes.clone(),
            runs: self.sweep.runs.iter().zip(&self.runs).map(entry).collect(),
            published: published.clone(),
        }
    }
}

fn open(dataset: &Dataset, packs: &Path) -> Result<Pack, Failure> {
    let pack = data::open(dataset, Required::AllSplits, packs, &mut data_watch())?;
    for warning in pack.warnings() {
        tell(&format!("warning: data set `{}`: {warning}", pack.name()));
    }
    Ok(pack)
}
