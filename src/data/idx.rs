//! MNIST's own format: a few big-endian numbers, then bytes; packed by gzip or not.
//!
//! ```text
//! 0 0 type rank | extent of every axis, 4 bytes each | elements
//! ```
//!
//! [`read_digits`] is the place to start. A header is only believed as far as bytes follow it: what
//! is read grows with the file, and stops at what the header says.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use flate2::bufread::GzDecoder;

use crate::fs::{self, FsError};

/// Height and width of a digit in pixels.
pub const SIDE: usize = 28;

/// Pixels of a digit.
pub const PIXELS: usize = SIDE * SIDE;

/// Most elements along the first axis; MNIST has 60,000.
const ITEMS_MAX: u64 = 100_000;

/// Largest file: [`ITEMS_MAX`] digits with their header.
const FILE_BYTES_MAX: u64 = ITEMS_MAX * PIXELS as u64 + 16;

/// Code of unsigned bytes.
const UNSIGNED_BYTE: u8 = 0x08;

/// First bytes of a gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Why a file of digits or labels cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    /// The file cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The file is not what it should be.
    #[error("failed to read IDX file `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: IdxFault,
    },
}

/// What is wrong with an IDX file.
#[derive(Debug, thiserror::Error)]
pub enum IdxFault {
    /// The packed file is damaged or cut off.
    #[error("it is not an intact gzip file")]
    Gzip(#[source] io::Error),
    /// The file ends inside its header.
    #[error("it ends inside its header")]
    Header,
    /// The file is of another format.
    #[error("it begins with {found:02x?} instead of 00 00")]
    Magic {
        /// Its first two bytes.
        found: [u8; 2],
    },
    /// The elements are no bytes.
    #[error("its elements have type {found:#04x}, not {UNSIGNED_BYTE:#04x}, unsigned bytes")]
    Type {
        /// Code of their type.
        found: u8,
    },
    /// The file has another number of axes.
    #[error("it has {found} axes instead of {expected}")]
    Rank {
        /// Its axes.
        found: u8,
        /// What the caller reads.
        expected: u8,
    },
    /// Digits have another size.
    #[error("its digits are {height}x{width}, not {SIDE}x{SIDE}")]
    Size {
        /// Height in pixels.
        height: u32,
        /// Width in pixels.
        width: u32,
    },
    /// There is nothing in the file.
    #[error("it has no items")]
    NoItems,
    /// There are more items than anybody has.
    #[error("it has {found} items; {ITEMS_MAX} are the most")]
    TooMany {
        /// Items that the header speaks of.
        found: u32,
    },
    /// The file ends too early.
    #[error("it has {found} bytes of data instead of {expected}")]
    Short {
        /// Bytes behind the header.
        found: usize,
        /// Bytes that the header speaks of.
        expected: usize,
    },
    /// The file goes on where it should end.
    #[error("it goes on behind its {expected} bytes of data")]
    Trailing {
        /// Bytes that the header speaks of.
        expected: usize,
    },
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

    /// Returns whether there is no digit; a file of none is refused.
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
/// If the file cannot be read or is not exactly what its header says.
pub fn read_digits(path: &Path) -> Result<Digits, IdxError> {
    Ok(Digits { pixels: read(path, digit_bytes)? })
}

/// Reads digits from the content of such a file.
///
/// # Errors
/// If it is not exactly what its header says.
pub fn parse_digits(file: &[u8]) -> Result<Digits, IdxFault> {
    Ok(Digits { pixels: unpacked(file, digit_bytes)? })
}

fn digit_bytes([_, height, width]: [u32; 3]) -> Result<usize, IdxFault> {
    let side = |extent: u32| usize::try_from(extent).is_ok_and(|extent| extent == SIDE);
    if side(height) && side(width) { Ok(PIXELS) } else { Err(IdxFault::Size { height, width }) }
}

/// Reads a file of labels, `train-labels-idx1-ubyte` or the same with `.gz`.
///
/// # Errors
/// If the file cannot be read or is not exactly what its header says.
pub fn read_labels(path: &Path) -> Result<Vec<u8>, IdxError> {
    read(path, |[_]: [u32; 1]| Ok(1))
}

/// Reads a file of items whose size in bytes `item` finds in the extents.
fn read<const RANK: usize>(
    path: &Path,
    item: impl FnOnce([u32; RANK]) -> Result<usize, IdxFault>,
) -> Result<Vec<u8>, IdxError> {
    let file = fs::read(path, FILE_BYTES_MAX)?;
    unpacked(&file, item).map_err(|fault| IdxError::File { path: path.to_owned(), fault })
}

/// Takes apart a file, packed by gzip or not.
fn unpacked<const RANK: usize>(
    file: &[u8],
    item: impl FnOnce([u32; RANK]) -> Result<usize, IdxFault>,
) -> Result<Vec<u8>, IdxFault> {
    if !file.starts_with(&GZIP_MAGIC) {
        // Reading from memory does not fail.
        return parse(&mut &*file, item, |_| IdxFault::Header);
    }
    let mut packed = file;
    let data = parse(&mut GzDecoder::new(&mut packed), item, IdxFault::Gzip)?;
    if packed.is_empty() { Ok(data) } else { Err(IdxFault::Trailing { expected: data.len() }) }
}

fn parse<const RANK: usize>(
    source: &mut impl Read,
    item: impl FnOnce([u32; RANK]) -> Result<usize, IdxFault>,
    failed: fn(io::Error) -> IdxFault,
) -> Result<Vec<u8>, IdxFault> {
    let mut word = || {
        let mut word = [0; 4];
        source.read_exact(&mut word).map(|()| word).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => IdxFault::Header,
            _ => failed(error),
        })
    };
    let [first, second, kind, rank] = word()?;
    if [first, second] != [0, 0] {
        return Err(IdxFault::Magic { found: [first, second] });
    }
    if kind != UNSIGNED_BYTE {
        return Err(IdxFault::Type { found: kind });
    }
    let expected = u8::try_from(RANK).expect("files have one or three axes");
    if rank != expected {
        return Err(IdxFault::Rank { found: rank, expected });
    }
    let mut extents = [0; RANK];
    for extent in &mut extents {
        *extent = u32::from_be_bytes(word()?);
    }
    let bytes_of_item = item(extents)?;
    let items = match extents[0] {
        0 => return Err(IdxFault::NoItems),
        items if u64::from(items) > ITEMS_MAX => return Err(IdxFault::TooMany { found: items }),
        items => usize::try_from(items).expect("bounded above"),
    };
    let expected = items * bytes_of_item;
    let mut data = Vec::new();
    // One byte more, so that the end is seen; it also makes gzip check its sum.
    source.take(expected as u64 + 1).read_to_end(&mut data).map_err(failed)?;
    match data.len() {
        found if found < expected => Err(IdxFault::Short { found, expected }),
        found if found > expected => Err(IdxFault::Trailing { expected }),
        _ => Ok(data),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn idx(extents: &[u32], bytes: usize) -> Vec<u8> {
        let rank = u8::try_from(extents.len()).unwrap();
        let mut file = vec![0, 0, UNSIGNED_BYTE, rank];
        file.extend(extents.iter().flat_map(|extent| extent.to_be_bytes()));
        file.extend((0..bytes).map(|i| (i % 251).to_le_bytes()[0]));
        file
    }

    fn packed(file: &[u8]) -> Vec<u8> {
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
            Err(IdxError::File { fault, .. }) => assert_eq!(fault.to_string(), message),
            other => panic!("the file is refused with a fault, not {other:?}"),
        }
    }

