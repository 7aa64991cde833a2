//! What can be wrong with a folder of videos.

use std::path::PathBuf;

use super::{CLIP_BYTES_MAX, avi::AviFault, gif::GifFault};
use crate::fs::FsError;

/// Why a folder of videos cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VideoError {
    /// A file or directory cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// Neither a folder nor a name says what a video shows.
    #[error("failed to name the category of `{}`: its name has no underscore", path.display())]
    NoCategory {
        /// The file.
        path: PathBuf,
    },
    /// A name cannot be written down.
    #[error("failed to name `{}`: its name is not UTF-8", path.display())]
    NameNotUtf8 {
        /// The path, with replacement characters when shown.
        path: PathBuf,
    },
    /// A file is not the video it should be.
    #[error("failed to decode video `{}`", path.display())]
    Video {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: VideoFault,
    },
    /// No clip is left.
    #[error("failed to find a video of at least {shortest} frames in `{}`", root.display())]
    NoClips {
        /// The root.
        root: PathBuf,
        /// Frames that a clip needs.
        shortest: u64,
    },
    /// All clips together do not fit in memory.
    #[error("failed to hold the videos of `{}`: more than {limit} bytes", root.display())]
    TooMuch {
        /// The root.
        root: PathBuf,
        /// The limit in bytes.
        limit: usize,
    },
}

/// What is wrong with a video.
#[derive(Debug, thiserror::Error)]
pub enum VideoFault {
    /// Of an AVI file.
    #[error(transparent)]
    Avi(#[from] AviFault),
    /// Of a GIF file.
    #[error(transparent)]
    Gif(#[from] GifFault),
    /// It has more frames than any clip may have.
    #[error("its scaled frames are more than {CLIP_BYTES_MAX} bytes")]
    TooLong,
}

impl VideoError {
    /// Returns what the user can do about it, where there is something.
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoCategory { .. } => {
                "put it into a folder of its category, or name it as in `anna_walk.avi`"
            }
            Self::NameNotUtf8 { .. } => "rename it",
            Self::Video { fault: VideoFault::TooLong, .. } => "cut it into several clips",
            Self::Video { .. } => "convert it to AVI with Motion JPEG, or to GIF",
            Self::NoClips { .. } => "give longer videos, or ask for shorter ones",
            Self::Fs(_) | Self::TooMuch { .. } => return None,
        })
    }
}
