//! NumPy's `.npy` files: one array of plain numbers, read strictly and written as NumPy does.
//!
//! ```text
//! magic     6 bytes     93 "NUMPY"
//! version   2 bytes     1.0, 2.0 or 3.0
//! length    u16         of the header, little-endian; u32 from version 2 on
//! header    text        {'descr': '<f4', 'fortran_order': False, 'shape': (6, 5), }
//! data                  row by row, little-endian
//! ```
//! Nothing is unpickled or evaluated: [`mod@header`] parses the header and refuses anything but a
//! dictionary of these three keys. Objects and structures are refused, and so are other byte orders and
//! Fortran order, except in frames. The length of the file is checked against the header before memory is allocated.
//! The crates that read this format accept what NumPy accepts; here the caller states the
//! [`ExpectedArray`]. Frames come in more types: [`read_pixels`] reads any plain numbers that are bytes,
//! whole or divided by 255. Start from [`read`] and [`write()`].

use std::{io::Read, path::Path};

use crate::signature;
use reprise_base::fs::{self, FsError};

mod array;
mod error;
pub mod header;
mod numbers;
mod pixels;

pub use array::{Array, ArrayData, AxisLength, Dtype, ExpectedArray};
use error::HEADER_BYTES_MAX;
pub use error::{NpyError, NpyFormatError, NpyHeaderError};
use header::{MemoryOrder, NpyHeader};
pub use pixels::{PixelArray, PixelScale, decode_integers, decode_pixels, read_pixels};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Bytes before the text of the header in version 1.
const PREFIX_BYTES: usize = 10;

/// The header is padded so that the data begin at a multiple of this.
const ALIGNMENT: usize = 64;

/// Reads the expected array from a file.
pub fn read(path: &Path, expected: &ExpectedArray<'_>) -> Result<Array, NpyError> {
    let (reader, len) = fs::open(path)?;
    decode(reader, len, expected)
        .map_err(|source| NpyError::Array { path: path.to_owned(), source })
}

/// Reads the expected array from `len` bytes.
pub fn decode(
    mut reader: impl Read,
    len: u64,
    expected: &ExpectedArray<'_>,
) -> Result<Array, NpyFormatError> {
    let (header, left) = header_of(&mut reader, len)?;
    elements(&mut reader, left, header, expected)
}

/// Reads an array of single precision and any shape from `len` bytes.
pub fn decode_any(
    mut reader: impl Read,
    len: u64,
    bytes_max: u64,
) -> Result<Array, NpyFormatError> {
    let (header, left) = header_of(&mut reader, len)?;
    let axes: Vec<_> = header.shape.iter().map(|&length| AxisLength::Exactly(length)).collect();
    let expected = ExpectedArray { dtype: Dtype::F32, axes: &axes, bytes_max };
    elements(&mut reader, left, header, &expected)
}

/// Reads up to the elements; returns the header and the number of bytes left.
fn header_of(mut reader: impl Read, len: u64) -> Result<(NpyHeader, u64), NpyFormatError> {
    let mut magic = [0; 6];
    if len < MAGIC.len() as u64 {
        let what = if len == 0 { signature::describe(&[]) } else { None };
        return Err(NpyFormatError::NotNpy { what });
    }
    reader.read_exact(&mut magic).map_err(NpyFormatError::Io)?;
    if magic.starts_with(b"PK") {
        return Err(NpyFormatError::Zip);
    }
    if &magic != MAGIC {
        let mut start = magic.to_vec();
        reader.take(signature::BYTES).read_to_end(&mut start).map_err(NpyFormatError::Io)?;
        return Err(NpyFormatError::NotNpy { what: signature::describe(&start) });
    }
    let mut left = len - MAGIC.len() as u64;
    let [major, minor] = take(&mut reader, &mut left)?;
    let length = match (major, minor) {
        (1, 0) => u64::from(u16::from_le_bytes(take(&mut reader, &mut left)?)),
        (2 | 3, 0) => u64::from(u32::from_le_bytes(take(&mut reader, &mut left)?)),
        _ => return Err(NpyFormatError::Version { major, minor }),
    };
    if length > left {
        return Err(NpyFormatError::HeaderTruncated);
    }
    if length > HEADER_BYTES_MAX {
        return Err(NpyFormatError::HeaderTooLong { length });
    }
    let mut text = vec![0; usize::try_from(length).expect("a bounded length")];
    reader.read_exact(&mut text).map_err(NpyFormatError::Io)?;
    left -= length;
    Ok((header::parse(&text).map_err(NpyFormatError::Header)?, left))
}

