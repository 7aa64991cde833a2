//! Evaluations of runs, with their data identified.

use super::ExperimentError;
use reprise_base::config::{
    RunSpec,
    data::Split,
    feature_network::NetworkFile,
    protocol::{CheckpointKind, EvaluationRequest, Protocol},
};
use reprise_data::{Pack, Required};
use reprise_store::store::{
    EvaluationId, RunDir, RunFile,
    evaluation::{evaluation_id, is_own_test},
    record::Record,
};
use reprise_torch::{
    libtorch,
    train::{
        TrainError,
        evaluate::{NetworkError, identify},
        systems::check_protocol,
    },
};

/// An evaluation of a run, with its data identified.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedEvaluation {
    pub request: EvaluationRequest,
    pub protocol: Protocol,
    /// Digest of the data.
    pub data: String,
}

/// Returns which splits the data set of an evaluation must have. A system that is scored as a whole compares with the
/// training split.
pub fn required(request: &EvaluationRequest, spec: &RunSpec) -> Required {
    match request.dataset {
        Some(_) if spec.frames_used().is_some() => {
            Required::Only(request.split.unwrap_or(Split::Test))
        }
        _ => Required::AllSplits,
    }
}

/// Reads the feature networks of a request and notes their digests in it.
///
/// # Errors
/// If a file cannot be read, or has another digest than the request says.
pub fn identified(request: &EvaluationRequest) -> Result<EvaluationRequest, ExperimentError> {
    let with_digest = |network: &NetworkFile| -> Result<NetworkFile, NetworkError> {
        Ok(NetworkFile { sha256: Some(identify(network)?), ..network.clone() })
    };
    let feature_network = request.feature_network.try_map(with_digest).map_err(TrainError::from)?;
    Ok(EvaluationRequest { feature_network, ..request.clone() })
}

impl ResolvedEvaluation {
    /// Resolves a request for a run; `pack` holds the data set that it names. Its feature networks are
    /// [`identified`].
    ///
    /// # Errors
    /// If the run cannot be scored like this.
    pub fn new(
        request: &EvaluationRequest,
        spec: &RunSpec,
        pack: &Pack,
    ) -> Result<Self, ExperimentError> {
        let protocol = request.resolve(spec)?;
        check_protocol(spec, &protocol, pack).map_err(TrainError::from)?;
        let data = pack.payload_sha256().to_owned();
        Ok(Self { request: request.clone(), protocol, data })
    }

    /// Returns the id for a finished run; none if the run has no such weights, or if its own test is this evaluation.
    pub fn id(&self, record: &Record) -> Option<EvaluationId> {
        let Self { protocol, data, .. } = self;
        if is_own_test(record, protocol, data) || !record.outcome.is_trained() {
            return None;
        }
        let file = RunFile::of(protocol.checkpoint).name();
        let weights = &record.artefacts.get(&*file)?.sha256;
        Some(evaluation_id(weights, protocol, data, &libtorch::version()))
    }

    /// Returns whether it is still to be carried out for a finished run. So is one of a snapshot that the run has not
    /// kept, of which its worker then says why it cannot be.
    pub fn is_left(&self, dir: &RunDir, record: &Record) -> bool {
        let checkpoint = self.protocol.checkpoint;
        match self.id(record) {
            Some(id) => dir.evaluation(&id).read_record().is_err(),
            None => {
                matches!(checkpoint, CheckpointKind::Epoch(_) | CheckpointKind::Average)
                    && record.outcome.is_trained()
            }
        }
    }
}
