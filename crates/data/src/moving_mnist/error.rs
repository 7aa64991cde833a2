//! What can be wrong with the files of Moving MNIST.

use std::path::PathBuf;

use crate::{idx::IdxError, npy::NpyError};

/// Why a Moving MNIST data set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MovingMnistError {
    #[error("failed to find `{}`, plain or with `.gz`", path.display())]
    DigitsMissing { path: PathBuf },
    #[error("failed to split `{}`: it has {found} sequences, but the splits need {needed}", path.display())]
    TooFewSequences { path: PathBuf, found: u64, needed: u64 },
    #[error(transparent)]
    Idx(#[from] IdxError),
    #[error(transparent)]
    Npy(#[from] NpyError),
}

impl MovingMnistError {
    /// Returns what the user can do about it, if anything.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::DigitsMissing { .. } => {
                Some("download MNIST's image files into this folder and keep their names")
            }
            Self::TooFewSequences { .. } => {
                Some("lower `train`, `validate` or `test` of `sequences`")
            }
            Self::Npy(error) => error.hint(),
            Self::Idx(_) => None,
        }
    }
}
