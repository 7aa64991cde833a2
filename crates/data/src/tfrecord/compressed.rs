//! TFRecord files that are compressed as a whole, as `TFRecordOptions` of TensorFlow writes them.

use std::{
    io::{self, Cursor, Read},
    path::Path,
};

use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::{
    error::{FramingError, TfrecordError},
    framing::masked_crc32c,
};
use reprise_base::fs;

/// Largest decompressed file in bytes; the largest known ones have 200 MB.
const BYTES_MAX: u64 = 4 << 30;

/// Length of a record's length and its checksum, which tell a plain file from a compressed one.
const HEADER_BYTES: usize = 12;

/// How a file is compressed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zlib,
}

impl Compression {
    /// Returns the compression of a file by its first bytes. The length of a record may look like the
    /// signature of a compressed file, but only with a right checksum after it.
    fn of(start: &[u8]) -> Self {
        if let Some((length, checksum)) = start.split_first_chunk::<8>()
            && masked_crc32c(length).to_le_bytes() == checksum
        {
            return Self::None;
        }
        match *start {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [0x78, second, ..] if (0x7800 + u16::from(second)).is_multiple_of(31) => Self::Zlib,
            _ => Self::None,
        }
    }
}

/// Opens a file, compressed or not; returns its decompressed content and its length.
///
/// The length of compressed content is found by decompressing it once, because
/// [`Records`](super::Records) checks each record against it.
pub(super) fn open(path: &Path) -> Result<(Box<dyn Read>, u64), TfrecordError> {
    let (reader, len) = fs::open(path)?;
    let mut reader = Box::new(reader) as Box<dyn Read>;
    let failed = |source| {
        let source = FramingError::Compressed { source };
        TfrecordError::Framing { path: path.to_owned(), record: 0, source }
    };
    let mut start = Vec::new();
    (&mut reader).take(HEADER_BYTES as u64).read_to_end(&mut start).map_err(failed)?;
    let compression = Compression::of(&start);
    let whole = Box::new(Cursor::new(start).chain(reader)) as Box<dyn Read>;
    if compression == Compression::None {
        return Ok((whole, len));
    }
    let mut measured = decompressed(whole, compression).take(BYTES_MAX + 1);
    let bytes = io::copy(&mut measured, &mut io::sink()).map_err(failed)?;
    if bytes > BYTES_MAX {
        let source = FramingError::CompressedTooLong { limit: BYTES_MAX };
        return Err(TfrecordError::Framing { path: path.to_owned(), record: 0, source });
    }
    let (again, _) = fs::open(path)?;
    Ok((decompressed(Box::new(again), compression), bytes))
}

fn decompressed(reader: Box<dyn Read>, compression: Compression) -> Box<dyn Read> {
    match compression {
        Compression::None => reader,
        Compression::Gzip => Box::new(MultiGzDecoder::new(reader)),
        Compression::Zlib => Box::new(ZlibDecoder::new(reader)),
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, ops::ControlFlow};

    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::{
        super::{for_each_record, framing::write_record},
        *,
    };

    /// Returns the records of a file with this content.
    fn records(content: &[u8]) -> Result<Vec<Vec<u8>>, TfrecordError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tfrecords");
        fs::write_atomic(&path, content).unwrap();
        let mut records = Vec::new();
        for_each_record(&path, |_, record| {
            records.push(record.data);
            ControlFlow::Continue(())
        })?;
        Ok(records)
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn two_records() -> Vec<u8> {
        let mut file = Vec::new();
        write_record(b"first", &mut file);
        write_record(&[7; 1000], &mut file);
        file
    }

    #[test]
    fn compressed_files_have_the_records_of_plain_ones() {
        let plain = two_records();
        let expected = records(&plain).unwrap();
        assert_eq!(expected, [b"first".to_vec(), vec![7; 1000]]);
        assert_eq!(records(&gzip(&plain)).unwrap(), expected);
        let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&plain).unwrap();
        assert_eq!(records(&encoder.finish().unwrap()).unwrap(), expected);
        // As `cat` joins two files.
        let joined = [gzip(&plain), gzip(&plain)].concat();
        assert_eq!(records(&joined).unwrap().len(), 4);
    }

    #[test]
    fn a_record_whose_length_looks_like_a_signature_is_read() {
        let data = vec![1; 0x0008_8b1f];
        let mut file = Vec::new();
        write_record(&data, &mut file);
        assert!(file.starts_with(&[0x1f, 0x8b, 8]));
        assert_eq!(records(&file).unwrap(), [data]);
    }

    #[test]
    fn a_truncated_compressed_file_is_refused() {
        let file = gzip(&two_records());
        let error = records(&file[..file.len() - 12]).unwrap_err();
        let TfrecordError::Framing { source, .. } = error else { panic!("{error}") };
        assert_eq!(source.to_string(), "failed to decompress the file");
    }
}
