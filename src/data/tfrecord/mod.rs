//! Robot-pushing data sets in TFRecord files: Google's and the Berkeley one.
//!
//! ```text
//! file      records, framed and checksummed            [`framing`]
//! record    one tf.train.Example                       [`example`]
//! example   one sequence, a feature per frame and kind  [`sequence`]
//! ```
//! Every length is checked before anything is allocated for it. A fault names file, record and key.
//! Start from [`for_each_record`] and [`read_sequence`].

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

pub mod example;
pub mod framing;
pub mod sequence;

pub use example::{Example, Kind, WireFault};
pub use framing::{FramingFault, Record, Records};
pub use sequence::{FeatureFault, Layout, RecordSequence, read_sequence};

use crate::fs::{self, FsError};

/// Why a TFRecord file, or a record of it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TfrecordError {
    /// The file cannot be opened.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// There is no record in it.
    #[error("failed to find any record in `{}`", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A record is damaged; what follows it cannot be found.
    #[error("failed to read record {record} of `{}`", path.display())]
    Framing {
        /// The file.
        path: PathBuf,
        /// Number of the record, from 0.
        record: u64,
        /// What is wrong with it.
        #[source]
        fault: FramingFault,
    },
    /// A record is whole but no example.
    #[error("failed to parse record {record} of `{}` as an example", path.display())]
    Example {
        /// The file.
        path: PathBuf,
        /// Number of the record, from 0.
        record: u64,
        /// What is wrong with it.
        #[source]
        fault: WireFault,
    },
    /// A feature is not what it should be.
    #[error("failed to take `{key}` of record {record} of `{}`", path.display())]
    Feature {
        /// The file.
        path: PathBuf,
        /// Number of the record, from 0.
        record: u64,
        /// Name of the feature.
        key: String,
        /// What is wrong with it.
        #[source]
        fault: FeatureFault,
    },
}

impl TfrecordError {
    /// Returns what the user can do about it, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Fs(_) => None,
            Self::Empty { .. } => Some("remove the file, or fetch it again"),
            Self::Framing { .. } => Some("fetch the file again; a packed file has to be unpacked"),
            Self::Example { .. } => Some("a record holds a `tf.train.Example`"),
            Self::Feature { fault, .. } => fault.hint(),
        }
    }
}

/// Calls `each` with every record of a file, numbered from 0, until it breaks; returns how many it saw.
///
/// An error says where the file is damaged; by then `each` has seen all records before.
pub fn for_each_record(
    path: &Path,
    mut each: impl FnMut(u64, Record) -> ControlFlow<()>,
) -> Result<u64, TfrecordError> {
    let (reader, len) = fs::open(path)?;
    let mut count = 0;
    for record in Records::new(reader, len) {
        let framed = record.map_err(|fault| {
            let path = path.to_owned();
            TfrecordError::Framing { path, record: count, fault }
        })?;
        count += 1;
        if each(count - 1, framed).is_break() {
            break;
        }
    }
    if count == 0 { Err(TfrecordError::Empty { path: path.to_owned() }) } else { Ok(count) }
}
