//! Why a table of keypoints cannot be used.

use std::path::PathBuf;

use super::keypoints::PIXELS;
use reprise_base::fs::FsError;

/// Why a table of keypoints cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KaggleError {
    #[error(transparent)]
    Fs(#[from] FsError),
    #[error("failed to read keypoints `{}`", path.display())]
    Table { path: PathBuf, source: KaggleTableError },
}

impl KaggleError {
    /// Returns what the user can do, if anything.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Fs(_) => None,
            Self::Table { source, .. } => source.hint(),
        }
    }
}

/// Why a table is invalid. Columns and pixels count from 1, rows from 1 below the header. Cells and
/// names from the file are escaped and cut to 24 bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KaggleTableError {
    #[error("it is empty")]
    Empty,
    #[error("column {column}: its name is not valid UTF-8")]
    ColumnName { column: usize },
    #[error("columns {first} and {second} are both named `{name}`")]
    DuplicateColumn { name: String, first: usize, second: usize },
    #[error("it is UTF-16")]
    Utf16,
    #[error("failed to unpack it: {why}")]
    Archive { why: String },
    #[error("it contains {found} tables, expected one `.csv` file")]
    TablesInArchive { found: usize },
    #[error("it has more than {limit} bytes once unpacked")]
    Unpacked { limit: u64 },
    #[error("it has no column `Image`; its last column is `{last}`")]
    NoImages { last: String },
    #[error(
        "column `{name}` is neither `Image` nor a coordinate named `KEYPOINT_x` or `KEYPOINT_y`"
    )]
    NotCoordinate { name: String },
    #[error("column `{name}` has no partner `{partner}`")]
    NoPartner { name: String, partner: String },
    #[error("column {column} is named `{name}` and does not count the rows")]
    UnknownColumn { column: usize, name: String },
    #[error("all coordinates are between -1 and 1, so they are not pixels")]
    Scaled,
    #[error("its columns are not `ImageId` and `Image`")]
    NotTest,
    /// A table without keypoints where one with keypoints is expected.
    #[error("it has no keypoints, only `ImageId` and `Image`")]
    NotTraining,
    #[error("it has no column `{name}`")]
    ColumnMissing { name: String },
    #[error("it has no rows")]
    NoRows,
    #[error("none of its {rows} rows has all coordinates")]
    NoCompleteRow { rows: u64 },
    /// Row 0 is the header.
    #[error("row {row} has {bytes} bytes; the limit is {limit}")]
    RowTooLong { row: u64, bytes: usize, limit: usize },
    #[error("row {row} has {found} cells, expected {expected}")]
    Cells { row: u64, found: usize, expected: usize },
    #[error("row {row}, column `{column}`: `{cell}` is not a finite number")]
    Coordinate { row: u64, column: String, cell: String },
    #[error("row {row}, column `{column}`: `{cell}` is more than 96 pixels outside the image")]
    FarOutside { row: u64, column: String, cell: String },
    #[error("row {row}, column `{column}`: `{cell}` is not a whole number")]
    WholeNumber { row: u64, column: &'static str, cell: String },
    #[error("its columns are not `RowId`, `ImageId`, `FeatureName`, `Location`")]
    NotLookup,
    #[error("row {row}, column `ImageId`: image {image_id} is not in `test.csv`")]
    NoSuchImage { row: u64, image_id: u64 },
    #[error("row {row}, column `FeatureName`: the run does not predict `{name}`")]
    NotPredicted { row: u64, name: String },
    #[error("row {row}, column `Image`, pixel {pixel}: `{cell}` is not a whole number in [0, 255]")]
    Pixel { row: u64, pixel: usize, cell: String },
    /// Counting stops at one pixel too many.
    #[error("row {row}, column `Image`: {found} pixels, expected {PIXELS}")]
    PixelCount { row: u64, found: usize },
}

impl KaggleTableError {
    /// Returns what the user can do, if anything.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Utf16 => Some("save it as UTF-8"),
            Self::Archive { .. } => Some("download it again"),
            Self::NoImages { .. } => {
                Some("`training.csv` has two columns per keypoint, and the column `Image`")
            }
            Self::NotCoordinate { .. } | Self::UnknownColumn { .. } => {
                Some("remove the column if it is not a keypoint, or name it after one")
            }
            Self::NoPartner { .. } => Some("add the missing coordinate, or remove this column"),
            Self::DuplicateColumn { .. } => Some("remove one of them, or rename it"),
            Self::Scaled => Some(
                "write coordinates in pixels: a keypoint in the middle of an image is at 48, 48",
            ),
            Self::Cells { .. } => Some("write one cell per column of the header in every row"),
            Self::PixelCount { .. } => Some("write images of 96x96 pixels, row by row"),
            Self::Coordinate { .. } => Some(
                "write numbers with a decimal point, and leave the cell of a missing coordinate empty",
            ),
            Self::NotPredicted { .. } => Some(
                "a run predicts only the columns of the `training.csv` or data set that it was \
                 trained on",
            ),
            _ => None,
        }
    }
}
