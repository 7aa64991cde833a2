//! Facial keypoints in Kaggle's layout: a table with one column per coordinate and one of grey values.
//!
//! Start from [`read_training`] and [`read_test`], which follow `load` and `load2d` of
//! preddy5/tensorflow-recombinator-networks (`train.py`). A cell whose content does not fit its column
//! is refused with its row and column. Tables are read as programs export them: quoted or not, with
//! commas, semicolons or tabs, with a column that counts the rows, in a `.zip` or `.gz` file.

mod error;
mod keypoints;
mod order;
mod submission;
mod table;

use std::path::Path;

pub use error::{KaggleError, KaggleTableError};
pub use keypoints::{GreyImages, Keypoints, PIXELS, SIDE, TestImages};
pub use order::{minibatches, shuffled};
pub use reprise_base::config::data::KeypointColumns;
pub use submission::{LookupRow, OutsideImage, Predictions, read_lookup, submission};

/// Reads a table with keypoints and keeps the rows that have all wanted coordinates (`dropna`).
///
/// # Errors
/// If the file cannot be read, a cell does not fit its column, a wanted column is missing, or no row is
/// complete.
pub fn read_training(path: &Path, columns: &KeypointColumns) -> Result<Keypoints, KaggleError> {
    table::read(path, |text| table::parse_training(text, columns))
}

/// Reads a table of numbered images (`ImageId,Image`).
///
/// # Errors
/// If the file cannot be read or a cell does not fit its column.
pub fn read_test(path: &Path) -> Result<TestImages, KaggleError> {
    table::read(path, table::parse_test)
}

/// Reads bytes as every kind of table.
#[cfg(fuzzing)]
pub(super) fn fuzz(text: &[u8]) {
    if let Ok(keypoints) = table::parse_training(text, &KeypointColumns::All) {
        assert!(!keypoints.is_empty(), "a table without a complete row is refused");
    }
    drop(table::parse_test(text));
    drop(submission::parse_lookup(text));
}

#[cfg(test)]
mod tests;
