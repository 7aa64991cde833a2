//! What can be wrong with a table of keypoints, and where.

use std::path::PathBuf;

use super::PIXELS;
use crate::fs::FsError;

/// Why a table of keypoints cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KaggleError {
    /// The file cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The file is not what it should be.
    #[error("failed to read keypoints `{}`", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and in which row.
        #[source]
        fault: KaggleFault,
    },
}

/// What is wrong with a table; rows count from 1 below the header, columns and pixels from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KaggleFault {
    /// There is no byte in the file.
    #[error("it is empty")]
    Empty,
    /// The header is no text.
    #[error("column {column}: its name is not UTF-8 text")]
    ColumnName {
        /// The column.
        column: usize,
    },
    /// Two columns have the same name.
    #[error("columns {first} and {second} are both called `{name}`")]
    DuplicateColumn {
        /// Their name.
        name: String,
        /// The first.
        first: usize,
        /// The second.
        second: usize,
    },
    /// The pictures are missing or not where they belong.
    #[error("its last column is `{last}` instead of `Image`")]
    ImageNotLast {
        /// Name of the last column.
        last: String,
    },
    /// The header of a table without keypoints is another one.
    #[error("its columns are not `ImageId` and `Image`")]
    NotTest,
    /// A table without keypoints where one with them is due.
    #[error("it has no keypoints, only `ImageId` and `Image`")]
    NotTraining,
    /// A column that the caller wants is not there.
    #[error("it has no column `{name}`")]
    ColumnMissing {
        /// The wanted column.
        name: String,
    },
    /// There is nothing but a header.
    #[error("it has no rows")]
    NoRows,
    /// Every row lacks a coordinate.
    #[error("none of its {rows} rows has all coordinates")]
    NoCompleteRow {
        /// Rows of the table.
        rows: u64,
    },
    /// A row is longer than any can be.
    #[error("row {row} has {bytes} bytes; {limit} are the most")]
    RowTooLong {
        /// The row; 0 is the header.
        row: u64,
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A row has too few or too many cells.
    #[error("row {row} has {found} cells instead of {expected}")]
    Cells {
        /// The row.
        row: u64,
        /// Its cells.
        found: usize,
        /// Columns of the header.
        expected: usize,
    },
    /// A coordinate is not a finite number.
    #[error("row {row}, column `{column}`: `{cell}` is not a finite number")]
    Coordinate {
        /// The row.
        row: u64,
        /// Name of the column.
        column: String,
        /// The cell's text, escaped and perhaps shortened.
        cell: String,
    },
    /// A keypoint lies too far from the picture to belong to it.
    #[error("row {row}, column `{column}`: `{cell}` is far outside the picture")]
    FarOutside {
        /// The row.
        row: u64,
        /// Name of the column.
        column: String,
        /// The cell's text.
        cell: String,
    },
    /// The number of a row or a picture is not a whole number.
    #[error("row {row}, column `{column}`: `{cell}` is not a whole number")]
    WholeNumber {
        /// The row.
        row: u64,
        /// Name of the column.
        column: &'static str,
        /// The cell's text.
        cell: String,
    },
    /// The header of a lookup table is another one.
    #[error("its columns are not `RowId`, `ImageId`, `FeatureName`, `Location`")]
    NotLookup,
    /// A coordinate of a picture is wanted that is not there.
    #[error("row {row}, column `ImageId`: there is no picture {image_id} in `test.csv`")]
    NoSuchPicture {
        /// The row.
        row: u64,
        /// Number of the picture.
        image_id: u64,
    },
    /// A coordinate is wanted that nothing predicts.
    #[error("row {row}, column `FeatureName`: the run does not predict `{name}`")]
    NotPredicted {
        /// The row.
        row: u64,
        /// The coordinate.
        name: String,
    },
    /// A pixel is not a grey value.
    #[error("row {row}, column `Image`, pixel {pixel}: `{cell}` is not a whole number in [0, 255]")]
    Pixel {
        /// The row.
        row: u64,
        /// The pixel.
        pixel: usize,
        /// Its text, escaped and perhaps shortened.
        cell: String,
    },
    /// A picture has another size.
    #[error("row {row}, column `Image`: it has {found} pixels instead of {PIXELS}")]
    PixelCount {
        /// The row.
        row: u64,
        /// Its pixels; counting stops at one too many.
        found: usize,
    },
}

impl KaggleFault {
    /// Returns what the user can do about it, where there is something.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::ImageNotLast { .. } => Some(
                "`training.csv` has a column per coordinate, then `Image`; `test.csv` has none",
            ),
            Self::Cells { .. } => Some("cells are separated by commas and not quoted"),
            Self::PixelCount { .. } => Some("pictures are 96x96, written row by row"),
            Self::Coordinate { .. } => Some("a missing coordinate is an empty cell"),
            Self::NotPredicted { .. } => {
                Some("a run predicts the columns of its own `training.csv` or of its data set")
            }
            _ => None,
        }
    }
}
