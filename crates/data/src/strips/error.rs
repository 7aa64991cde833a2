//! Why a folder of strips cannot be used.

use std::path::PathBuf;

use crate::image_file::{ImageError, SIDE_MAX};
use reprise_base::fs::FsError;

/// Largest size of the pixels of one strip in bytes.
pub(super) const STRIP_BYTES_MAX: u64 = 32 << 20;

/// Why a folder of strips cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StripError {
    #[error(transparent)]
    Fs(#[from] FsError),
    #[error("failed to find the category of `{}`: it is not in a category folder", path.display())]
    NoCategory { path: PathBuf },
    #[error("failed to read `{}`: its name is not valid UTF-8", path.display())]
    NameNotUtf8 { path: PathBuf },
    #[error("failed to decode strip `{}`", path.display())]
    Strip { path: PathBuf, source: StripFormatError },
    #[error(
        "failed to read strip `{}`: its frames have {found}x{found} pixels, but the strips before it \
         have {expected}x{expected}",
        path.display()
    )]
    Side { path: PathBuf, found: usize, expected: usize },
    #[error("failed to find a strip of at least {shortest} frames in `{}`", root.display())]
    NoVideos { root: PathBuf, shortest: u64 },
    #[error("failed to load the strips in `{}`: decoded, they need more than {limit} bytes of memory", root.display())]
    TooLarge { root: PathBuf, limit: usize },
}

/// Why a file is not a strip.
#[derive(Debug, thiserror::Error)]
pub enum StripFormatError {
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error("its shorter edge has {side} pixels; the limit is {SIDE_MAX}")]
    SideTooLarge { side: u32 },
    #[error("its {width}x{height} pixels need more than {STRIP_BYTES_MAX} bytes of memory")]
    TooLong { width: u32, height: u32 },
    #[error("{width}x{height} pixels: the longer edge is not a multiple of the shorter")]
    PartialFrame { width: u32, height: u32 },
    #[error("{side}x{side} pixels are one frame; a video needs at least two")]
    SingleFrame { side: u32 },
}

impl StripError {
    /// Returns what the user can do, if anything.
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoCategory { .. } => {
                "put each strip into the folder of its category, as in `0/00000000.png`"
            }
            Self::NameNotUtf8 { .. } => "rename it",
            Self::Strip { source: StripFormatError::Image(error), .. } => error.hint(),
            Self::Strip { .. } => "a strip is a row or a column of at least two square frames",
            Self::Side { .. } => {
                "scale them to the same size, for example with \
                 `--set data.dataset.strips.resize.side=64`"
            }
            Self::NoVideos { .. } => "add longer strips, or lower `data.dataset.strips.shortest`",
            Self::Fs(_) | Self::TooLarge { .. } => return None,
        })
    }
}
