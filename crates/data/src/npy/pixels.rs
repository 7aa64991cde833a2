//! Arrays of grey values or colours of any type of numbers, read as bytes without loss.

use std::{io::Read, path::Path};

use super::{
    error::{NpyError, NpyFormatError},
    numbers::{self, NumberKind, NumberType},
};
use reprise_base::fs;

/// Largest number of values; 20 frames of 10,000 sequences of 64x64 have 819 million.
const COUNT_MAX: u64 = 1 << 30;

/// What the values of an array mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PixelScale {
    /// Whole numbers from 0 to 255.
    Bytes,
    /// Multiples of 1/255 from 0 to 1, or true and false.
    Units,
}

/// An array of bytes in C order: the last axis varies fastest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PixelArray {
    /// Lengths of the axes, outermost first.
    pub shape: Vec<usize>,
    /// The element type, as NumPy writes it.
    pub descr: String,
    pub scale: PixelScale,
    pub pixels: Vec<u8>,
}

impl PixelArray {
    /// Describes type, shape and meaning of the values for people.
    pub fn text(&self) -> String {
        let Self { shape, descr, scale, .. } = self;
        let values = match scale {
            PixelScale::Bytes => "",
            PixelScale::Units => ", values from 0 to 1 multiplied by 255 without loss",
        };
        format!("`{descr}` {shape:?}{values}")
    }
}

/// Turns values into bytes, as long as all are whole or all are multiples of 1/255.
struct PixelReader {
    pixels: Vec<u8>,
    number: NumberType,
    /// Absent as long as all values are 0 or 1, which are stored as 0 and 1.
    scale: Option<PixelScale>,
    /// The first value that does not fit, and its index.
    misfit: Option<(usize, f64)>,
    read: usize,
    range: [f64; 2],
}

impl PixelReader {
    fn new(number: NumberType, count: usize) -> Self {
        Self {
            pixels: Vec::with_capacity(count),
            number,
            scale: None,
            misfit: None,
            read: 0,
            range: [f64::INFINITY, f64::NEG_INFINITY],
        }
    }

    fn value(&mut self, value: f64) -> Result<(), NpyFormatError> {
        let index = self.read;
        if !value.is_finite() {
            return Err(NpyFormatError::NotFinite { index, value });
        }
        self.read += 1;
        let [low, high] = self.range;
        self.range = [low.min(value), high.max(value)];
        if self.misfit.is_none() {
            match self.byte(value) {
                Some(byte) => self.pixels.push(byte),
                None => self.misfit = Some((index, value)),
            }
        }
        Ok(())
    }

    /// Returns the byte of a value; decides what the values mean at the first one that is not 0 or 1.
    fn byte(&mut self, value: f64) -> Option<u8> {
        if self.scale.is_none() {
            match whole(value) {
                Some(0 | 1) => {}
                Some(_) => self.scale = Some(PixelScale::Bytes),
                None => self.use_units(),
            }
        }
        match self.scale {
            None | Some(PixelScale::Bytes) => whole(value),
            Some(PixelScale::Units) => self.unit(value),
        }
    }

    fn use_units(&mut self) {
        self.scale = Some(PixelScale::Units);
        self.pixels.iter_mut().for_each(|pixel| *pixel *= u8::MAX);
    }

    /// Returns the byte whose share of 255 a value is, up to the precision of its type.
    fn unit(&self, value: f64) -> Option<u8> {
        let tolerance = if self.number.size == 2 { 0.07 } else { 1e-4 };
        let nearest = (255.0 * value).round();
        if (255.0 * value - nearest).abs() <= tolerance { whole(nearest) } else { None }
    }

    fn finish(mut self) -> Result<(PixelScale, Vec<u8>), NpyFormatError> {
        if let Some((index, value)) = self.misfit {
            return Err(NpyFormatError::Pixels { index, value, range: self.range });
        }
        let is_unit = matches!(self.number.kind, NumberKind::Float | NumberKind::Bool);
        if self.scale.is_none() && is_unit {
            self.use_units();
        }
        Ok((self.scale.unwrap_or(PixelScale::Bytes), self.pixels))
    }
}

/// Returns a whole number from 0 to 255 as a byte.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "the byte is compared with the value, and any other value is refused"
)]
fn whole(value: f64) -> Option<u8> {
    let byte = value as u8;
    (f64::from(byte) == value).then_some(byte)
}

/// Reads an array of at most 2^30 values from a file.
///
/// # Errors
/// If the values are neither all whole numbers from 0 to 255 nor all multiples of 1/255 from 0 to 1.
pub fn read_pixels(path: &Path) -> Result<PixelArray, NpyError> {
    let (reader, len) = fs::open(path)?;
    decode_pixels(reader, len).map_err(|source| NpyError::Array { path: path.to_owned(), source })
}

/// Reads an array from `len` bytes, as [`read_pixels`] does.
pub fn decode_pixels(reader: impl Read, len: u64) -> Result<PixelArray, NpyFormatError> {
    let (header, read) =
        numbers::read(reader, len, COUNT_MAX, PixelReader::new, PixelReader::value)?;
    let (scale, pixels) = read.finish()?;
    let pixels = numbers::in_c_order(&header, pixels);
    Ok(PixelArray { shape: header.shape, descr: header.descr, scale, pixels })
}

