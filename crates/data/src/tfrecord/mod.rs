//! Robot-pushing data sets in TFRecord files: Google's and Berkeley's.
//!
//! ```text
//! file      records, framed and checksummed            [`framing`], compressed or not
//! record    one tf.train.Example                       [`example`]
//! example   one sequence, a feature per frame and kind  [`sequence`]
//! ```
//! Every length is checked before memory is allocated for it. Errors name file, record and feature.
//! Start from [`for_each_record`] and [`read_sequence`].

use std::{ops::ControlFlow, path::Path};

mod compressed;
mod error;
pub mod example;
pub mod framing;
pub mod sequence;

pub use error::{ExampleError, FeatureError, FramingError, ListKind, RecordPart, TfrecordError};
pub use example::Example;
pub use framing::{Records, TfRecord};
pub use sequence::{RecordLayout, RecordSequence, read_sequence};

/// Calls `each` with every record of a file, numbered from 0, until it breaks; returns the number of
/// records passed on.
///
/// On error, `each` has already been called with all records before the damaged one.
pub fn for_each_record(
    path: &Path,
    mut each: impl FnMut(u64, TfRecord) -> ControlFlow<()>,
) -> Result<u64, TfrecordError> {
    let (reader, len) = compressed::open(path)?;
    let mut count = 0;
    for record in Records::new(reader, len) {
        let record = record.map_err(|source| {
            let path = path.to_owned();
            TfrecordError::Framing { path, record: count, source }
        })?;
        count += 1;
        if each(count - 1, record).is_break() {
            break;
        }
    }
    if count == 0 { Err(TfrecordError::Empty { path: path.to_owned() }) } else { Ok(count) }
}
