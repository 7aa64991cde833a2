//! The images and keypoints of a table, in memory.

use reprise_base::config::model::rcn::HALF_SIDE;

/// Height and width of an image in pixels.
pub const SIDE: usize = 96;

/// Number of grey values of an image.
pub const PIXELS: usize = SIDE * SIDE;

/// Images with their keypoints; only complete rows of the file are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Keypoints {
    /// Names of the coordinates, such as `nose_tip_x`.
    pub columns: Vec<String>,
    /// Number of filled cells in each column of the file, in order.
    pub filled: Vec<u64>,
    /// Number of rows in the file.
    pub rows: u64,
    /// Names of columns that only count the rows, and are not keypoints.
    pub skipped: Vec<String>,
    /// What separates the cells.
    pub separator: char,
    /// Number of coordinates of complete rows that lie outside their image.
    pub outside: u64,
    /// The rows that were kept, counted from 1.
    pub(super) numbers: Vec<u64>,
    pub(super) images: GreyImages,
    /// One row per image, in pixels.
    pub(super) coordinates: Vec<f64>,
}

/// Grey images of 96×96 pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GreyImages {
    pub(super) grey: Vec<u8>,
}

/// The images of `test.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestImages {
    /// `ImageId` of every image.
    pub ids: Vec<u64>,
    pub images: GreyImages,
}

impl Keypoints {
    /// Returns the number of complete rows.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Returns whether no row is complete; such a file is refused.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the row number of a complete row in the file, counted from 1 below the header.
    pub fn number(&self, index: usize) -> u64 {
        self.numbers[index]
    }

    /// Returns the images of the complete rows.
    pub const fn images(&self) -> &GreyImages {
        &self.images
    }

    /// Returns the coordinates of an image in pixels, in the order of the columns.
    pub fn coordinates(&self, index: usize) -> &[f64] {
        let n = self.columns.len();
        &self.coordinates[index * n..(index + 1) * n]
    }

    /// Returns the coordinates of an image as targets: (p − 48) / 48 in `f64`, then rounded.
    pub fn targets(&self, index: usize) -> impl Iterator<Item = f32> {
        self.coordinates(index).iter().map(|p| single((p - HALF_SIDE) / HALF_SIDE))
    }
}

impl GreyImages {
    /// Returns the number of images.
    pub const fn len(&self) -> usize {
        self.grey.len() / PIXELS
    }

    /// Returns whether there are no images.
    pub const fn is_empty(&self) -> bool {
        self.grey.is_empty()
    }

    /// Returns the grey values of an image, row by row.
    pub fn grey(&self, index: usize) -> &[u8] {
        &self.grey[index * PIXELS..(index + 1) * PIXELS]
    }

    /// Returns an image in [0, 1]: divided by 255 in `f64`, then rounded.
    pub fn unit(&self, index: usize) -> impl Iterator<Item = f32> {
        self.grey(index).iter().map(|&grey| single(f64::from(grey) / 255.0))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the only rounding to single precision")]
const fn single(x: f64) -> f32 {
    x as f32
}
