//! What can be wrong with a robot-pushing data set.

use std::path::PathBuf;

use crate::{map_csv::MapError, npy::NpyError, tfrecord::TfrecordError};
use reprise_base::config::data::Split;

/// Why a robot-pushing data set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PushingError {
    #[error("failed to find `{}`, the folder of the split `{split}`", path.display())]
    FolderMissing { path: PathBuf, split: Split },
    #[error("failed to find any TFRecord file in `{}`", path.display())]
    NoRecordFiles { path: PathBuf },
    /// The original's rule leaves none for training.
    #[error("failed to split `{}`: it has only one {unit}, but training and validation need one each", path.display())]
    SingleItem { path: PathBuf, unit: &'static str },
    #[error("failed to detect the layout of `{}`: its first record has {features}", path.display())]
    UnknownLayout {
        path: PathBuf,
        /// What the record has, in words.
        features: String,
    },
    #[error("failed to use value {index} of `{}`: it is {value}", path.display())]
    NotFinite {
        path: PathBuf,
        /// Counted row by row, from 0.
        index: usize,
        value: f32,
    },
    #[error(transparent)]
    Tfrecord(#[from] TfrecordError),
    #[error(transparent)]
    Map(#[from] MapError),
    #[error(transparent)]
    Npy(#[from] NpyError),
}

impl PushingError {
    /// Returns what the user can do about it, if anything.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::FolderMissing { .. } => "run `reprise data --help` to see the folder layouts",
            Self::UnknownLayout { .. } => {
                "name the features as in `0/image_aux1/encoded` or `move/0/image/encoded`"
            }
            Self::NoRecordFiles { .. } => "names of TFRecord files contain `tfrecord`",
            Self::Map(error) => return error.hint(),
            Self::Tfrecord(error) => return error.hint(),
            Self::Npy(error) => return error.hint(),
            Self::SingleItem { .. } | Self::NotFinite { .. } => return None,
        })
    }
}
