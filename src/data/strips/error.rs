//! What can be wrong with a folder of strips.

use std::path::PathBuf;

use png::DecodingError;

use super::picture::CLIP_BYTES_MAX;
use crate::{data::rgb_png::SIDE_MAX, fs::FsError};

/// Why a folder of strips cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StripError {
    /// A file or directory cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// A strip stands beside the categories.
    #[error("failed to name the category of `{}`: it lies in no category's folder", path.display())]
    NoCategory {
        /// The strip.
        path: PathBuf,
    },
    /// A name cannot be written down.
    #[error("failed to name `{}`: its name is not UTF-8", path.display())]
    NameNotUtf8 {
        /// The path, with replacement characters when shown.
        path: PathBuf,
    },
    /// A strip is not the picture it should be.
    #[error("failed to decode strip `{}`", path.display())]
    Picture {
        /// The strip.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: PictureFault,
    },
    /// A strip has frames of another size than the strips before it.
    #[error(
        "failed to read strip `{}`: its frames have side {found}, those before it {expected}",
        path.display()
    )]
    Side {
        /// The strip.
        path: PathBuf,
        /// Side of its frames.
        found: usize,
        /// Side of the frames before it.
        expected: usize,
    },
    /// No clip is left.
    #[error("failed to find a clip of at least {shortest} frames in `{}`", root.display())]
    NoClips {
        /// The root.
        root: PathBuf,
        /// Frames that a clip needs.
        shortest: u64,
    },
    /// All clips together do not fit in memory.
    #[error("failed to hold the clips of `{}`: more than {limit} bytes", root.display())]
    TooMuch {
        /// The root.
        root: PathBuf,
        /// The limit in bytes.
        limit: usize,
    },
}

/// What is wrong with the picture of a strip.
#[derive(Debug, thiserror::Error)]
pub enum PictureFault {
    /// The file is no PNG, damaged or cut off.
    #[error("it is not an intact PNG")]
    Png(#[source] DecodingError),
    /// The picture is not 8-bit RGB.
    #[error("it is not 8-bit RGB")]
    NotRgb,
    /// The frames are larger than any frame may be.
    #[error("its shorter edge has {side} pixels; a frame has at most {SIDE_MAX}")]
    SideTooLarge {
        /// The shorter edge.
        side: u32,
    },
    /// The picture is larger than any clip may be.
    #[error("it is {width}x{height} pixels, more than {CLIP_BYTES_MAX} bytes")]
    TooLong {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The longer edge is not a whole number of frames.
    #[error("it is {width}x{height} pixels: the longer edge is no multiple of the shorter")]
    PartOfAFrame {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// There is one frame only.
    #[error("it is {side}x{side} pixels: one frame is no clip")]
    OneFrame {
        /// Width and height in pixels.
        side: u32,
    },
}

impl StripError {
    /// Returns what the user can do about it, where there is something.
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoCategory { .. } => "strips lie one folder deep, as in `0/00000000.png`",
            Self::NameNotUtf8 { .. } => "rename it",
            Self::Picture { fault: PictureFault::NotRgb | PictureFault::Png(_), .. } => {
                "convert all strips to 8-bit RGB without transparency, in PNG"
            }
            Self::Picture { .. } => "a strip is a row or a column of at least two square frames",
            Self::Side { .. } => "scale all strips to one size of frame",
            Self::NoClips { .. } => "give longer clips, or ask for shorter ones",
            Self::Fs(_) | Self::TooMuch { .. } => return None,
        })
    }
}
