//! What can be wrong with a folder of strips or videos.

use std::path::PathBuf;

use crate::{strips::StripError, videos::VideoError};

/// Why a folder of strips or videos cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VideoFolderError {
    #[error(transparent)]
    Strips(#[from] StripError),
    #[error(transparent)]
    Videos(#[from] VideoError),
    /// A split would be empty.
    #[error("failed to split `{}`: its videos form fewer than three independent groups", root.display())]
    TooFewGroups { root: PathBuf },
}

impl VideoFolderError {
    /// Returns what the user can do about it, if anything.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Strips(error) => error.hint(),
            Self::Videos(error) => error.hint(),
            Self::TooFewGroups { .. } => Some(
                "add videos of other people; all videos of one person form one group, as do equal videos \
                 and mirror images; if names tell persons in another way, say how with \
                 `data.dataset.videos.names`",
            ),
        }
    }
}
