//! NumPy's `.npy` files: one array of plain numbers, read strictly and written as NumPy does.
//!
//! ```text
//! magic     6 bytes     93 "NUMPY"
//! version   2 bytes     1.0, 2.0 or 3.0
//! length    u16         of the header, little-endian; u32 from version 2 on
//! header    text        {'descr': '<f4', 'fortran_order': False, 'shape': (6, 5), }
//! data                  row by row, little-endian
//! ```
//! Nothing is ever unpickled or evaluated: the header is taken apart by [`mod@header`] and anything
//! but a dictionary of these three keys is refused, as are objects, structures, other byte orders and
//! columns first. The file's length must be what the header says before anything is allocated. The
//! crates that read this format take what NumPy takes; here the caller states what is due. Start from
//! [`read`] and [`write()`].

use std::{
    fmt,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::fs::{self, FsError};

pub mod header;

pub use header::HeaderFault;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Bytes before the header's text in version 1.
const PREFIX_BYTES: usize = 10;

/// The writer pads the header so that data begin at a multiple of this.
const ALIGNMENT: usize = 64;

/// Longest header; NumPy itself refuses longer ones unless told otherwise.
const HEADER_BYTES_MAX: u64 = 10_000;

/// Element type of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// Bytes, `|u1`.
    U8,
    /// Single precision, `<f4`.
    F32,
}

impl Dtype {
    /// Returns the type's name in a header.
    pub const fn descr(self) -> &'static str {
        match self {
            Self::U8 => "|u1",
            Self::F32 => "<f4",
        }
    }

    const fn size(self) -> u64 {
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

/// What is due along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// So many elements.
    Of(usize),
    /// At least one element.
    Any,
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(extent) => write!(f, "{extent}"),
            Self::Any => f.write_str("n"),
        }
    }
}

/// What array a file must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due<'a> {
    /// Type of the elements.
    pub dtype: Dtype,
    /// The axes, outermost first.
    pub axes: &'a [Axis],
    /// Most bytes of data.
    pub bytes_max: u64,
}

/// The elements of an array.
#[derive(Clone, Debug, PartialEq)]
pub enum Elements {
    /// Bytes.
    U8(Vec<u8>),
    /// Single precision.
    F32(Vec<f32>),
}

/// An array, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// The elements, as many as the product of the extents.
    pub elements: Elements,
}

/// Why a file is not the array that is due.
#[derive(Debug, thiserror::Error)]
pub enum NpyFault {
    /// The operating system refused.
    #[error("it cannot be read")]
    Io(#[source] io::Error),
    /// The file does not begin as `.npy` files do.
    #[error("it does not begin as a `.npy` file does")]
    NotNpy,
    /// The file is a zip archive, as `.npz` files are.
    #[error("it is a zip archive, as `.npz` files are, and not a `.npy` file")]
    Zip,
    /// A version of the format that is not known.
    #[error("it has format version {major}.{minor}; 1.0, 2.0 and 3.0 are read")]
    Version {
        /// Before the point.
        major: u8,
        /// After the point.
        minor: u8,
    },
    /// The header is longer than any array needs.
    #[error("its header claims {length} bytes; at most {HEADER_BYTES_MAX} are read")]
    HeaderTooLong {
        /// Stated length in bytes.
        length: u64,
    },
    /// The file ends inside the header.
    #[error("it ends inside its header")]
    HeaderTruncated,
    /// The header does not say what a header says.
    #[error("its header cannot be used")]
    Header(#[source] HeaderFault),
    /// The elements are of another type.
    #[error("it holds elements of type `{found}` where {expected} (`{}`) are due", expected.descr())]
    Dtype {
        /// The type as the header names it.
        found: String,
        /// The type that is due.
        expected: Dtype,
    },
    /// The array lies column by column.
    #[error("its first axis varies fastest (`fortran_order`)")]
    ColumnsFirst,
    /// The array has another shape.
    #[error("it has shape {found:?} where [{expected}] is due")]
    Shape {
        /// Shape in the header.
        found: Vec<usize>,
        /// Shape that is due.
        expected: String,
    },
    /// The array is larger than any that is read.
    #[error("its shape {shape:?} takes more than {limit} bytes")]
    TooLarge {
        /// Shape in the header.
        shape: Vec<usize>,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file is longer or shorter than its header says.
    #[error("it has {found} bytes of data where its shape takes {expected}")]
    Length {
        /// Bytes behind the header.
        found: u64,
        /// Bytes that the shape takes.
        expected: u64,
    },
}

/// A `.npy` file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NpyError {
    /// The file cannot be opened.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The file is not the array that is due.
    #[error("failed to read array `{}`", path.display())]
    Array {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: NpyFault,
    },
}

impl NpyError {
    /// Returns what the user can do about it, where there is something.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Array { fault: NpyFault::ColumnsFirst, .. } => {
                Some("save it with `numpy.save(path, numpy.ascontiguousarray(array))`")
            }
            Self::Array { fault: NpyFault::Dtype { .. }, .. } => {
                Some("save it with `numpy.save(path, array.astype(...))`")
            }
            Self::Fs(_) | Self::Array { .. } => None,
        }
    }
}

