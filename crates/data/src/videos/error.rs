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
    #[error(
        "failed to find a video of at least {shortest} frames in `{}`: the longest has {longest}",
        root.display()
    )]
    NoVideos { root: PathBuf, shortest: u64, longest: usize },
    #[error("failed to name videos: `{}` and `{}` have the same category and name", first.display(), second.display())]
    SameName { first: PathBuf, second: PathBuf },
    #[error("failed to find a video in `{}`", root.display())]
    NoFiles { root: PathBuf },
    #[error(
        "failed to find an AVI or GIF file in `{}`: its {count} are {}",
        root.display(), codec.map_or_else(|| format!("{extensions} files"), |codec| format!("{extensions} files with {codec}"))
    )]
    OtherContainer {
        root: PathBuf,
        /// The number of videos, in words.
        count: String,
        /// All extensions, in words.
        extensions: String,
        /// The codec of the first one, if known.
        codec: Option<&'static str>,
    },
    #[error("failed to find the category of `{}`: its name does not match the pattern `{pattern}`", path.display())]
    NoMatch { path: PathBuf, pattern: String },
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
            Self::SameName { .. } => "rename one of them, or change `data.dataset.videos.names`",
            Self::Video { source: VideoFormatError::TooLong, .. } => "cut it into several videos",
            Self::Video {
                source:
                    VideoFormatError::Avi(
                        AviError::Compression { .. }
                        | AviError::Bits { .. }
                        | AviError::OpenDml { .. }
                        | AviError::StatedSize { .. },
                    ),
                ..
            } => "convert it without loss: `ffmpeg -i IN.avi -c:v rawvideo -pix_fmt bgr24 OUT.avi`",
            Self::OtherContainer { .. } => {
                "convert each without loss: `ffmpeg -i IN -c:v rawvideo -pix_fmt bgr24 OUT.avi`"
            }
            Self::Video { .. } => "copy the video again",
            Self::NoVideos { .. } => "lower `data.dataset.videos.shortest`, or add longer videos",
            Self::NoFiles { .. } => "give the folder that contains the videos or their categories",
            Self::NoMatch { .. } => {
                "change `data.dataset.videos.names`, or move the file out of the folder"
            }
            Self::TooLarge { .. } => "lower `data.dataset.videos.side`, or use fewer videos",
            Self::Fs(_) => return None,
        })
    }
}
