//! An array in memory, and what a caller expects of one.

use std::fmt;

/// The element type of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// Bytes, `|u1`.
    U8,
    /// Single precision, `<f4`.
    F32,
}

impl Dtype {
    /// Returns the name of the type in a header.
    pub const fn descr(self) -> &'static str {
        match self {
            Self::U8 => "|u1",
            Self::F32 => "<f4",
        }
    }

    /// Returns the size of an element in bytes.
    pub(super) const fn size(self) -> u64 {
        match self {
            Self::U8 => 1,
            Self::F32 => 4,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::U8 => "8-bit unsigned integers",
            Self::F32 => "single-precision numbers",
        })
    }
}

/// The expected length of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisLength {
    Exactly(usize),
    /// At least one element.
    Any,
}

impl fmt::Display for AxisLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(length) => write!(f, "{length}"),
            Self::Any => f.write_str("n"),
        }
    }
}

/// The array that a file must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedArray<'a> {
    pub dtype: Dtype,
    /// The axes, outermost first.
    pub axes: &'a [AxisLength],
    /// Largest size of the data in bytes.
    pub bytes_max: u64,
}

/// The elements of an array.
#[derive(Clone, Debug, PartialEq)]
pub enum ArrayData {
    U8(Vec<u8>),
    F32(Vec<f32>),
}

/// An array in C order: the last axis varies fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Lengths of the axes, outermost first.
    pub shape: Vec<usize>,
    /// The elements, as many as the product of `shape`.
    pub elements: ArrayData,
}
