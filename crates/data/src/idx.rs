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

use super::signature;
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

impl IdxError {
    /// Returns what the user can do, if anything.
    pub(super) const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::File {
                source:
                    IdxFormatError::Gzip(_)
                    | IdxFormatError::Header
                    | IdxFormatError::Magic { what: Some(_), .. }
                    | IdxFormatError::Short { .. },
                ..
            } => Some("download or copy the file again"),
            Self::Fs(_) | Self::File { .. } => None,
        }
    }
}

/// Why bytes are not the expected IDX file.
#[derive(Debug, thiserror::Error)]
pub enum IdxFormatError {
    #[error("not a valid gzip file")]
    Gzip(#[source] io::Error),
    #[error("the file ends inside its header")]
    Header,
    /// `what` describes the file, if its first bytes are known.
    #[error(
        "its first two bytes are {found:02x?}, expected 00 00{}",
        what.map(|what| format!("; it is {what}")).unwrap_or_default()
    )]
    Magic { found: [u8; 2], what: Option<&'static str> },
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
    /// Returns digits from the grey values of all, one digit after another.
    pub(super) const fn of(pixels: Vec<u8>) -> Self {
        Self { pixels }
    }

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
        let parsed = parse(&mut &*file, item_bytes, |_| IdxFormatError::Header);
        return parsed.map_err(|error| match error {
            IdxFormatError::Magic { found, .. } => {
                IdxFormatError::Magic { found, what: signature::describe(file) }
            }
            other => other,
        });
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
        return Err(IdxFormatError::Magic { found: [first, second], what: None });
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
mod tests;
