//! What can be wrong with a folder in the BAIR layout.

use std::path::PathBuf;

use super::{frame::FrameError, table::TableError};
use reprise_base::config::data::Split;

/// Why a folder in the BAIR layout cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BairError {
    #[error("failed to find the folder `{}`", root.display())]
    RootMissing { root: PathBuf },
    #[error("failed to find the split `{split}` in `{}`", root.display())]
    SplitMissing { root: PathBuf, split: Split },
    #[error("failed to find any sequence in `{}`", path.display())]
    NoSequences { path: PathBuf },
    /// Two folders have the same place in the order and may be the same sequences twice.
    #[error("failed to order `{}` and `{}`: the names differ only in leading zeros", first.display(), second.display())]
    SameNumber { first: PathBuf, second: PathBuf },
    #[error("failed to order `{}` and `{}`: both are the same frame", first.display(), second.display())]
    SameFrame { first: PathBuf, second: PathBuf },
    #[error("failed to read `{}`: its first frame is {found}, but that of the sequences before it is {expected}", path.display())]
    FirstFrame { path: PathBuf, found: usize, expected: usize },
    #[error("failed to number frame `{}`: the name is not a plain decimal number", path.display())]
    FrameName { path: PathBuf },
    #[error("failed to find frame {frame} of `{}`", path.display())]
    FrameMissing {
        /// The sequence's folder.
        path: PathBuf,
        /// The first missing frame.
        frame: usize,
    },
    #[error("failed to read `{}`: it has {found} frames, but the sequences before it have {expected}", path.display())]
    FrameCount { path: PathBuf, found: usize, expected: usize },
    #[error("failed to decode frame `{}`", path.display())]
    Frame { path: PathBuf, source: FrameError },
    #[error("failed to read table `{}`", path.display())]
    Table { path: PathBuf, source: TableError },
}

impl BairError {
    /// Returns what the user can do about it, if anything.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::RootMissing { .. } => {
                "copy or link the data there, or give another folder; `reprise data list` lists the \
                 data sets that need no folder"
            }
            Self::SplitMissing { .. } => {
                "the folder of a data set must contain `train`, `validate` (or `val`) and `test`"
            }
            Self::NoSequences { .. } => {
                "put each sequence one or two folders below its split, as in \
                 `train/traj_0_to_255/1/0.png`"
            }
            Self::SameNumber { .. } | Self::SameFrame { .. } => {
                "remove one of the two, or rename it"
            }
            Self::FirstFrame { .. } => "number the frames of all sequences from 0 or all from 1",
            Self::FrameName { .. } => {
                "name frames by their numbers, as in `0.png`, `1.png`, or `0001.jpg`, `0002.jpg`"
            }
            Self::FrameCount { .. } => "give all sequences the same number of frames",
            Self::Frame { source, .. } => source.hint(),
            Self::Table { source, .. } => return source.hint(),
            Self::FrameMissing { .. } => {
                "add the frame; if it was dropped on purpose, number the others without a gap"
            }
        })
    }
}
