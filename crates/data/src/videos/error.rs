//! Why a folder of videos cannot be used.

use std::path::PathBuf;

use super::{avi::AviError, gif::GifError};
use reprise_base::fs::FsError;

/// Largest size of the scaled frames of one video in bytes.
pub(super) const VIDEO_BYTES_MAX: usize = 32 << 20;

/// Why a folder of videos cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    #[error(transparent)]
    Fs(#[from] FsError),
    #[error("failed to find the category of `{}`: it is not in a category folder, and its name has no underscore", path.display())]
    NoCategory { path: PathBuf },
    #[error("failed to read `{}`: its name is not valid UTF-8", path.display())]
    NameNotUtf8 { path: PathBuf },
    #[error("failed to decode video `{}`", path.display())]
    Video { path: PathBuf, source: VideoFormatError },
    #[error("failed to find a video of at least {shortest} frames in `{}`", root.display())]
    NoVideos { root: PathBuf, shortest: u64 },
    #[error("failed to load the videos in `{}`: decoded, they need more than {limit} bytes of memory", root.display())]
    TooLarge { root: PathBuf, limit: usize },
}

/// Why a file is not a usable video.
#[derive(Debug, thiserror::Error)]
pub enum VideoFormatError {
    #[error(transparent)]
    Avi(#[from] AviError),
    #[error(transparent)]
    Gif(#[from] GifError),
    #[error("its scaled frames need more than {VIDEO_BYTES_MAX} bytes of memory")]
    TooLong,
}

impl VideoError {
    /// Returns what the user can do, if anything.
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoCategory { .. } => {
                "move it into a folder named after its category, or name it PERSON_CATEGORY.avi, for \
                 example `anna_walk.avi`"
            }
            Self::NameNotUtf8 { .. } => "rename it",
            Self::Video { source: VideoFormatError::TooLong, .. } => "cut it into several videos",
            Self::Video { .. } => "convert it to AVI with Motion JPEG or to GIF",
            Self::NoVideos { .. } => "add longer videos, or lower `shortest`",
            Self::Fs(_) | Self::TooLarge { .. } => return None,
        })
    }
}
