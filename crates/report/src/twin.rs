//! The twin of an evaluation: the same measured in another way. It is another evaluation, or the test at the end of
//! the training.

use std::collections::BTreeMap;

use super::{
    input::ReportRun,
    protocols::ProtocolResults,
    reported::ReportedMetric,
    samples::Samples,
    sweep_results::{ArmResults, MODEL, SweepResults},
};
use reprise_base::config::protocol::{Protocol, RolloutProtocol};
use reprise_data::Split;

/// The twin of an evaluation.
#[derive(Debug)]
pub(super) struct Twin<'a> {
    results: &'a SweepResults<'a>,
    /// How it was measured.
    protocol: Protocol,
    pack_sha256: &'a str,
    evaluation: Option<&'a ProtocolResults<'a>>,
}

impl<'a> Twin<'a> {
    /// Returns the twin of `evaluated` that predicts frames by `rollout`.
    pub(super) fn of(
        results: &'a SweepResults<'a>,
        evaluated: &'a ProtocolResults<'a>,
        rollout: RolloutProtocol,
    ) -> Self {
        let protocol = Protocol { rollout: Some(rollout), ..evaluated.protocol };
        let pack_sha256 = evaluated.data.pack_sha256.as_str();
        let is_twin = |other: &&ProtocolResults<'_>| {
            other.protocol.alike(&protocol) && other.data.pack_sha256 == pack_sha256
        };
        let evaluation = results.protocols.iter().find(is_twin);
        Self { results, protocol, pack_sha256, evaluation }
    }

    /// Returns the model's scores by seed over the runs of an arm; empty if the twin was not measured.
    pub(super) fn by_seed(
        &self,
        arm: &ArmResults<'_>,
        metric: &ReportedMetric,
    ) -> BTreeMap<u64, f64> {
        match self.evaluation {
            Some(evaluation) => evaluation.by_seed(arm.label, MODEL, metric),
            None if arm.runs.iter().all(|run| self.is_test_of(run)) => {
                self.results.by_seed(arm, MODEL, Split::Test, metric)
            }
            None => BTreeMap::new(),
        }
    }

    /// Returns what the first run of an arm with pictures stored.
    pub(super) fn pictured(&self, arm: &ArmResults<'a>) -> Option<&'a Samples> {
        match self.evaluation {
            Some(evaluation) => evaluation.pictured(arm.label),
            None => arm
                .runs
                .iter()
                .filter(|run| self.is_test_of(run))
                .map(|run| &run.samples)
                .find(|samples| samples.rollouts.is_some()),
        }
    }

    /// Returns whether the test at the end of a run's training measured the twin.
    fn is_test_of(&self, run: &ReportRun) -> bool {
        run.completed().is_some_and(|record| {
            Protocol::own(&record.spec, Split::Test).alike(&self.protocol)
                && record.data.pack_sha256 == self.pack_sha256
        })
    }
}
