//! Why a `.npy` file cannot be used.

use std::{io, path::PathBuf};

use super::array::Dtype;
use reprise_base::fs::FsError;

/// Longest header in bytes; NumPy has the same default limit.
pub(super) const HEADER_BYTES_MAX: u64 = 10_000;

/// Largest number of axes, NumPy's own limit before version 2.
pub(super) const AXES_MAX: usize = 32;

/// Why a `.npy` file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NpyError {
    #[error(transparent)]
    Fs(#[from] FsError),
    #[error("failed to read array `{}`", path.display())]
    Array { path: PathBuf, source: NpyFormatError },
}

impl NpyError {
    /// Returns what the user can do, if anything.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Array { source, .. } => source.hint(),
            Self::Fs(_) => None,
        }
    }
}

impl NpyFormatError {
    /// Returns what the user can do, if anything. Following it never loses information.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::FortranOrder => {
                Some("save it with `numpy.save(path, numpy.ascontiguousarray(array))`")
            }
            Self::Dtype { expected: Dtype::F32, .. } => {
                Some("save numbers with `numpy.save(path, array.astype(numpy.float32))`")
            }
            Self::Pixels { range: [low, high], .. } if *low >= 0.0 && *high <= 1.0 => Some(
                "use the 8-bit frames that the array was computed from: its values lie between those of \
                 8-bit frames and would have to be rounded",
            ),
            Self::Pixels { .. } => Some(
                "use the 8-bit frames that the array was computed from, or undo its normalisation",
            ),
            Self::NotNpy { what: Some(what) } if what.contains("Git LFS") => {
                Some("fetch the file with `git lfs pull`")
            }
            Self::NotNpy { what: Some(_) } | Self::Length { .. } | Self::HeaderTruncated => {
                Some("download or copy the file again")
            }
            _ => None,
        }
    }
}

/// Why bytes are not the expected array.
#[derive(Debug, thiserror::Error)]
pub enum NpyFormatError {
    #[error("read error")]
    Io(#[source] io::Error),
    /// `what` describes the file, if its first bytes are known.
    #[error(
        "it does not begin with the signature of a `.npy` file{}",
        what.map(|what| format!("; it is {what}")).unwrap_or_default()
    )]
    NotNpy { what: Option<&'static str> },
    #[error("it is a zip archive, such as a `.npz` file, not a `.npy` file")]
    Zip,
    #[error("format version {major}.{minor} is not supported, only 1.0, 2.0 and 3.0")]
    Version { major: u8, minor: u8 },
    #[error("its header states {length} bytes; the limit is {HEADER_BYTES_MAX}")]
    HeaderTooLong { length: u64 },
    #[error("the file ends inside its header")]
    HeaderTruncated,
    #[error("invalid header")]
    Header(#[source] NpyHeaderError),
    #[error("its element type is `{found}`, expected `{}` ({expected})", expected.descr())]
    Dtype { found: String, expected: Dtype },
    #[error("its element type is `{found}`, expected numbers of at most 8 bytes")]
    NotNumbers { found: String },
    #[error("value {index} is {value}")]
    NotFinite { index: usize, value: f64 },
    #[error("value {index} is {value}, expected a whole number")]
    NotWhole { index: usize, value: f64 },
    /// A value is not a byte; indices count in the order of the file.
    #[error(
        "value {index} is {value}, and the values are from {} to {}; expected whole numbers from 0 to \
         255, or multiples of 1/255 from 0 to 1", range[0], range[1]
    )]
    Pixels {
        index: usize,
        value: f64,
        /// Smallest and largest value of the array.
        range: [f64; 2],
    },
    #[error("an array of shape {shape:?} has too many values; the limit is {limit}")]
    TooManyValues { shape: Vec<usize>, limit: u64 },
    #[error("it is stored in Fortran order")]
    FortranOrder,
    #[error("its shape is {found:?}, expected [{expected}]")]
    Shape { found: Vec<usize>, expected: String },
    #[error("an array of shape {shape:?} needs more than {limit} bytes of memory")]
    TooLarge { shape: Vec<usize>, limit: u64 },
    #[error("it has {found} bytes of data, expected {expected} for its shape")]
    Length { found: u64, expected: u64 },
}

/// Why the text of a header is invalid; offsets are in bytes from its start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NpyHeaderError {
    #[error("at byte {offset}: expected {expected}")]
    Expected { offset: usize, expected: &'static str },
    #[error("at byte {offset}: unknown key, expected `descr`, `fortran_order` or `shape`")]
    UnknownKey { offset: usize },
    #[error("duplicate key `{key}`")]
    DuplicateKey { key: &'static str },
    #[error("missing key `{key}`")]
    MissingKey { key: &'static str },
    #[error("at byte {offset}: expected an axis length from 0 to 2^63 - 1")]
    AxisLength { offset: usize },
    #[error("more than {AXES_MAX} axes")]
    TooManyAxes,
}
