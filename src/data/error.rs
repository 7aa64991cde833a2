//! What can be wrong with a data set, with the file, row or frame at fault.

use std::path::PathBuf;

use super::{
    Split, bair::FrameFault, bair::TableFault, idx::IdxError, kaggle::KaggleError,
    map_csv::MapError, npy::NpyError, pack::PackFault, strips::StripError, tfrecord::TfrecordError,
    videos::VideoError,
};
use crate::fs::FsError;

/// Why a data set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file or directory cannot be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A split that the caller needs is not there.
    #[error("failed to find the split `{split}` in `{}`", root.display())]
    SplitMissing {
        /// The data root.
        root: PathBuf,
        /// The missing split.
        split: Split,
    },
    /// A split holds no sequence at all.
    #[error("failed to find any sequence in `{}`", path.display())]
    NoSequences {
        /// The split's directory.
        path: PathBuf,
    },
    /// A directory's name cannot be written down.
    #[error("failed to name `{}`: its name is not UTF-8", path.display())]
    NameNotUtf8 {
        /// The path, with replacement characters when shown.
        path: PathBuf,
    },
    /// Two directories have no order between them and may be the same sequences twice.
    #[error("failed to order `{}` and `{}`: they differ only in leading zeros", first.display(), second.display())]
    SameNumber {
        /// One of them.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A picture whose name is not its number in the sequence.
    #[error("failed to number frame `{}`: its name is not a plain decimal number", path.display())]
    FrameName {
        /// The picture.
        path: PathBuf,
    },
    /// A sequence has a gap.
    #[error("failed to find frame {frame} of `{}`", path.display())]
    FrameMissing {
        /// The sequence's directory.
        path: PathBuf,
        /// Number of the first frame that is not there.
        frame: usize,
    },
    /// A sequence has another length than the first one of the data set.
    #[error("failed to read `{}`: it has {found} frames, the sequences before it {expected}", path.display())]
    FrameCount {
        /// The sequence's directory.
        path: PathBuf,
        /// Frames of this sequence.
        found: usize,
        /// Frames of the first sequence.
        expected: usize,
    },
    /// A sequence in which nothing can be predicted.
    #[error("failed to read `{}`: one frame is no sequence", path.display())]
    SingleFrame {
        /// The sequence's directory.
        path: PathBuf,
    },
    /// A frame is not the picture it should be.
    #[error("failed to decode frame `{}`", path.display())]
    Frame {
        /// The picture.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: FrameFault,
    },
    /// A table of numbers is not what it should be.
    #[error("failed to read table `{}`", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// What is wrong with it, and in which row.
        #[source]
        fault: TableFault,
    },
    /// A folder that a split is made from is not there.
    #[error("failed to find `{}`, which the split `{split}` is made from", path.display())]
    FolderMissing {
        /// The folder.
        path: PathBuf,
        /// The split.
        split: Split,
    },
    /// A folder holds no TFRecord file.
    #[error("failed to find any TFRecord file in `{}`", path.display())]
    NoRecordFiles {
        /// The folder.
        path: PathBuf,
    },
    /// By the original's rule all files would validate.
    #[error("failed to split `{}`: 95% of {files}, rounded down, leaves none to train", path.display())]
    NoneForTraining {
        /// The folder.
        path: PathBuf,
        /// Its files, or the sequences of its list.
        files: usize,
    },
    /// A record is in no layout that is known.
    #[error("failed to tell the layout of `{}`: its first record has no frame 0", path.display())]
    UnknownLayout {
        /// The file.
        path: PathBuf,
    },
    /// A table of keypoints is not what it should be.
    #[error(transparent)]
    Kaggle(#[from] KaggleError),
    /// Validation and test would take all rows of a table.
    #[error("failed to split `{}`: validation and test leave none of its {rows} complete rows to train", path.display())]
    NoRowsToTrain {
        /// The table.
        path: PathBuf,
        /// Its complete rows.
        rows: usize,
    },
    /// A TFRecord file, or a record of it, is not what it should be.
    #[error(transparent)]
    Tfrecord(#[from] TfrecordError),
    /// A list of `.npy` files is not what it should be.
    #[error(transparent)]
    Map(#[from] MapError),
    /// A `.npy` file is not what it should be.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// A file of MNIST's digits is not what it should be.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// Neither a file nor the same file packed is there.
    #[error("failed to find `{}`, plain or with `.gz`", path.display())]
    DigitsMissing {
        /// The plain file.
        path: PathBuf,
    },
    /// A file holds fewer sequences than the splits need.
    #[error("failed to divide `{}`: it has {found} sequences, the splits need {needed}", path.display())]
    TooFewSequences {
        /// The file.
        path: PathBuf,
        /// Its sequences.
        found: u64,
        /// Sequences of all splits together.
        needed: u64,
    },
    /// A folder of strips is not what it should be.
    #[error(transparent)]
    Strips(#[from] StripError),
    /// A folder of videos is not what it should be.
    #[error(transparent)]
    Videos(#[from] VideoError),
    /// Clips cannot be split so that nobody is in two splits.
    #[error("failed to split the clips of `{}`: fewer than three groups share nobody", root.display())]
    TooFewGroups {
        /// The root.
        root: PathBuf,
    },
    /// A pack of this data set is never given away.
    #[error("failed to pack `{name}`: only folders of pictures, strips or videos are packed")]
    NotPacked {
        /// The data set's name.
        name: &'static str,
    },
    /// An element of an array is not what it should be.
    #[error("failed to use element {index} of `{}`: {what}", path.display())]
    Element {
        /// The file.
        path: PathBuf,
        /// Number of the element, row by row, from 0.
        index: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A file changed while the data set was being read.
    #[error("failed to read `{}`: {what}", path.display())]
    SourceChanged {
        /// The file.
        path: PathBuf,
        /// What happened to it.
        what: &'static str,
    },
    /// A pack is damaged, or no pack.
    #[error("failed to use pack `{}`", path.display())]
    BrokenPack {
        /// The pack.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: PackFault,
    },
    /// A procedural data set that is too large to be held in memory.
    #[error("failed to draw {sequences} sequences of {frames} frames: more than {limit} bytes")]
    TooLarge {
        /// Wanted sequences of all splits.
        sequences: u64,
        /// Wanted frames of each.
        frames: u64,
        /// The limit in bytes.
        limit: u64,
    },
}

impl DataError {
    /// Returns what the user can do about it, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::SplitMissing { .. } => {
                "a data root holds the folders `train`, `validate` and `test`"
            }
            Self::NoSequences { .. } => {
                "sequences lie two folders deep, as in `train/traj_0_to_255/1/0.png`"
            }
            Self::NameNotUtf8 { .. } => "rename it",
            Self::SameNumber { .. } => "remove the copy, or rename one of them",
            Self::FrameName { .. } => "frames are named `0.png`, `1.png`, `2.png`, ...",
            Self::FrameCount { .. } => "all sequences of a data set have the same number of frames",
            Self::Frame { fault, .. } => fault.hint(),
            Self::Table { fault, .. } => return fault.hint(),
            Self::SourceChanged { .. } => {
                "wait until nobody writes to the data set, then try again"
            }
            Self::BrokenPack { .. } => "delete the file; it is made again",
            Self::FolderMissing { .. } => "`reprise data --help` shows how folders are laid out",
            Self::NoneForTraining { .. } => "there have to be two at least",
            Self::UnknownLayout { .. } => {
                "names are as in `0/image_aux1/encoded` or `move/0/image/encoded`"
            }
            Self::DigitsMissing { .. } => "the four files of MNIST keep their names",
            Self::TooFewSequences { .. } => "lower `train`, `validate` or `test` of `sequences`",
            Self::Tfrecord(error) => return error.hint(),
            Self::Kaggle(error) => return error.hint(),
            Self::NoRowsToTrain { .. } => {
                "`data.dataset.kaggle.split.shares` says how many validate and test"
            }
            Self::Npy(error) => return error.hint(),
            Self::Strips(error) => return error.hint(),
            Self::Videos(error) => return error.hint(),
            Self::TooFewGroups { .. } => {
                "clips of one person, equal clips and mirror images stay together; a person is what \
                 stands before the first underscore of a file's name"
            }
            Self::Fs(_)
            | Self::NoRecordFiles { .. }
            | Self::NotPacked { .. }
            | Self::Map(_)
            | Self::Idx(_)
            | Self::Element { .. }
            | Self::FrameMissing { .. }
            | Self::SingleFrame { .. }
            | Self::TooLarge { .. } => return None,
        })
    }
}

/// Something that [`check`](super::check) found.
#[derive(Debug)]
pub enum Fault {
    /// The data set cannot be used.
    Error(DataError),
    /// The data set can be used, but should it?
    Warning(String),
}

impl Fault {
    /// Returns the fault of what is checked as a whole, if it has one.
    pub(super) fn of(whole: Result<(), DataError>) -> Vec<Self> {
        whole.err().into_iter().map(Self::Error).collect()
    }
}

/// Faults and warnings as they are found; keeps the first ones and counts the others.
#[derive(Debug, Default)]
pub(super) struct Findings {
    errors: Vec<DataError>,
    warnings: Vec<String>,
    errors_left_out: u64,
    warnings_left_out: u64,
}

impl Findings {
    /// As many as anybody reads; a set of a million broken files shall not fill the memory.
    const KEPT: usize = 200;

    pub(super) fn error(&mut self, error: DataError) {
        if self.errors.len() < Self::KEPT {
            self.errors.push(error);
        } else {
            self.errors_left_out += 1;
        }
    }

    pub(super) fn warn(&mut self, warning: String) {
        if self.warnings.len() < Self::KEPT {
            self.warnings.push(warning);
        } else {
            self.warnings_left_out += 1;
        }
    }

    /// Returns the value, or records the error.
    pub(super) fn keep<T>(&mut self, result: Result<T, DataError>) -> Option<T> {
        result.map_err(|error| self.error(error)).ok()
    }

    pub(super) fn error_count(&self) -> u64 {
        self.errors.len() as u64 + self.errors_left_out
    }

    /// Takes the first error, if there is any.
    pub(super) fn fail_on_error(&mut self) -> Result<(), DataError> {
        if self.errors.is_empty() { Ok(()) } else { Err(self.errors.swap_remove(0)) }
    }

    pub(super) fn into_warnings(mut self) -> Vec<String> {
        if self.warnings_left_out > 0 {
            self.warnings.push(format!("{} more warnings", self.warnings_left_out));
        }
        self.warnings
    }

    pub(super) fn into_faults(mut self) -> Vec<Fault> {
        let mut faults: Vec<_> = self.errors.drain(..).map(Fault::Error).collect();
        if self.errors_left_out > 0 {
            faults.push(Fault::Warning(format!("{} more errors", self.errors_left_out)));
        }
        faults.extend(self.into_warnings().into_iter().map(Fault::Warning));
        faults
    }
}