/// Reads the array that is due from a file.
pub fn read(path: &Path, due: &Due<'_>) -> Result<Array, NpyError> {
    let (reader, len) = fs::open(path)?;
    decode(reader, len, due).map_err(|fault| NpyError::Array { path: path.to_owned(), fault })
}

/// Reads the array that is due from `len` bytes.
pub fn decode(mut reader: impl Read, len: u64, due: &Due<'_>) -> Result<Array, NpyFault> {
    let (header, left) = header_of(&mut reader, len)?;
    elements(&mut reader, left, header, due)
}

/// Reads an array of single precision and any shape from `len` bytes.
pub fn decode_any(mut reader: impl Read, len: u64, bytes_max: u64) -> Result<Array, NpyFault> {
    let (header, left) = header_of(&mut reader, len)?;
    let axes: Vec<Axis> = header.shape.iter().map(|&extent| Axis::Of(extent)).collect();
    elements(&mut reader, left, header, &Due { dtype: Dtype::F32, axes: &axes, bytes_max })
}

/// Reads up to the elements; returns what the header says and how many bytes are left.
fn header_of(mut reader: impl Read, len: u64) -> Result<(header::Header, u64), NpyFault> {
    let mut magic = [0; 6];
    if len < MAGIC.len() as u64 {
        return Err(NpyFault::NotNpy);
    }
    reader.read_exact(&mut magic).map_err(NpyFault::Io)?;
    if magic.starts_with(b"PK") {
        return Err(NpyFault::Zip);
    }
    if &magic != MAGIC {
        return Err(NpyFault::NotNpy);
    }
    let mut left = len - MAGIC.len() as u64;
    let [major, minor] = take(&mut reader, &mut left)?;
    let length = match (major, minor) {
        (1, 0) => u64::from(u16::from_le_bytes(take(&mut reader, &mut left)?)),
        (2 | 3, 0) => u64::from(u32::from_le_bytes(take(&mut reader, &mut left)?)),
        _ => return Err(NpyFault::Version { major, minor }),
    };
    if length > left {
        return Err(NpyFault::HeaderTruncated);
    }
    if length > HEADER_BYTES_MAX {
        return Err(NpyFault::HeaderTooLong { length });
    }
    let mut text = vec![0; usize::try_from(length).expect("a bounded length")];
    reader.read_exact(&mut text).map_err(NpyFault::Io)?;
    left -= length;

    Ok((header::parse(&text).map_err(NpyFault::Header)?, left))
}

