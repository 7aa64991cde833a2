//! What is evaluated, how far, and what comes of it.

use std::ops::ControlFlow;

use super::networks::{NetworkError, Networks};
use reprise_base::config::{RunSpec, protocol::Protocol};
use reprise_data::{Pack, Split};
use reprise_store::store::{
    StoreError, evaluation::SequenceScores, event::Scores, tensors::StoredTensor,
};

/// What is scored.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    pub protocol: Protocol,
    /// Predictions at a time.
    pub batch_size: usize,
}

impl Scope {
    /// Returns the scope in which training scores a split.
    pub fn own(spec: &RunSpec, split: Split) -> Self {
        Self::new(Protocol::own(spec, split), spec)
    }

    /// Returns the scope of a protocol, with the batches of a run's evaluations.
    pub const fn new(protocol: Protocol, spec: &RunSpec) -> Self {
        Self { protocol, batch_size: spec.evaluation.batch_size.len() }
    }

    /// Returns the number of sequences that are scored.
    pub fn sequences(&self, pack: &Pack) -> usize {
        self.protocol.sequences.len().min(pack.sequences(self.protocol.split))
    }

    /// Returns the number of sequences whose samples fit in a batch, at least 1.
    pub fn sequences_per_batch(&self) -> usize {
        let samples = self.protocol.rollout.map_or(1, |rollout| rollout.samples.len());
        (self.batch_size / samples).max(1)
    }
}

/// The results of an evaluation.
#[derive(Debug)]
pub struct Evaluation {
    /// Scores of the model and of the baselines.
    pub scores: Scores,
    /// Tensors of [`rollouts`](reprise_base::vocabulary::rollouts) that show some sequences.
    pub tensors: Vec<StoredTensor>,
    /// Names of the sequences shown.
    pub names: Vec<String>,
}

/// Why an evaluation cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The scores of a batch cannot be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A feature network cannot be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// Receives the scores of each batch; may stop the evaluation.
pub type AfterBatch<'a> =
    &'a mut dyn FnMut(&[SequenceScores]) -> Result<ControlFlow<()>, StoreError>;

/// Where an evaluation begins, and what it shows.
pub enum Course<'a> {
    /// From the beginning to the end, showing the first sequences.
    Training,
    /// An evaluation of its own, which also shows the best, the median and the worst sequence.
    Recorded {
        /// Scores of the first sequences, a whole number of batches.
        known: Vec<SequenceScores>,
        networks: &'a Networks,
        after_batch: AfterBatch<'a>,
    },
}
