//! NumPy's `.npz` files: a zip archive of `.npy` files, read strictly and written as NumPy does.
//!
//! Arrays are of single precision and any shape; a name is the member's without `.npy` and may have
//! slashes, as Chainer and dumps of TensorFlow write them. Nothing is unpacked to the disk and nothing
//! is ever unpickled. Members are stored or deflated; how many there are, how long their names are and
//! how large they claim to be is limited, and a claim that no compression can make good is refused
//! before anything is allocated. Start from [`read`] and [`write()`].

use std::{
    io::{self, Cursor, Read, Write},
    path::{Path, PathBuf},
};

use zip::{
    CompressionMethod, DateTime, ZipArchive, ZipWriter, result::ZipError, write::FileOptions,
};

use super::npy::{self, Array, NpyFault};
use crate::fs::{self, FsError};

/// Most arrays of a file.
const MEMBERS_MAX: usize = 10_000;
/// Longest name of an array in bytes.
const NAME_BYTES_MAX: usize = 500;
/// Most bytes of one array.
const ARRAY_BYTES_MAX: u64 = 1 << 30;
/// Deflate makes at most so many bytes of one.
const DEFLATE_RATIO_MAX: u64 = 1032;
/// How the names of members end.
const SUFFIX: &str = ".npy";

/// Why a file is no archive of arrays.
#[derive(Debug, thiserror::Error)]
pub enum NpzFault {
    /// It is not a zip archive, or a damaged one.
    #[error("it is no intact zip archive")]
    Zip(#[source] ZipError),
    /// It has more members than any model has parameters.
    #[error("it has {found} members; at most {MEMBERS_MAX} are read")]
    Members {
        /// How many.
        found: usize,
    },
    /// A member is no array by its name.
    #[error("its member `{name}` does not end in `{SUFFIX}` or has too long a name")]
    Name {
        /// The beginning of its name.
        name: String,
    },
    /// Two members have the same name.
    #[error("it has two arrays named `{name}`")]
    Twice {
        /// The name.
        name: String,
    },
    /// A member claims more bytes than are read or than its compressed form can hold.
    #[error("array `{name}` claims {claimed} bytes, compressed to {compressed}")]
    Claim {
        /// Its name.
        name: String,
        /// Its stated length.
        claimed: u64,
        /// Its length in the archive.
        compressed: u64,
    },
    /// An array cannot be used.
    #[error("array `{name}` cannot be used")]
    Array {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        fault: NpyFault,
    },
}

/// A `.npz` file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NpzError {
    /// The file cannot be opened or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The file is no archive of arrays.
    #[error("failed to read arrays of `{}`", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: NpzFault,
    },
}

/// Returns whether a file begins as zip archives do.
pub fn is_zip(path: &Path) -> Result<bool, FsError> {
    let (reader, _) = fs::open(path)?;
    let mut magic = Vec::new();
    let whole = reader.take(2).read_to_end(&mut magic);
    Ok(whole.is_ok() && magic == b"PK")
}

/// Reads the arrays whose names are wanted, in the order of the archive.
///
/// # Errors
/// If the archive is damaged, or an array is wanted that is too large, column by column or not of
/// single precision.
pub fn read(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, Array)>, NpzError> {
    let bytes = fs::map(path)?;
    decode(&bytes, wanted).map_err(|fault| NpzError::Archive { path: path.to_owned(), fault })
}

/// Reads the wanted arrays of an archive in memory, as [`read`] does.
pub fn decode(
    bytes: &[u8],
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Array)>, NpzFault> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(NpzFault::Zip)?;
    if archive.len() > MEMBERS_MAX {
        return Err(NpzFault::Members { found: archive.len() });
    }
    let mut arrays: Vec<(String, Array)> = Vec::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(NpzFault::Zip)?;
        let name = name_of(member.name())?;
        if arrays.iter().any(|(other, _)| *other == name) {
            return Err(NpzFault::Twice { name });
        }
        if !wanted(&name) {
            continue;
        }
        let (claimed, compressed) = (member.size(), member.compressed_size());
        let possible = compressed.saturating_mul(DEFLATE_RATIO_MAX).min(ARRAY_BYTES_MAX);
        if claimed > possible || compressed > bytes.len() as u64 {
            return Err(NpzFault::Claim { name, claimed, compressed });
        }
        let array = whole(&mut member, claimed);
        let array = array.map_err(|fault| NpzFault::Array { name: name.clone(), fault })?;
        arrays.push((name, array));
    }
    Ok(arrays)
}

/// Reads a member to its end, where its checksum is compared.
fn whole(member: &mut impl Read, len: u64) -> Result<Array, NpyFault> {
    let array = npy::decode_any(&mut *member, len, ARRAY_BYTES_MAX)?;
    match member.read(&mut [0]).map_err(NpyFault::Io)? {
        0 => Ok(array),
        _ => Err(NpyFault::Io(io::Error::from(io::ErrorKind::InvalidData))),
    }
}

fn name_of(member: &str) -> Result<String, NpzFault> {
    match member.strip_suffix(SUFFIX) {
        Some(name) if !name.is_empty() && name.len() <= NAME_BYTES_MAX => Ok(name.to_owned()),
        _ => Err(NpzFault::Name { name: member.chars().take(80).collect() }),
    }
}

/// Returns the bytes of an archive of arrays: stored, as `numpy.savez` does, and without a date, so
/// that equal arrays make equal bytes.
///
/// # Panics
/// If an array has not as many elements as its shape says, or a name stands twice.
pub fn encode(arrays: &[(String, Array)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = FileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    let written = arrays.iter().try_for_each(|(name, array)| {
        let bytes = npy::encode(array);
        let options = options.large_file(bytes.len() as u64 > u64::from(u32::MAX));
        writer.start_file(format!("{name}{SUFFIX}"), options)?;
        writer.write_all(&bytes)?;
        Ok::<(), ZipError>(())
    });
    let finished = written.and_then(|()| writer.finish());
    finished.expect("writing to memory succeeds").into_inner()
}

/// Writes arrays as `numpy.savez` does.
pub fn write(path: &Path, arrays: &[(String, Array)]) -> Result<(), FsError> {
    fs::write_atomic(path, &encode(arrays))
}

#[cfg(test)]
mod tests;
