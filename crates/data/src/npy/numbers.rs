//! Arrays of any plain type of numbers, read one value at a time.

use std::io::Read;

use super::{
    error::NpyFormatError,
    header::{MemoryOrder, NpyHeader},
    header_of, product,
};

/// Bytes that are read at once; a multiple of the size of every type.
const CHUNK_BYTES: usize = 1 << 16;

/// Kind of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberKind {
    Bool,
    Unsigned,
    Signed,
    Float,
}

/// A plain type of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NumberType {
    pub(super) kind: NumberKind,
    /// Size of a number in bytes: 1, 2, 4 or 8.
    pub(super) size: usize,
    is_big_endian: bool,
}

impl NumberType {
    /// Returns the type that a header names, if it is one of plain numbers of at most 8 bytes.
    pub(super) fn of(descr: &str) -> Option<Self> {
        let [order, kind, size] = descr.as_bytes() else { return None };
        let kind = match kind {
            b'b' => NumberKind::Bool,
            b'u' => NumberKind::Unsigned,
            b'i' => NumberKind::Signed,
            b'f' => NumberKind::Float,
            _ => return None,
        };
        let size = usize::from(size.checked_sub(b'0')?);
        let exists = match kind {
            NumberKind::Bool => size == 1,
            NumberKind::Unsigned | NumberKind::Signed => matches!(size, 1 | 2 | 4 | 8),
            NumberKind::Float => matches!(size, 2 | 4 | 8),
        };
        let is_big_endian = match order {
            b'<' | b'=' | b'|' => false,
            b'>' => true,
            _ => return None,
        };
        exists.then_some(Self { kind, size, is_big_endian })
    }

    /// Returns the number with these bytes. Integers above 2^53 are rounded.
    fn value(self, bytes: &[u8]) -> f64 {
        let mut word = [0; 8]; // little-endian
        for (target, byte) in word.iter_mut().zip(bytes) {
            *target = *byte;
        }
        if self.is_big_endian {
            word[..self.size].reverse();
        }
        let unsigned = u64::from_le_bytes(word);
        match (self.kind, self.size) {
            (NumberKind::Bool | NumberKind::Unsigned, _) => unsigned as f64,
            (NumberKind::Signed, size) => {
                let unused = 64 - 8 * size;
                ((unsigned << unused).cast_signed() >> unused) as f64
            }
            (NumberKind::Float, 2) => half([word[0], word[1]]),
            (NumberKind::Float, 4) => {
                let [bytes @ .., _, _, _, _] = word;
                f64::from(f32::from_le_bytes(bytes))
            }
            (NumberKind::Float, _) => f64::from_le_bytes(word),
        }
    }
}

/// Returns the value of a number of half precision (IEEE 754 binary16).
fn half(bytes: [u8; 2]) -> f64 {
    let bits = u16::from_le_bytes(bytes);
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    }
}

/// Reads an array of at most `count_max` numbers from `len` bytes; calls `each` with every one in the
/// order of the file, and before that `begin` with the type and the number of values.
pub(super) fn read<T>(
    mut reader: impl Read,
    len: u64,
    count_max: u64,
    begin: impl FnOnce(NumberType, usize) -> T,
    mut each: impl FnMut(&mut T, f64) -> Result<(), NpyFormatError>,
) -> Result<(NpyHeader, T), NpyFormatError> {
    let (header, left) = header_of(&mut reader, len)?;
    let NpyHeader { descr, shape, .. } = &header;
    let number =
        NumberType::of(descr).ok_or_else(|| NpyFormatError::NotNumbers { found: descr.clone() })?;
    let too_large = || NpyFormatError::TooManyValues { shape: shape.clone(), limit: count_max };
    let count = product(shape).filter(|&count| count <= count_max).ok_or_else(too_large)?;
    let expected = count.checked_mul(number.size as u64).ok_or_else(too_large)?;
    if left != expected {
        return Err(NpyFormatError::Length { found: left, expected });
    }
    let mut target = begin(number, usize::try_from(count).map_err(|_| too_large())?);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut rest = expected;
    while rest > 0 {
        let bytes = usize::try_from(rest).map_or(CHUNK_BYTES, |rest| rest.min(CHUNK_BYTES));
        reader.read_exact(&mut chunk[..bytes]).map_err(NpyFormatError::Io)?;
        for value in chunk[..bytes].chunks_exact(number.size) {
            each(&mut target, number.value(value))?;
        }
        rest -= bytes as u64;
    }
    Ok((header, target))
}

