//! What a report is computed from: the manifest of a sweep and what its runs recorded.

use std::collections::BTreeMap;

use super::samples::Samples;
use reprise_store::store::{
    evaluation::EvaluationRecord,
    event::Event,
    manifest::{ManifestRun, SweepManifest},
    record::Record,
};

/// Everything that a report is computed from.
#[derive(Clone, Debug)]
pub struct ReportInput {
    /// The sweep as it was last started.
    pub manifest: SweepManifest,
    /// Its runs, in the manifest's order.
    pub runs: Vec<ReportRun>,
    /// Contact sheets as PNG files, by the digest of their data.
    pub sheets: BTreeMap<String, Vec<u8>>,
}

/// One run of the sweep.
#[derive(Clone, Debug)]
pub struct ReportRun {
    /// The run in the manifest.
    pub entry: ManifestRun,
    /// How far it got.
    pub state: RunState,
    /// What its test stored besides scores; empty if it was not tested.
    pub samples: Samples,
    /// Its evaluations besides its test.
    pub evaluations: Vec<ReportEvaluation>,
}

/// An evaluation of a run.
#[derive(Clone, Debug)]
pub struct ReportEvaluation {
    pub record: EvaluationRecord,
    /// What it stored besides scores.
    pub samples: Samples,
}

/// How far a run got.
#[derive(Clone, Debug)]
pub enum RunState {
    /// The run has a record: it completed or diverged.
    Finished {
        /// The record.
        record: Box<Record>,
        /// Its journal.
        events: Vec<Event>,
    },
    /// The run has no record; no number includes it.
    Unfinished {
        /// Its state in words, e.g. `not started` or `stopped after step 120`.
        what: String,
    },
}

impl ReportRun {
    /// Returns the record, if there is one.
    pub(super) fn record(&self) -> Option<&Record> {
        match &self.state {
            RunState::Finished { record, events: _ } => Some(record),
            RunState::Unfinished { what: _ } => None,
        }
    }

    /// Returns the record if the run completed.
    pub(super) fn completed(&self) -> Option<&Record> {
        self.record().filter(|record| record.outcome.is_trained())
    }

    /// Returns the mean of a training series in every epoch; the first epoch is 1.
    pub(super) fn series_by_epoch(&self, name: &str) -> Vec<(u64, f64)> {
        let mut sums: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
        for event in self.events() {
            let Event::Step(step) = event else { continue };
            let Some(value) = step.scalars.get(name) else { continue };
            let (sum, count) = sums.entry(step.epoch.0 + 1).or_default();
            *sum += value;
            *count += 1.0;
        }
        sums.into_iter().map(|(epoch, (sum, count))| (epoch, sum / count)).collect()
    }

    /// Returns the journal; empty if the run is unfinished.
    pub(super) fn events(&self) -> &[Event] {
        match &self.state {
            RunState::Finished { record: _, events } => events,
            RunState::Unfinished { what: _ } => &[],
        }
    }
}
