//! Why a data set cannot be used.
//!
//! [`DataError`] holds what several kinds of data sets share and wraps the errors of each kind, which
//! are defined beside their readers.

use std::path::PathBuf;

use super::{
    bair::BairError, kaggle::KaggleError, keypoints::KeypointError, moving_mnist::MovingMnistError,
    pack::PackError, pushing::PushingError, video_folder::VideoFolderError,
};
use reprise_base::{config::data::Split, fs::FsError};

/// A file or folder in which no data set is recognised.
#[derive(Debug, thiserror::Error)]
#[error("failed to recognise a data set in `{}`: it is {found}", path.display())]
pub struct Unrecognised {
    pub(super) path: PathBuf,
    /// What it is, in words.
    pub(super) found: String,
    /// The folder in or around it in which a data set is recognised, if there is exactly one.
    pub(super) data: Option<PathBuf>,
    /// Extensions of its files in lower case, the most frequent one first.
    pub(super) extensions: Vec<String>,
}

impl Unrecognised {
    /// Returns the advice for what it is.
    fn hint(&self) -> String {
        if let Some(data) = &self.data {
            let data = data.display();
            return if self.path.starts_with(self.data.as_deref().unwrap_or(&self.path)) {
                format!("give the folder of the data set: `{data}`")
            } else {
                format!("the data are one folder deeper: use `{data}`")
            };
        }
        let contains = |known: &[&str]| {
            self.extensions.first().is_some_and(|extension| known.contains(&extension.as_str()))
        };
        if contains(&["zip", "tar", "gz", "tgz", "bz2", "xz", "zst", "7z", "rar"]) {
            return "unpack the archive, then use the folder that it contains".to_owned();
        }
        "compare it with the layouts in `reprise data --help`".to_owned()
    }
}

/// Why a data set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    #[error(transparent)]
    Fs(#[from] FsError),
    #[error("failed to read `{}`: its name is not valid UTF-8", path.display())]
    NameNotUtf8 {
        /// Shown with replacement characters.
        path: PathBuf,
    },
    #[error("failed to open `{}`: `~` at the start of a path is not replaced", path.display())]
    Tilde { path: PathBuf },
    #[error("failed to read `{}`: a sequence needs at least two frames", path.display())]
    SingleFrame { path: PathBuf },
    #[error("failed to read `{}`: its length changed during reading", path.display())]
    SourceChanged { path: PathBuf },
    #[error(
        "failed to choose the folder of the split `{split}`: `{}` and `{}` exist",
        first.display(), second.display()
    )]
    TwoFoldersOfSplit { split: Split, first: PathBuf, second: PathBuf },
    #[error("failed to use {origin}: all pixels of all frames are {value}")]
    Constant {
        /// Where the sequences come from, in words.
        origin: String,
        value: u8,
    },
    #[error("failed to use {origin}: equal sequences are in two splits: {}", pairs.join(", "))]
    Overlap {
        /// Where the sequences come from, in words.
        origin: String,
        /// The first pairs.
        pairs: Vec<String>,
    },
    #[error(transparent)]
    Unrecognised(#[from] Unrecognised),
    #[error("failed to use pack `{}`", path.display())]
    BrokenPack { path: PathBuf, source: PackError },
    #[error("failed to draw the contact sheet")]
    Sheet(#[source] png::EncodingError),
    #[error(
        "failed to pack `{name}`: only folders of frames, strips, videos or keypoints can be packed"
    )]
    NotPacked {
        /// The data set's name.
        name: &'static str,
    },
    #[error(
        "failed to draw {sequences} sequences of {frames} frames: they need more than {limit} bytes of \
         memory"
    )]
    TooLarge { sequences: u64, frames: u64, limit: u64 },
    #[error(transparent)]
    Bair(#[from] BairError),
    #[error(transparent)]
    Pushing(#[from] PushingError),
    #[error(transparent)]
    Keypoints(#[from] KeypointError),
    #[error(transparent)]
    MovingMnist(#[from] MovingMnistError),
    #[error(transparent)]
    Videos(#[from] VideoFolderError),
}

impl From<KaggleError> for DataError {
    fn from(error: KaggleError) -> Self {
        KeypointError::from(error).into()
    }
}

impl DataError {
    /// Returns what the user can do about it, if anything.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unrecognised(unrecognised) => return Some(unrecognised.hint()),
            Self::NameNotUtf8 { .. } => Some("rename it"),
            Self::Tilde { .. } => Some("write the full path, such as `/home/me/data`"),
            Self::SourceChanged { .. } => {
                Some("wait until no other program writes to the data set, then try again")
            }
            Self::TwoFoldersOfSplit { .. } => Some("move one of them away or merge them"),
            Self::Constant { .. } => {
                Some("look at the files with another program: they show nothing")
            }
            Self::Overlap { .. } => Some(
                "remove the copies, because scores on them are not scores on new data; or allow them \
                 with `--set data.overlap=allow`",
            ),
            Self::BrokenPack { .. } => Some("delete the pack; the next use creates it again"),
            Self::Bair(error) => error.hint(),
            Self::Pushing(error) => error.hint(),
            Self::Keypoints(error) => error.hint(),
            Self::MovingMnist(error) => error.hint(),
            Self::Videos(error) => error.hint(),
            Self::Fs(_)
            | Self::SingleFrame { .. }
            | Self::Sheet(_)
            | Self::NotPacked { .. }
            | Self::TooLarge { .. } => None,
        };
        hint.map(str::to_owned)
    }

    /// Returns whether the problem is in the data set, not in the disk that holds it.
    pub fn is_usage_error(&self) -> bool {
        match self {
            Self::Fs(error) => error.is_not_found(),
            Self::Keypoints(error) => error.is_usage_error(),
            _ => true,
        }
    }
}