/// Reads whole numbers, such as indices, and their shape from `len` bytes.
pub fn decode_integers(
    reader: impl Read,
    len: u64,
) -> Result<(Vec<usize>, Vec<i64>), NpyFormatError> {
    let begin = |_, count| Vec::with_capacity(count);
    let (header, integers) = numbers::read(reader, len, 1 << 24, begin, |integers, value| {
        #[expect(clippy::cast_possible_truncation, reason = "whole numbers below 2^53")]
        if value.fract() == 0.0 && value.abs() < 2_f64.powi(53) {
            integers.push(value as i64);
            return Ok(());
        }
        Err(NpyFormatError::NotWhole { index: integers.len(), value })
    })?;
    Ok((header.shape, integers))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        let length = u16::try_from(header.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), data].concat()
    }

    fn floats(values: &[f32]) -> Result<PixelArray, NpyFormatError> {
        let data: Vec<_> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let file = file("<f4", "False", &format!("({},)", values.len()), &data);
        decode_pixels(&file[..], file.len() as u64)
    }

    #[track_caller]
    fn check(values: &[f32], scale: PixelScale, pixels: &[u8]) {
        let array = floats(values).expect("the array is read");
        assert_eq!((array.scale, &array.pixels[..]), (scale, pixels));
    }

    #[track_caller]
    fn check_rejects(values: &[f32], message: &str) {
        assert_eq!(floats(values).expect_err("the array is refused").to_string(), message);
    }

    #[test]
    fn all_bytes_divided_by_255_are_read_in_every_precision() {
        let pixels: Vec<u8> = (0..=255).collect();
        let singles: Vec<f32> = pixels.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
        check(&singles, PixelScale::Units, &pixels);
        let doubles = pixels.iter().flat_map(|&pixel| (f64::from(pixel) / 255.0).to_be_bytes());
        let file = file(">f8", "False", "(256,)", &doubles.collect::<Vec<_>>());
        let array = decode_pixels(&file[..], file.len() as u64).unwrap();
        assert_eq!((array.scale, array.pixels), (PixelScale::Units, pixels));
    }

    #[test]
    fn floats_are_whole_or_shares_of_255() {
        check(&[0.0, 1.0, 2.0, 255.0], PixelScale::Bytes, &[0, 1, 2, 255]);
        check(&[0.0, 1.0, 0.2], PixelScale::Units, &[0, 255, 51]);
        check(&[0.0, 1.0, 0.0], PixelScale::Units, &[0, 255, 0]);
    }

    #[test]
    fn other_values_are_refused_with_their_range() {
        check_rejects(
            &[0.0, 1.0, 0.5, -1.0],
            "value 2 is 0.5, and the values are from -1 to 1; expected whole numbers from 0 to 255, or \
             multiples of 1/255 from 0 to 1",
        );
        check_rejects(
            &[3.0, 0.2],
            "value 1 is 0.20000000298023224, and the values are from 0.20000000298023224 to 3; expected \
             whole numbers from 0 to 255, or multiples of 1/255 from 0 to 1",
        );
        check_rejects(&[0.0, f32::NAN], "value 1 is NaN");
        check_rejects(&[f32::INFINITY], "value 0 is inf");
    }

    #[test]
    fn integers_are_bytes_and_truth_values_are_black_and_white() {
        let read = |descr, fortran, shape, data: &[u8]| {
            let file = file(descr, fortran, shape, data);
            decode_pixels(&file[..], file.len() as u64).unwrap()
        };
        let array = read("<i2", "True", "(2, 2)", &[1, 0, 2, 0, 3, 0, 200, 0]);
        assert_eq!((array.scale, array.pixels), (PixelScale::Bytes, vec![1, 3, 2, 200]));
        let array = read("|u1", "False", "(2,)", &[0, 1]);
        assert_eq!((array.scale, array.pixels), (PixelScale::Bytes, vec![0, 1]));
        let array = read("|b1", "False", "(2,)", &[0, 1]);
        assert_eq!((array.scale, array.pixels), (PixelScale::Units, vec![0, 255]));
    }

    proptest! {
        #[test]
        fn bytes_are_kept_by_every_type_that_holds_them(
            pixels in prop::collection::vec(any::<u8>(), 1..40),
            divisor in prop::sample::select(vec![1.0, 255.0]),
        ) {
            prop_assume!(pixels.iter().any(|&pixel| pixel > 1));
            let scaled = pixels.iter().map(|&pixel| f64::from(pixel) / divisor);
            #[expect(clippy::cast_possible_truncation, reason = "single precision is what is tested")]
            let single = scaled.clone().flat_map(|value| (value as f32).to_be_bytes()).collect::<Vec<_>>();
            let double = scaled.flat_map(f64::to_le_bytes).collect::<Vec<_>>();
            for (descr, data) in [(">f4", single), ("<f8", double)] {
                let file = file(descr, "False", &format!("({},)", pixels.len()), &data);
                let array = decode_pixels(&file[..], file.len() as u64).unwrap();
                prop_assert_eq!(&array.pixels, &pixels);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(at: u16, byte: u8, data in prop::collection::vec(any::<u8>(), 12)) {
            let mut bytes = file("<f2", "True", "(2, 3)", &data);
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
            drop(decode_pixels(&bytes[..], bytes.len() as u64));
            drop(decode_integers(&bytes[..], bytes.len() as u64));
        }
    }

    #[test]
    fn integers_are_read_exactly() {
        let file = file("<i4", "False", "(2,)", &[&[0xff; 4][..], &[1, 1, 0, 0]].concat());
        let (shape, integers) = decode_integers(&file[..], file.len() as u64).unwrap();
        assert_eq!((shape, integers), (vec![2], vec![-1, 257]));
    }
}
