//! The IDX format of MNIST: big-endian header words, then bytes; optionally compressed with gzip.
//!
//! ```text
//! 0 0 type rank | length of every axis, 4 bytes each | elements
//! ```
//! Start from [`read_digits`]. Memory grows with the bytes that are read, not with the sizes that the
//! header states; reading stops at the stated size.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use flate2::bufread::GzDecoder;

use reprise_base::fs::{self, FsError};

/// Height and width of a digit in pixels.
pub const SIDE: usize = 28;

/// Pixels of a digit.
pub const PIXELS: usize = SIDE * SIDE;

/// Largest number of items; MNIST has 60,000.
const ITEMS_MAX: u64 = 100_000;

/// Largest file: [`ITEMS_MAX`] digits with their header.
const FILE_BYTES_MAX: u64 = ITEMS_MAX * PIXELS as u64 + 16;

/// Type code of unsigned bytes.
const UNSIGNED_BYTE: u8 = 0x08;

/// First bytes of a gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why a file of digits or labels cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    #[error(transparent)]
    Fs(#[from] FsError),
    #[error("failed to read IDX file `{}`", path.display())]
    File { path: PathBuf, source: IdxFormatError },
}

/// Why bytes are not the expected IDX file.
#[derive(Debug, thiserror::Error)]
pub enum IdxFormatError {
    #[error("not a valid gzip file")]
    Gzip(#[source] io::Error),
    #[error("the file ends inside its header")]
    Header,
    #[error("its first two bytes are {found:02x?}, expected 00 00")]
    Magic { found: [u8; 2] },
    #[error("its element type is {found:#04x}, expected {UNSIGNED_BYTE:#04x} (unsigned bytes)")]
    Type { found: u8 },
    #[error("its number of axes is {found}, expected {expected}")]
    Rank { found: u8, expected: u8 },
    #[error("its digits have {height}x{width} pixels, expected {SIDE}x{SIDE}")]
    Size { height: u32, width: u32 },
    #[error("it has no items")]
    NoItems,
    #[error("its header states {found} items; the limit is {ITEMS_MAX}")]
    TooMany { found: u32 },
    #[error("it has {found} bytes of data, expected {expected}")]
    Short { found: usize, expected: usize },
    #[error("trailing bytes after its {expected} bytes of data")]
    Trailing { expected: usize },
}

/// Digits of 28×28 grey values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits {
    pixels: Vec<u8>,
}

impl Digits {
    /// Returns the number of digits.
    pub const fn len(&self) -> usize {
        self.pixels.len() / PIXELS
    }

    /// Returns whether there are no digits; such a file is refused.
    pub const fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// Returns the grey values of a digit, row by row.
    pub fn digit(&self, index: usize) -> &[u8] {
        &self.pixels[index * PIXELS..(index + 1) * PIXELS]
    }
}

/// Reads a file of digits, `train-images-idx3-ubyte` or the same with `.gz`.
///
/// # Errors
/// If the file cannot be read, or its content does not match its header.
pub fn read_digits(path: &Path) -> Result<Digits, IdxError> {
    Ok(Digits { pixels: read(path, digit_bytes)? })
}

/// Reads digits from the content of such a file.
///
/// # Errors
/// If the content does not match its header.
pub fn parse_digits(file: &[u8]) -> Result<Digits, IdxFormatError> {
    Ok(Digits { pixels: decompressed(file, digit_bytes)? })
}

fn digit_bytes([_, height, width]: [u32; 3]) -> Result<usize, IdxFormatError> {
    let side = |length: u32| usize::try_from(length).is_ok_and(|length| length == SIDE);
    if side(height) && side(width) {
        Ok(PIXELS)
    } else {
        Err(IdxFormatError::Size { height, width })
    }
}

/// Reads a file of labels, `train-labels-idx1-ubyte` or the same with `.gz`.
///
/// # Errors
/// If the file cannot be read, or its content does not match its header.
pub fn read_labels(path: &Path) -> Result<Vec<u8>, IdxError> {
    read(path, |[_]: [u32; 1]| Ok(1))
}

/// Reads a file; `item_bytes` returns the size of an item from the lengths of the axes.
fn read<const RANK: usize>(
    path: &Path,
    item_bytes: impl FnOnce([u32; RANK]) -> Result<usize, IdxFormatError>,
) -> Result<Vec<u8>, IdxError> {
    let file = fs::read(path, FILE_BYTES_MAX)?;
    decompressed(&file, item_bytes)
        .map_err(|source| IdxError::File { path: path.to_owned(), source })
}

/// Parses the content of a file, compressed or not.
fn decompressed<const RANK: usize>(
    file: &[u8],
    item_bytes: impl FnOnce([u32; RANK]) -> Result<usize, IdxFormatError>,
) -> Result<Vec<u8>, IdxFormatError> {
    if !file.starts_with(&GZIP_MAGIC) {
        // Reading from memory fails only at the end of the header.
        return parse(&mut &*file, item_bytes, |_| IdxFormatError::Header);
    }
    let mut compressed = file;
    let data = parse(&mut GzDecoder::new(&mut compressed), item_bytes, IdxFormatError::Gzip)?;
    if compressed.is_empty() {
        Ok(data)
    } else {
        Err(IdxFormatError::Trailing { expected: data.len() })
    }
}