/// Returns the elements of an array in C order.
pub(super) fn in_c_order(header: &NpyHeader, elements: Vec<u8>) -> Vec<u8> {
    match header.order {
        MemoryOrder::C => elements,
        MemoryOrder::Fortran => transposed(&header.shape, &elements),
    }
}

/// Returns elements in Fortran order, in which the first axis varies fastest, in C order.
fn transposed(shape: &[usize], elements: &[u8]) -> Vec<u8> {
    let mut steps = Vec::new(); // between neighbours along each axis
    let mut step = 1;
    for length in shape {
        steps.push(step);
        step *= length;
    }
    let mut at = vec![0; shape.len()];
    let mut source = 0;
    let mut ordered = Vec::with_capacity(elements.len());
    for _ in 0..elements.len() {
        ordered.push(elements[source]);
        for axis in (0..shape.len()).rev() {
            at[axis] += 1;
            source += steps[axis];
            if at[axis] < shape[axis] {
                break;
            }
            source -= at[axis] * steps[axis];
            at[axis] = 0;
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(descr: &str, bytes: &[u8], value: f64) {
        let number = NumberType::of(descr).expect("a plain type");
        assert_eq!(number.size, bytes.len());
        assert_eq!(number.value(bytes).to_bits(), value.to_bits(), "{}", number.value(bytes));
    }

    #[test]
    fn numbers_of_every_type_and_byte_order_have_their_values() {
        check("|b1", &[1], 1.0);
        check("|u1", &[200], 200.0);
        check("|i1", &[200], -56.0);
        check("<u2", &[1, 2], 513.0);
        check(">u2", &[1, 2], 258.0);
        check("<i2", &[0xfe, 0xff], -2.0);
        check(">i4", &[0xff, 0xff, 0xff, 0xfd], -3.0);
        check("<i8", &[0xff; 8], -1.0);
        check("<f4", &0.5_f32.to_le_bytes(), 0.5);
        check(">f4", &0.5_f32.to_be_bytes(), 0.5);
        check(">f8", &0.1_f64.to_be_bytes(), 0.1);
    }

    #[test]
    fn half_precision_is_that_of_the_standard() {
        check("<f2", &0x3c00_u16.to_le_bytes(), 1.0);
        check(">f2", &0xc000_u16.to_be_bytes(), -2.0);
        check("<f2", &0x3555_u16.to_le_bytes(), 0.333_251_953_125);
        check("<f2", &0x0001_u16.to_le_bytes(), 2_f64.powi(-24));
        check("<f2", &0x7bff_u16.to_le_bytes(), 65504.0);
        check("<f2", &0x7c00_u16.to_le_bytes(), f64::INFINITY);
        assert!(NumberType::of("<f2").unwrap().value(&[1, 0x7c]).is_nan());
    }

    #[test]
    fn other_types_are_not_numbers() {
        for descr in ["|O", "<U5", "<c8", "<f3", "<f1", "|S1", "<M8[ns]", "", "<u9"] {
            assert_eq!(NumberType::of(descr), None, "{descr}");
        }
    }

    #[test]
    fn fortran_order_is_turned_into_c_order() {
        // numpy.arange(6).reshape(3, 2).T.tobytes() is that of shape (3, 2) in Fortran order.
        assert_eq!(transposed(&[3, 2], &[0, 2, 4, 1, 3, 5]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(transposed(&[2, 1, 2], &[0, 2, 1, 3]), [0, 1, 2, 3]);
    }
}