/// Reads the elements, which take all bytes left.
fn elements(
    mut reader: impl Read,
    left: u64,
    header: NpyHeader,
    expected: &ExpectedArray<'_>,
) -> Result<Array, NpyFormatError> {
    let ExpectedArray { dtype, axes: _, bytes_max: limit } = *expected;
    let count = check(&header, expected)?;
    let too_large = || NpyFormatError::TooLarge { shape: header.shape.clone(), limit };
    let bytes = count.checked_mul(dtype.size()).filter(|&bytes| bytes <= limit);
    let bytes = bytes.ok_or_else(too_large)?;
    if left != bytes {
        return Err(NpyFormatError::Length { found: left, expected: bytes });
    }
    let mut data = vec![0; usize::try_from(bytes).map_err(|_| too_large())?];
    reader.read_exact(&mut data).map_err(NpyFormatError::Io)?;
    let elements = match dtype {
        Dtype::U8 => ArrayData::U8(data),
        Dtype::F32 => {
            let (chunks, _) = data.as_chunks();
            ArrayData::F32(chunks.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect())
        }
    };
    Ok(Array { shape: header.shape, elements })
}

fn take<const N: usize>(reader: &mut impl Read, left: &mut u64) -> Result<[u8; N], NpyFormatError> {
    let mut bytes = [0; N];
    *left = left.checked_sub(N as u64).ok_or(NpyFormatError::HeaderTruncated)?;
    reader.read_exact(&mut bytes).map_err(NpyFormatError::Io)?;
    Ok(bytes)
}

/// Checks type, order and shape; returns the number of elements.
fn check(header: &NpyHeader, expected: &ExpectedArray<'_>) -> Result<u64, NpyFormatError> {
    if header.descr != expected.dtype.descr() {
        let (found, expected) = (header.descr.clone(), expected.dtype);
        return Err(NpyFormatError::Dtype { found, expected });
    }
    if header.order == MemoryOrder::Fortran {
        return Err(NpyFormatError::FortranOrder);
    }
    let shape = &header.shape;
    check_axes(shape, expected.axes)?;
    product(shape)
        .ok_or_else(|| NpyFormatError::TooLarge { shape: shape.clone(), limit: expected.bytes_max })
}

/// Checks the lengths of the axes of an array, outermost first.
///
/// # Errors
/// If their number or a length differs.
pub fn check_axes(shape: &[usize], expected: &[AxisLength]) -> Result<(), NpyFormatError> {
    let matches = |(&found, axis): (&usize, &AxisLength)| match *axis {
        AxisLength::Exactly(length) => found == length,
        AxisLength::Any => found > 0,
    };
    if shape.len() == expected.len() && shape.iter().zip(expected).all(matches) {
        return Ok(());
    }
    let axes: Vec<_> = expected.iter().map(AxisLength::to_string).collect();
    Err(NpyFormatError::Shape { found: shape.to_owned(), expected: axes.join(", ") })
}

/// Returns the number of elements of an array, unless it overflows.
fn product(shape: &[usize]) -> Option<u64> {
    shape.iter().try_fold(1_u64, |product, &length| product.checked_mul(length as u64))
}

/// Returns the bytes that `numpy.save` writes for an array.
///
/// # Panics
/// If the number of elements is not the product of `shape`.
pub fn encode(array: &Array) -> Vec<u8> {
    let Array { shape, elements } = array;
    let (dtype, count) = match elements {
        ArrayData::U8(values) => (Dtype::U8, values.len()),
        ArrayData::F32(values) => (Dtype::F32, values.len()),
    };
    assert_eq!(count, shape.iter().product::<usize>(), "the number of elements fits the shape");
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
        ArrayData::U8(values) => file.extend(values),
        ArrayData::F32(values) => file.extend(values.iter().flat_map(|value| value.to_le_bytes())),
    }
    file
}

/// Writes an array as `numpy.save` does.
pub fn write(path: &Path, array: &Array) -> Result<(), FsError> {
    fs::write_atomic(path, &encode(array))
}

#[cfg(test)]
mod tests;