    #[test]
    fn digits_are_read_plain_and_packed() {
        let file = idx(&[4, 28, 28], 4 * PIXELS);
        let read = digits(&file).unwrap();
        assert_eq!((read.len(), &read.digit(1)[..2]), (4, [31, 32].as_slice()));
        assert_eq!(digits(&packed(&file)).unwrap(), read);
    }

    #[test]
    fn headers_are_refused() {
        check_rejects(b"", "it ends inside its header");
        check_rejects(&idx(&[4, 28, 28], 0)[..9], "it ends inside its header");
        check_rejects(&[1, 2, 3, 4], "it begins with [01, 02] instead of 00 00");
        check_rejects(&[3, 8, 0, 0], "it begins with [03, 08] instead of 00 00");
        check_rejects(&[0, 0, 13, 3], "its elements have type 0x0d, not 0x08, unsigned bytes");
        check_rejects(&idx(&[4], 4), "it has 1 axes instead of 3");
        check_rejects(&idx(&[4, 27, 28], 4 * 27 * 28), "its digits are 27x28, not 28x28");
        check_rejects(&idx(&[0, 28, 28], 0), "it has no items");
        check_rejects(&idx(&[u32::MAX, 28, 28], 9), "it has 4294967295 items; 100000 are the most");
        let size = "its digits are 2147483648x4, not 28x28";
        check_rejects(&idx(&[0x8000_0000, 0x8000_0000, 4], 0), size);
    }

    #[test]
    fn data_that_is_too_short_or_too_long_is_refused() {
        check_rejects(&idx(&[4, 28, 28], 3135), "it has 3135 bytes of data instead of 3136");
        check_rejects(&idx(&[4, 28, 28], 3137), "it goes on behind its 3136 bytes of data");
        let bomb = packed(&idx(&[4, 28, 28], 1 << 22));
        check_rejects(&bomb, "it goes on behind its 3136 bytes of data");
    }

    #[test]
    fn damaged_gzip_is_refused() {
        let good = packed(&idx(&[4, 28, 28], 3136));
        let message = "it is not an intact gzip file";
        check_rejects(&good[..good.len() - 30], message);
        let mut sum = good.clone();
        let at = sum.len() - 8;
        sum[at] ^= 1;
        check_rejects(&sum, message);
        check_rejects(&[&good[..], b"x"].concat(), "it goes on behind its 3136 bytes of data");
    }

    proptest! {
        #[test]
        fn no_bytes_behind_a_good_magic_make_it_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            prop_assert!(digits(&[&[0, 0, 8, 3], &bytes[..]].concat()).is_err());
            prop_assert!(digits(&[&GZIP_MAGIC, &bytes[..]].concat()).is_err());
        }
    }
}
