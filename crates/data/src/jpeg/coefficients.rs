//! What the marker segments define: the components of an image with their coefficients, and tables.

use super::huffman::HuffmanTable;

/// Samples along a side of a block.
pub(super) const BLOCK_SIDE: usize = 8;

/// Coefficients of a block in natural order.
pub(super) type DctBlock = [i16; BLOCK_SIDE * BLOCK_SIDE];

/// Position within a block of each coefficient, in coded order.
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// The colour space of the components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColourSpace {
    Grey,
    Rgb,
    /// Luminance and two colour differences, as in JFIF.
    YCbCr,
}

/// In how many scans the coefficients of a component are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passes {
    One,
    /// Band by band and bit by bit.
    Progressive,
}

/// An image as coefficients.
pub(super) struct CodedImage {
    pub(super) height: usize,
    pub(super) width: usize,
    /// Largest sampling factors, vertical and horizontal.
    pub(super) sampling_max: [usize; 2],
    pub(super) passes: Passes,
    pub(super) components: Vec<Component>,
    pub(super) colour_space: ColourSpace,
}

/// One component of an image.
pub(super) struct Component {
    pub(super) id: u8,
    /// Sampling factors, vertical and horizontal.
    pub(super) sampling: [usize; 2],
    /// Number of its quantization table.
    pub(super) quantization: usize,
    /// Quantization steps of the coefficients in natural order, set by the component's first scan.
    pub(super) steps: Option<[u16; 64]>,
    /// Rows and columns of samples inside the image.
    pub(super) size: [usize; 2],
    /// Rows and columns of blocks inside the image.
    pub(super) blocks: [usize; 2],
    /// Columns of blocks in memory, padded to whole MCUs.
    pub(super) stride: usize,
    pub(super) coefficients: Vec<DctBlock>,
}

/// What segments have defined so far.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) quantization: [Option<[u16; 64]>; 4],
    pub(super) dc: [Option<HuffmanTable>; 4],
    pub(super) ac: [Option<HuffmanTable>; 4],
    /// MCUs between restart markers; 0 if there are no markers.
    pub(super) restart: usize,
    pub(super) jfif: bool,
    pub(super) adobe_transform: Option<u8>,
}

/// A scan header.
pub(super) struct Scan {
    /// Component, DC table and AC table of each member.
    pub(super) members: Vec<[usize; 3]>,
    /// First and last coefficient in coded order.
    pub(super) band: [usize; 2],
    /// Whether the scan adds one bit to coefficients that were sent before.
    pub(super) refines: bool,
    /// Lowest bit that is sent.
    pub(super) low: u32,
}
