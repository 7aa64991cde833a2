//! Why training fails.

use super::{
    evaluate::{EvaluateError, NetworkError},
    memory::OutOfMemory,
    mocogan::sample::GridProblem,
    state::StateError,
    system::UnfitData,
};
use reprise_base::config::protocol::CheckpointKind;
use reprise_data::{DataError, sampler::SamplerError};
use reprise_store::store::{StoreError, tensors::TensorFileError};

/// An error that ends training before the run is finished.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The run folder could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A tensor file could not be read or written.
    #[error(transparent)]
    Tensors(#[from] TensorFileError),
    /// A stored state does not fit the model.
    #[error(transparent)]
    State(#[from] StateError),
    /// The training split cannot be put in order.
    #[error(transparent)]
    Sampler(#[from] SamplerError),
    /// Sequences cannot be drawn.
    #[error(transparent)]
    Source(#[from] DataError),
    /// The data does not fit the model.
    #[error(transparent)]
    Data(#[from] UnfitData),
    /// The run has stored no such weights.
    #[error("failed to evaluate: the run has no {checkpoint}")]
    NoCheckpoint { checkpoint: CheckpointKind },
    /// The videos cannot be generated.
    #[error(transparent)]
    Grid(#[from] GridProblem),
    /// A feature network cannot be used.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The device has too little memory.
    #[error(transparent)]
    Memory(#[from] OutOfMemory),
}

impl From<EvaluateError> for TrainError {
    fn from(error: EvaluateError) -> Self {
        match error {
            EvaluateError::Store(error) => Self::Store(error),
            EvaluateError::Network(error) => Self::Network(error),
        }
    }
}

impl TrainError {
    /// Returns whether the cause is the data, the weights or the batch that the user chose.
    pub const fn is_usage_error(&self) -> bool {
        matches!(
            self,
            Self::Data(_)
                | Self::Source(_)
                | Self::State(_)
                | Self::Memory(_)
                | Self::NoCheckpoint { .. }
                | Self::Grid(_)
                | Self::Network(_)
        )
    }

    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Memory(error) => Some(error.hint()),
            Self::Network(error) => Some(error.hint().to_owned()),
            _ => None,
        }
    }
}