/// Reads the elements, which take all that is left.
fn elements(
    mut reader: impl Read,
    left: u64,
    header: header::Header,
    due: &Due<'_>,
) -> Result<Array, NpyFault> {
    let count = check(&header, due)?;
    let bytes = count.checked_mul(due.dtype.size()).filter(|&bytes| bytes <= due.bytes_max);
    let too_large = || NpyFault::TooLarge { shape: header.shape.clone(), limit: due.bytes_max };
    let expected = bytes.ok_or_else(too_large)?;
    if left != expected {
        return Err(NpyFault::Length { found: left, expected });
    }
    let mut data = vec![0; usize::try_from(expected).map_err(|_| too_large())?];
    reader.read_exact(&mut data).map_err(NpyFault::Io)?;
    let elements = match due.dtype {
        Dtype::U8 => Elements::U8(data),
        Dtype::F32 => {
            let (chunks, _) = data.as_chunks();
            Elements::F32(chunks.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect())
        }
    };
    Ok(Array { shape: header.shape, elements })
}

fn take<const N: usize>(reader: &mut impl Read, left: &mut u64) -> Result<[u8; N], NpyFault> {
    let mut bytes = [0; N];
    *left = left.checked_sub(N as u64).ok_or(NpyFault::HeaderTruncated)?;
    reader.read_exact(&mut bytes).map_err(NpyFault::Io)?;
    Ok(bytes)
}

/// Checks type, order and shape; returns the number of elements.
fn check(header: &header::Header, due: &Due<'_>) -> Result<u64, NpyFault> {
    if header.descr != due.dtype.descr() {
        return Err(NpyFault::Dtype { found: header.descr.clone(), expected: due.dtype });
    }
    if header.order == header::Order::ColumnsFirst {
        return Err(NpyFault::ColumnsFirst);
    }
    let fits = |(&found, axis): (&usize, &Axis)| match *axis {
        Axis::Of(extent) => found == extent,
        Axis::Any => found > 0,
    };
    let shape = &header.shape;
    if shape.len() != due.axes.len() || !shape.iter().zip(due.axes).all(fits) {
        let axes: Vec<_> = due.axes.iter().map(Axis::to_string).collect();
        return Err(NpyFault::Shape { found: shape.clone(), expected: axes.join(", ") });
    }
    let product =
        shape.iter().try_fold(1_u64, |product, &extent| product.checked_mul(extent as u64));
    product.ok_or_else(|| NpyFault::TooLarge { shape: shape.clone(), limit: due.bytes_max })
}

/// Returns the bytes that `numpy.save` writes for an array.
///
/// # Panics
/// If there are not as many elements as `shape` says.
pub fn encode(array: &Array) -> Vec<u8> {
    let Array { shape, elements } = array;
    let (dtype, count) = match elements {
        Elements::U8(values) => (Dtype::U8, values.len()),
        Elements::F32(values) => (Dtype::F32, values.len()),
    };
    assert_eq!(count, shape.iter().product::<usize>(), "an array has its shape's elements");
    let text = header::write(dtype.descr(), shape);
    let unpadded = PREFIX_BYTES + text.len() + 1;
    let padding = unpadded.next_multiple_of(ALIGNMENT) - unpadded;
    let length = u16::try_from(text.len() + padding + 1).expect("few axes make a short header");
    let mut file = Vec::with_capacity(unpadded + padding + count * 4);
    file.extend(MAGIC);
    file.extend([1, 0]);
    file.extend(length.to_le_bytes());
    file.extend(text.as_bytes());
    file.resize(file.len() + padding, b' ');
    file.push(b'\n');
    match elements {
        Elements::U8(values) => file.extend(values),
        Elements::F32(values) => file.extend(values.iter().flat_map(|value| value.to_le_bytes())),
    }
    file
}

/// Writes an array as `numpy.save` does.
pub fn write(path: &Path, array: &Array) -> Result<(), FsError> {
    fs::write_atomic(path, &encode(array))
}

#[cfg(test)]
mod tests;
