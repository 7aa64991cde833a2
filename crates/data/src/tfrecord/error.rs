//! Why a TFRecord file, a record of it, or a feature of a record cannot be used.

use std::{fmt, io, path::PathBuf};

use crate::{jpeg::JpegError, protobuf::WireError};
use reprise_base::fs::FsError;

/// Largest record in bytes; the largest known ones, with 30 frames of 64×64 twice, have 1 MB.
pub(super) const RECORD_BYTES_MAX: u64 = 32 << 20;

/// Largest number of features; a record of 30 frames has about 200.
pub(super) const FEATURES_MAX: usize = 1 << 13;

/// Why a TFRecord file, or a record of it, cannot be used; records count from 0.
#[derive(Debug, thiserror::Error)]
pub enum TfrecordError {
    #[error(transparent)]
    Fs(#[from] FsError),
    #[error("failed to read `{}`: it has no records", path.display())]
    Empty { path: PathBuf },
    /// A record is damaged; the start of the next one is unknown.
    #[error("failed to read record {record} of `{}`", path.display())]
    Framing { path: PathBuf, record: u64, source: FramingError },
    #[error("failed to parse record {record} of `{}` as a `tf.train.Example`", path.display())]
    Example { path: PathBuf, record: u64, source: ExampleError },
    /// The record ends before the last frame that is read.
    #[error(
        "failed to read record {record} of `{}`: it has {found} frames, expected {expected}",
        path.display()
    )]
    TooShort { path: PathBuf, record: u64, found: usize, expected: usize },
    /// The record has no image of its first frame; `features` lists what it has.
    #[error(
        "failed to find feature `{key}` in record {record} of `{}`: it has {features}", path.display()
    )]
    NoImages { path: PathBuf, record: u64, key: String, features: String },
    #[error("failed to read feature `{key}` in record {record} of `{}`", path.display())]
    Feature { path: PathBuf, record: u64, key: String, source: FeatureError },
}

impl TfrecordError {
    /// Returns what the user can do, if anything.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Empty { .. } => Some("remove the file or download it again"),
            Self::Framing { .. } => Some("download the file again"),
            Self::Example { .. } => {
                Some("check that the file holds serialized `tf.train.Example`s")
            }
            Self::TooShort { .. } => {
                Some("set `frames` to the smallest number of frames that a record has")
            }
            Self::NoImages { .. } => Some(
                "`berkeley_tfrecord` reads `{i}/image_aux1/encoded`, `google_push_tfrecord` reads \
                 `move/{i}/image/encoded`; write other images under one of these names",
            ),
            Self::Feature { source: FeatureError::Missing, .. } => {
                Some("write all features of every frame")
            }
            Self::Fs(_) | Self::Feature { .. } => None,
        }
    }
}

/// Why a record cannot be read; offsets are in bytes from the start of the file.
#[derive(Debug, thiserror::Error)]
pub enum FramingError {
    #[error("read error in the record at byte {offset}")]
    Io { offset: u64, source: io::Error },
    #[error("the file ends inside {part} of the record at byte {offset}")]
    Truncated { offset: u64, part: RecordPart },
    #[error("wrong checksum of the length at byte {offset}")]
    LengthChecksum { offset: u64 },
    #[error("wrong checksum of the data at byte {offset}")]
    DataChecksum { offset: u64 },
    #[error("failed to decompress the file")]
    Compressed { source: io::Error },
    #[error("it has more than {limit} bytes when decompressed")]
    CompressedTooLong { limit: u64 },
    #[error("the record at byte {offset} has {length} bytes; the limit is {RECORD_BYTES_MAX}")]
    TooLong { offset: u64, length: u64 },
}

/// A part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordPart {
    /// The length and its checksum.
    Header,
    /// The data and their checksum.
    Data,
}

impl fmt::Display for RecordPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "the header",
            Self::Data => "the data",
        })
    }
}

/// The element type of a feature's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// Byte strings.
    Bytes,
    /// Single-precision numbers.
    Float,
    Int64,
}

impl fmt::Display for ListKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "byte strings",
            Self::Float => "floats",
            Self::Int64 => "integers",
        })
    }
}

/// Why bytes are not an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExampleError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("the name of a feature is not valid UTF-8")]
    Name,
    #[error("a feature has two lists of values")]
    TwoLists,
    #[error("more than {FEATURES_MAX} features")]
    TooMany,
}

/// Why a feature cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeatureError {
    /// The record has no such feature, or its list is absent.
    #[error("it is missing")]
    Missing,
    #[error("it holds {found}, expected {expected}")]
    Kind { found: ListKind, expected: ListKind },
    #[error("invalid encoding")]
    Wire(#[source] WireError),
    #[error("it has {found} values, expected {expected}")]
    Count { found: usize, expected: usize },
    /// A number is NaN or infinite; `index` counts from 0.
    #[error("value {index} is not finite")]
    NotFinite { index: usize },
    /// A raw image has another length.
    #[error("it has {found} bytes, expected {expected}")]
    Bytes { found: usize, expected: usize },
    #[error("{width}x{height} pixels cannot be subsampled to {side}x{side} with an integer stride")]
    Scale { width: usize, height: usize, side: usize },
    #[error("failed to decode it as JPEG")]
    Jpeg(#[source] JpegError),
}
