//! What can be wrong with a table of keypoints as a data set.

use std::path::PathBuf;

use crate::data::kaggle::KaggleError;

/// Why a table of keypoints cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeypointError {
    #[error(transparent)]
    Table(#[from] KaggleError),
    /// Validation and test take all complete rows.
    #[error("failed to split `{}`: validation and test leave none of its {rows} complete rows for training", path.display())]
    NoTrainingRows { path: PathBuf, rows: usize },
}

impl KeypointError {
    /// Returns what the user can do about it, if anything.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Table(error) => error.hint(),
            Self::NoTrainingRows { .. } => Some(
                "lower the shares of validation and test in `data.dataset.kaggle.split.shares`",
            ),
        }
    }

    /// Returns whether the problem is in the table, not in the disk that holds it.
    pub(in crate::data) fn is_usage_error(&self) -> bool {
        match self {
            Self::Table(KaggleError::Fs(error)) => error.is_not_found(),
            Self::Table(KaggleError::Table { .. }) | Self::NoTrainingRows { .. } => true,
        }
    }
}