fn parse<const RANK: usize>(
    source: &mut impl Read,
    item_bytes: impl FnOnce([u32; RANK]) -> Result<usize, IdxFormatError>,
    failed: fn(io::Error) -> IdxFormatError,
) -> Result<Vec<u8>, IdxFormatError> {
    let mut word = || {
        let mut word = [0; 4];
        source.read_exact(&mut word).map(|()| word).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => IdxFormatError::Header,
            _ => failed(error),
        })
    };
    let [first, second, kind, rank] = word()?;
    if [first, second] != [0, 0] {
        return Err(IdxFormatError::Magic { found: [first, second] });
    }
    if kind != UNSIGNED_BYTE {
        return Err(IdxFormatError::Type { found: kind });
    }
    let expected = u8::try_from(RANK).expect("files have one or three axes");
    if rank != expected {
        return Err(IdxFormatError::Rank { found: rank, expected });
    }
    let mut axes = [0; RANK];
    for length in &mut axes {
        *length = u32::from_be_bytes(word()?);
    }
    let item_bytes = item_bytes(axes)?;
    let items = match axes[0] {
        0 => return Err(IdxFormatError::NoItems),
        items if u64::from(items) > ITEMS_MAX => {
            return Err(IdxFormatError::TooMany { found: items });
        }
        items => usize::try_from(items).expect("the count is bounded"),
    };
    let expected = items * item_bytes;
    let mut data = Vec::new();
    // One byte more, to detect trailing bytes; it also makes gzip verify its checksum.
    source.take(expected as u64 + 1).read_to_end(&mut data).map_err(failed)?;
    match data.len() {
        found if found < expected => Err(IdxFormatError::Short { found, expected }),
        found if found > expected => Err(IdxFormatError::Trailing { expected }),
        _ => Ok(data),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn idx(axes: &[u32], bytes: usize) -> Vec<u8> {
        let rank = u8::try_from(axes.len()).unwrap();
        let mut file = vec![0, 0, UNSIGNED_BYTE, rank];
        file.extend(axes.iter().flat_map(|length| length.to_be_bytes()));
        file.extend((0..bytes).map(|i| (i % 251).to_le_bytes()[0]));
        file
    }

    fn compressed(file: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(file).unwrap();
        encoder.finish().unwrap()
    }

    fn digits(file: &[u8]) -> Result<Digits, IdxError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("images");
        fs::write_atomic(&path, file).unwrap();
        read_digits(&path)
    }

    #[track_caller]
    fn check_rejects(file: &[u8], message: &str) {
        match digits(file) {
            Err(IdxError::File { source, .. }) => assert_eq!(source.to_string(), message),
            other => panic!("expected a format error, not {other:?}"),
        }
    }

    #[test]
    fn digits_are_read_plain_and_compressed() {
        let file = idx(&[4, 28, 28], 4 * PIXELS);
        let read = digits(&file).unwrap();
        assert_eq!((read.len(), &read.digit(1)[..2]), (4, [31, 32].as_slice()));
        assert_eq!(digits(&compressed(&file)).unwrap(), read);
    }

    #[test]
    fn headers_are_refused() {
        check_rejects(b"", "the file ends inside its header");
        check_rejects(&idx(&[4, 28, 28], 0)[..9], "the file ends inside its header");
        check_rejects(&[1, 2, 3, 4], "its first two bytes are [01, 02], expected 00 00");
        check_rejects(&[3, 8, 0, 0], "its first two bytes are [03, 08], expected 00 00");
        check_rejects(&[0, 0, 13, 3], "its element type is 0x0d, expected 0x08 (unsigned bytes)");
        check_rejects(&idx(&[4], 4), "its number of axes is 1, expected 3");
        check_rejects(
            &idx(&[4, 27, 28], 4 * 27 * 28),
            "its digits have 27x28 pixels, expected 28x28",
        );
        check_rejects(&idx(&[0, 28, 28], 0), "it has no items");
        check_rejects(
            &idx(&[u32::MAX, 28, 28], 9),
            "its header states 4294967295 items; the limit is 100000",
        );
        let size = "its digits have 2147483648x4 pixels, expected 28x28";
        check_rejects(&idx(&[0x8000_0000, 0x8000_0000, 4], 0), size);
    }

    #[test]
    fn data_that_is_too_short_or_too_long_is_refused() {
        check_rejects(&idx(&[4, 28, 28], 3135), "it has 3135 bytes of data, expected 3136");
        check_rejects(&idx(&[4, 28, 28], 3137), "trailing bytes after its 3136 bytes of data");
        let bomb = compressed(&idx(&[4, 28, 28], 1 << 22));
        check_rejects(&bomb, "trailing bytes after its 3136 bytes of data");
    }

    #[test]
    fn damaged_gzip_is_refused() {
        let good = compressed(&idx(&[4, 28, 28], 3136));
        let message = "not a valid gzip file";
        check_rejects(&good[..good.len() - 30], message);
        let mut checksum = good.clone();
        let at = checksum.len() - 8;
        checksum[at] ^= 1;
        check_rejects(&checksum, message);
        check_rejects(&[&good[..], b"x"].concat(), "trailing bytes after its 3136 bytes of data");
    }

    proptest! {
        #[test]
        fn no_bytes_after_a_valid_magic_make_it_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            prop_assert!(digits(&[&[0, 0, 8, 3], &bytes[..]].concat()).is_err());
            prop_assert!(digits(&[&GZIP_MAGIC, &bytes[..]].concat()).is_err());
        }
    }
}
