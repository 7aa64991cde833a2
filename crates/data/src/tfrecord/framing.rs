//! The framing of a `TFRecord` file: a sequence of records, each with two checksums.
//!
//! ```text
//! length    u64            little-endian, number of bytes of the data
//! crc       u32            masked CRC-32C of the eight bytes of the length
//! data      length bytes
//! crc       u32            masked CRC-32C of the data
//!
//! masked(c) = ((c >> 15) | (c << 17)) + 0xa282ead8   (mod 2^32)
//! ```
//! Source: `tensorflow/core/lib/io/record_reader.cc`. One deviation: TensorFlow accepts a file that
//! ends inside a header as if it ended before it; here it is an error, since a record is lost.

use std::io::Read;

use super::error::{FramingError, RECORD_BYTES_MAX, RecordPart};

/// Added to a rotated checksum (`kMaskDelta`), so that the checksum of data that contain checksums
/// differs from them.
const MASK_DELTA: u32 = 0xa282_ead8;

/// Bytes of the length and its checksum.
const HEADER_BYTES: u64 = 12;

/// Bytes of the checksum after the data.
const FOOTER_BYTES: u64 = 4;

/// A record whose checksums are correct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TfRecord {
    /// Masked checksum of the length.
    pub length_checksum: u32,
    /// Masked checksum of the data.
    pub data_checksum: u32,
    /// The data.
    pub data: Vec<u8>,
}

/// Iterates over the records of a file; ends after the first error, because the start of the next
/// record is then unknown.
#[derive(Debug)]
pub struct Records<R> {
    reader: R,
    offset: u64,
    len: u64,
}

impl<R: Read> Records<R> {
    /// Reads the records of a file of `len` bytes.
    pub const fn new(reader: R, len: u64) -> Self {
        Self { reader, offset: 0, len }
    }

    fn read_next(&mut self) -> Result<TfRecord, FramingError> {
        let offset = self.offset;
        let truncated = |part| FramingError::Truncated { offset, part };
        let left = self.len - offset;
        let Some(left) = left.checked_sub(HEADER_BYTES) else {
            return Err(truncated(RecordPart::Header));
        };
        let length_bytes: [u8; 8] = self.array()?;
        let length_checksum = u32::from_le_bytes(self.array()?);
        if masked_crc32c(&length_bytes) != length_checksum {
            return Err(FramingError::LengthChecksum { offset });
        }
        let length = u64::from_le_bytes(length_bytes);
        if left.checked_sub(FOOTER_BYTES).is_none_or(|left| length > left) {
            return Err(truncated(RecordPart::Data));
        }
        if length > RECORD_BYTES_MAX {
            return Err(FramingError::TooLong { offset, length });
        }
        let mut data = vec![0; usize::try_from(length).expect("a bounded length")];
        self.fill(&mut data)?;
        let data_checksum = u32::from_le_bytes(self.array()?);
        if masked_crc32c(&data) != data_checksum {
            return Err(FramingError::DataChecksum { offset: offset + HEADER_BYTES });
        }
        self.offset += HEADER_BYTES + length + FOOTER_BYTES;
        Ok(TfRecord { length_checksum, data_checksum, data })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FramingError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), FramingError> {
        let offset = self.offset;
        self.reader.read_exact(bytes).map_err(|source| FramingError::Io { offset, source })
    }
}

impl<R: Read> Iterator for Records<R> {
    type Item = Result<TfRecord, FramingError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.offset >= self.len {
            return None;
        }
        let record = self.read_next();
        if record.is_err() {
            self.len = self.offset;
        }
        Some(record)
    }
}

/// Returns the checksum that a file stores for `bytes`.
pub fn masked_crc32c(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(MASK_DELTA)
}

/// Appends a record to `out`.
pub fn write_record(data: &[u8], out: &mut Vec<u8>) {
    let length = (data.len() as u64).to_le_bytes();
    out.extend(length);
    out.extend(masked_crc32c(&length).to_le_bytes());
    out.extend(data);
    out.extend(masked_crc32c(data).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(file: &[u8]) -> Vec<Result<TfRecord, FramingError>> {
        Records::new(file, file.len() as u64).collect()
    }

    #[track_caller]
    fn check_rejects(file: &[u8], whole: usize, message: &str) {
        let mut records = read(file);
        let error = records.pop().expect("there is a record").expect_err("the last is refused");
        assert_eq!(error.to_string(), message);
        assert_eq!(records.iter().flatten().count(), whole);
    }

    #[test]
    fn the_checksum_is_that_of_the_published_test_vector() {
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(masked_crc32c(b"123456789"), 0xc78a_b0e5);
    }

    #[test]
    fn a_length_that_would_wrap_is_a_truncated_record() {
        for length in [u64::MAX, u64::MAX - 3, 1 << 63, 0x7fff_ffff] {
            let mut file = length.to_le_bytes().to_vec();
            file.extend(masked_crc32c(&length.to_le_bytes()).to_le_bytes());
            file.extend([0; 9]);
            check_rejects(&file, 0, "the file ends inside the data of the record at byte 0");
        }
    }

    #[test]
    fn a_second_record_that_ends_in_its_header_is_reported() {
        let mut file = Vec::new();
        write_record(b"first", &mut file);
        file.extend([5, 0, 0]);
        check_rejects(&file, 1, "the file ends inside the header of the record at byte 21");
    }

    #[test]
    fn zeros_after_the_last_record_are_rejected() {
        let mut file = Vec::new();
        write_record(b"first", &mut file);
        file.extend([0; 20]);
        check_rejects(&file, 1, "wrong checksum of the length at byte 21");
    }

    proptest! {
        #[test]
        fn written_records_are_read_back(
            all in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..5)
        ) {
            let mut file = Vec::new();
            for data in &all {
                write_record(data, &mut file);
            }
            let found: Vec<_> = read(&file).into_iter().map(|record| record.unwrap().data).collect();
            prop_assert_eq!(found, all);
        }

        #[test]
        fn every_flipped_bit_is_detected(data in prop::collection::vec(any::<u8>(), 0..50), at: u16) {
            let mut file = Vec::new();
            write_record(&data, &mut file);
            let at = usize::from(at) % (8 * file.len());
            file[at / 8] ^= 1 << (at % 8);
            prop_assert!(read(&file).iter().any(Result::is_err));
        }

        #[test]
        fn every_truncation_is_detected(data in prop::collection::vec(any::<u8>(), 0..50), cut: u16) {
            let mut file = Vec::new();
            write_record(&data, &mut file);
            file.truncate(1 + usize::from(cut) % (file.len() - 1));
            prop_assert!(read(&file).iter().any(Result::is_err));
        }
    }
}
