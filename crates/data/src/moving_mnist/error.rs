//! What can be wrong with the files of Moving MNIST.

use std::path::PathBuf;

use crate::{idx::IdxError, npy::NpyError, npz::NpzError};
use reprise_base::text::quoted_list;

/// Why a Moving MNIST data set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MovingMnistError {
    #[error(
        "failed to find `{missing}`, plain or with `.gz`, in `{}`: the folder {found}", path.display()
    )]
    DigitsMissing {
        path: PathBuf,
        missing: &'static str,
        /// The content of the folder, in words.
        found: String,
    },
    #[error("failed to split `{}`: it has {found} sequences, but the splits need {needed}", path.display())]
    TooFewSequences { path: PathBuf, found: u64, needed: u64 },
    #[error(
        "failed to read `{}`: its shape is {found:?}, expected frames, sequences, height and width, \
         with square frames and at most one axis of 1 or 3 channels", path.display()
    )]
    Shape { path: PathBuf, found: Vec<usize> },
    /// The shape does not tell which axis is that of frames.
    #[error(
        "failed to choose the axis of frames in `{}`: its shape {shape:?} can be [frame, sequence, ...] with \
         {} frames of {} sequences, or [sequence, frame, ...] with {} frames of {} sequences",
        path.display(), shape[0], shape[1], shape[1], shape[0]
    )]
    AxesOpen {
        path: PathBuf,
        /// At least two axes.
        shape: Vec<usize>,
    },
    #[error("failed to read `{}`: the channels of sequence {sequence} differ, expected grey", path.display())]
    NotGrey { path: PathBuf, sequence: usize },
    #[error("failed to choose an array in `{}`: it has {}", path.display(), quoted_list(names))]
    ArrayName { path: PathBuf, names: Vec<String> },
    #[error("failed to find array `{key}` in `{}`: it has {}", path.display(), quoted_list(names))]
    ArrayMissing { path: PathBuf, key: String, names: Vec<String> },
    #[error("failed to use `clips` in `{}`: clip {clip} is not within the {frames} frames of `input_raw_data`", path.display())]
    Clip { path: PathBuf, clip: usize, frames: usize },
    #[error("failed to read `{}`: its digits have shape {found:?}, expected [n, 28, 28]", path.display())]
    DigitShape { path: PathBuf, found: Vec<usize> },
    #[error(transparent)]
    Npz(#[from] NpzError),
    #[error(transparent)]
    Idx(#[from] IdxError),
    #[error(transparent)]
    Npy(#[from] NpyError),
}

impl MovingMnistError {
    /// Returns what the user can do about it, if anything.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::DigitsMissing { .. } => Some(
                "download MNIST's image files into this folder, or into `raw` or `MNIST/raw` in it",
            ),
            Self::TooFewSequences { .. } => {
                Some("lower `train`, `validate` or `test` of `sequences`")
            }
            Self::AxesOpen { .. } => Some(
                "add `axes = \"sequence_first\"` or `axes = \"frame_first\"` to \
                 `data.dataset.mnist_test_seq`",
            ),
            Self::ArrayName { .. } | Self::ArrayMissing { .. } => {
                Some("name one of these in `data.dataset.mnist_test_seq.key`")
            }
            Self::Npy(error) => error.hint(),
            Self::Npz(error) => error.hint(),
            Self::NotGrey { .. } => {
                Some("save grey frames; frames in colour can be used as `videos` or `strips`")
            }
            Self::Idx(error) => error.hint(),
            Self::Shape { .. } | Self::Clip { .. } | Self::DigitShape { .. } => None,
        }
    }
}
