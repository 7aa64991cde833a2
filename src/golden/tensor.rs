//! Tensors as plain vectors, independent of any tensor library.

use std::fmt;

use serde::Deserialize;

/// Element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ElementType {
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
    /// Signed 64-bit integers.
    I64,
    /// Bytes.
    U8,
}

impl ElementType {
    /// Returns whether values of this type carry rounding errors.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I64 => "i64",
            Self::U8 => "u8",
        })
    }
}

/// Elements in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum TensorData {
    /// Single precision.
    F32(Vec<f32>),
    /// Double precision.
    F64(Vec<f64>),
    /// Integers.
    I64(Vec<i64>),
    /// Bytes.
    U8(Vec<u8>),
}

impl TensorData {
    /// Returns the type of the elements.
    pub const fn dtype(&self) -> ElementType {
        match self {
            Self::F32(_) => ElementType::F32,
            Self::F64(_) => ElementType::F64,
            Self::I64(_) => ElementType::I64,
            Self::U8(_) => ElementType::U8,
        }
    }

    /// Returns the number of elements.
    pub const fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::U8(values) => values.len(),
        }
    }

    /// Returns whether there is no element.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the elements in double precision; exact except for integers above 2^53.
    pub fn to_f64(&self) -> Vec<f64> {
        match self {
            Self::F32(values) => values.iter().map(|&x| x.into()).collect(),
            Self::F64(values) => values.clone(),
            Self::I64(values) => values.iter().map(|&x| x as f64).collect(),
            Self::U8(values) => values.iter().map(|&x| x.into()).collect(),
        }
    }
}

/// A tensor with its shape: a filled input, or an output of a port.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Extents, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    /// The elements, as many as the product of the extents.
    pub data: TensorData,
}

impl Tensor {
    /// Makes a one-dimensional tensor of all elements of `data`.
    pub fn vector(data: TensorData) -> Self {
        Self { shape: vec![data.len()], data }
    }
}

/// Returns the number of elements of `shape`, or `None` if it exceeds `limit`.
pub(super) fn element_count(shape: &[usize], limit: usize) -> Option<usize> {
    shape.iter().try_fold(1_usize, |n, &extent| n.checked_mul(extent)).filter(|&n| n <= limit)
}
