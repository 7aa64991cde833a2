//! Facial keypoints in Kaggle's layout: a table with a column per coordinate and one of grey values.
//!
//! [`read_training`] and [`read_test`] are the places to start; `load` and `load2d` of
//! preddy5/tensorflow-recombinator-networks (`train.py`) are what they follow. Nothing is guessed: a
//! cell that is not what its column says is refused with its row and column. The file is mapped and
//! split in place, so what is held in memory beside the mapping is the pictures that are kept.

mod fault;
mod order;
mod submission;
mod table;

use std::path::Path;

use crate::{
    config::model::rcn::HALF_SIDE,
    fs::{self, FsError},
};

pub use crate::config::data::KeypointColumns as Columns;
pub use fault::{KaggleError, KaggleFault};
pub use order::{minibatches, shuffled};
pub use submission::{Outside, Predictions, Wanted, read_lookup, submission};

/// Height and width of a picture in pixels.
pub const SIDE: usize = 96;

/// Grey values of a picture.
pub const PIXELS: usize = SIDE * SIDE;

/// Largest file; Kaggle's `training.csv` has 237 MiB.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// Pictures with their keypoints.
#[derive(Clone, Debug, PartialEq)]
pub struct Keypoints {
    /// Names of the coordinates, such as `nose_tip_x`.
    pub columns: Vec<String>,
    /// Filled cells of every column of the file in its order, `Image` last.
    pub filled: Vec<u64>,
    /// Rows of the file.
    pub rows: u64,
    /// Rows that were kept, counted from 1.
    numbers: Vec<u64>,
    pictures: Pictures,
    /// A row per picture, in pixels.
    coordinates: Vec<f64>,
}

/// Pictures without keypoints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    grey: Vec<u8>,
}

/// The pictures of `test.csv` with their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestPictures {
    /// `ImageId` of every picture.
    pub ids: Vec<u64>,
    /// The pictures.
    pub pictures: Pictures,
}

impl Keypoints {
    /// Returns the number of complete rows, the only ones that are kept.
    pub fn len(&self) -> usize {
        self.pictures.len()
    }

    /// Returns whether no row is complete; a file of which nothing is kept is refused.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns which row of the file a complete row is; rows count from 1 below the header.
    pub fn number(&self, index: usize) -> u64 {
        self.numbers[index]
    }

    /// Returns the pictures of the complete rows.
    pub const fn pictures(&self) -> &Pictures {
        &self.pictures
    }

    /// Returns the coordinates of a picture in pixels, in the order of the columns.
    pub fn coordinates(&self, index: usize) -> &[f64] {
        let n = self.columns.len();
        &self.coordinates[index * n..(index + 1) * n]
    }

    /// Returns the coordinates of a picture as targets: (p − 48) / 48 in `f64`, then rounded.
    pub fn targets(&self, index: usize) -> impl Iterator<Item = f32> {
        self.coordinates(index).iter().map(|p| single((p - HALF_SIDE) / HALF_SIDE))
    }
}

impl Pictures {
    /// Returns the number of pictures.
    pub const fn len(&self) -> usize {
        self.grey.len() / PIXELS
    }

    /// Returns whether there is no picture.
    pub const fn is_empty(&self) -> bool {
        self.grey.is_empty()
    }

    /// Returns the grey values of a picture, row by row.
    pub fn grey(&self, index: usize) -> &[u8] {
        &self.grey[index * PIXELS..(index + 1) * PIXELS]
    }

    /// Returns a picture in [0, 1]: divided by 255 in `f64`, then rounded.
    pub fn unit(&self, index: usize) -> impl Iterator<Item = f32> {
        self.grey(index).iter().map(|&grey| single(f64::from(grey) / 255.0))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the one rounding to single precision")]
const fn single(x: f64) -> f32 {
    x as f32
}

/// Reads a table with keypoints and keeps the rows that have all wanted coordinates (`dropna`).
///
/// # Errors
/// If the file cannot be read, a cell is not what its column says, a wanted column is not there, or
/// no row is complete.
pub fn read_training(path: &Path, columns: &Columns) -> Result<Keypoints, KaggleError> {
    with_text(path, |text| table::parse_training(text, columns))
}

/// Reads a table of numbered pictures (`ImageId,Image`).
///
/// # Errors
/// If the file cannot be read or a cell is not what its column says.
pub fn read_test(path: &Path) -> Result<TestPictures, KaggleError> {
    with_text(path, table::parse_test)
}

fn with_text<T>(
    path: &Path,
    parse: impl FnOnce(&[u8]) -> Result<T, KaggleFault>,
) -> Result<T, KaggleError> {
    let file = fs::map(path)?;
    if file.len() as u64 > FILE_BYTES_MAX {
        return Err(FsError::TooLarge { path: path.to_owned(), limit: FILE_BYTES_MAX }.into());
    }
    parse(&file).map_err(|fault| KaggleError::Table { path: path.to_owned(), fault })
}

#[cfg(test)]
mod tests;
