//! NumPy's `.npz` files: a zip archive of `.npy` files, read strictly and written as NumPy does.
//!
//! Arrays have single precision and any shape. The name of an array is that of its member without
//! `.npy` and may contain slashes, as in files of Chainer and dumps of TensorFlow. Nothing is unpacked
//! to the disk or unpickled. Members are stored or deflated. The number of members, the length of
//! their names and their sizes are limited; a stated size that deflate cannot reach is refused before
//! memory is allocated. Start from [`read`] and [`write()`], or from [`read_one`] for arrays of other types.

use std::{
    io::{self, Cursor, Read, Write},
    path::{Path, PathBuf},
};

use zip::{
    CompressionMethod, DateTime, ZipArchive, ZipWriter, read::ZipFile, result::ZipError,
    write::FileOptions,
};

use super::npy::{self, Array, NpyFormatError};
use reprise_base::fs::{self, FsError};

/// Largest number of arrays in a file.
const MEMBERS_MAX: usize = 10_000;
/// Longest name of an array in bytes.
const NAME_BYTES_MAX: usize = 500;
/// Largest array in bytes.
const ARRAY_BYTES_MAX: u64 = 1 << 30;
/// Highest compression ratio of deflate.
const DEFLATE_RATIO_MAX: u64 = 1032;
/// File name extension of members.
const SUFFIX: &str = ".npy";

/// Why bytes are not an archive of arrays.
#[derive(Debug, thiserror::Error)]
pub enum NpzFormatError {
    #[error("not a valid zip archive")]
    Zip(#[source] ZipError),
    #[error("it has {found} members; the limit is {MEMBERS_MAX}")]
    Members { found: usize },
    /// `name` is cut to 80 characters.
    #[error("invalid member name `{name}`: expected 1 to {NAME_BYTES_MAX} bytes, then `{SUFFIX}`")]
    Name { name: String },
    #[error("it has two arrays named `{name}`")]
    Duplicate { name: String },
    /// A member states a size above the limit or above what its compressed data can hold.
    #[error(
        "array `{name}` has an impossible size: {stated} bytes, compressed to {compressed} bytes"
    )]
    Size { name: String, stated: u64, compressed: u64 },
    #[error("failed to read array `{name}`")]
    Array { name: String, source: NpyFormatError },
}

/// Why a `.npz` file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NpzError {
    #[error(transparent)]
    Fs(#[from] FsError),
    #[error("failed to read the arrays in `{}`", path.display())]
    Archive { path: PathBuf, source: NpzFormatError },
}

impl NpzError {
    /// Returns what the user can do, if anything. Following it never loses information.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Archive { source: NpzFormatError::Array { source, .. }, .. } => source.hint(),
            Self::Archive { source: NpzFormatError::Zip(_), .. } => {
                Some("download or copy the file again")
            }
            Self::Fs(_) | Self::Archive { .. } => None,
        }
    }
}

/// Returns whether a file has the signature of a zip archive.
pub fn is_zip(path: &Path) -> Result<bool, FsError> {
    let (reader, _) = fs::open(path)?;
    let mut magic = Vec::new();
    let whole = reader.take(2).read_to_end(&mut magic);
    Ok(whole.is_ok() && magic == b"PK")
}

/// Reads the arrays whose names are wanted, in the order of the archive.
///
/// # Errors
/// If the archive is damaged, or a wanted array is too large, in Fortran order or not of single
/// precision.
pub fn read(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, Array)>, NpzError> {
    let bytes = fs::map(path)?;
    decode(&bytes, wanted).map_err(|source| NpzError::Archive { path: path.to_owned(), source })
}

/// Reads the wanted arrays of an archive in memory, as [`read`] does.
pub fn decode(
    bytes: &[u8],
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<(String, Array)>, NpzFormatError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(NpzFormatError::Zip)?;
    if archive.len() > MEMBERS_MAX {
        return Err(NpzFormatError::Members { found: archive.len() });
    }
    let mut arrays: Vec<(String, Array)> = Vec::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(NpzFormatError::Zip)?;
        let name = name_of(member.name())?;
        if arrays.iter().any(|(other, _)| *other == name) {
            return Err(NpzFormatError::Duplicate { name });
        }
        if !wanted(&name) {
            continue;
        }
        let read = |member: &mut dyn Read, len| npy::decode_any(member, len, ARRAY_BYTES_MAX);
        let array = read_member(&mut member, &name, bytes.len(), ARRAY_BYTES_MAX, read)?;
        arrays.push((name, array));
    }
    Ok(arrays)
}

/// Returns the names of the arrays in an archive, sorted.
///
/// # Errors
/// If the archive is damaged.
pub fn names(path: &Path) -> Result<Vec<String>, NpzError> {
    let bytes = fs::map(path)?;
    let failed = |source| NpzError::Archive { path: path.to_owned(), source };
    let archive = ZipArchive::new(Cursor::new(&bytes[..]));
    let archive = archive.map_err(|source| failed(NpzFormatError::Zip(source)))?;
    if archive.len() > MEMBERS_MAX {
        return Err(failed(NpzFormatError::Members { found: archive.len() }));
    }
    let names = archive.file_names().map(|member| name_of(member).map_err(failed));
    let mut names = names.collect::<Result<Vec<_>, _>>()?;
    names.sort();
    Ok(names)
}

/// Reads one array of at most `bytes_max` bytes with `read`, which is given its file and length.
///
/// # Errors
/// If the archive or the array is damaged, or has no array of this name.
pub fn read_one<T>(
    path: &Path,
    name: &str,
    bytes_max: u64,
    read: impl FnOnce(&mut dyn Read, u64) -> Result<T, NpyFormatError>,
) -> Result<T, NpzError> {
    let bytes = fs::map(path)?;
    let read = || {
        let mut archive = ZipArchive::new(Cursor::new(&bytes[..])).map_err(NpzFormatError::Zip)?;
        let member = archive.by_name(&format!("{name}{SUFFIX}"));
        let mut member = member.map_err(NpzFormatError::Zip)?;
        read_member(&mut member, name, bytes.len(), bytes_max, read)
    };
    read().map_err(|source| NpzError::Archive { path: path.to_owned(), source })
}

/// Reads a member of an archive of `archive_bytes` to its end, which verifies its checksum.
fn read_member<T>(
    member: &mut ZipFile<'_>,
    name: &str,
    archive_bytes: usize,
    bytes_max: u64,
    read: impl FnOnce(&mut dyn Read, u64) -> Result<T, NpyFormatError>,
) -> Result<T, NpzFormatError> {
    let (stated, compressed) = (member.size(), member.compressed_size());
    let possible = compressed.saturating_mul(DEFLATE_RATIO_MAX).min(bytes_max);
    if stated > possible || compressed > archive_bytes as u64 {
        return Err(NpzFormatError::Size { name: name.to_owned(), stated, compressed });
    }
    let failed = |source| NpzFormatError::Array { name: name.to_owned(), source };
    let array = read(member, stated).map_err(failed)?;
    match member.read(&mut [0]).map_err(|error| failed(NpyFormatError::Io(error)))? {
        0 => Ok(array),
        _ => Err(failed(NpyFormatError::Io(io::Error::from(io::ErrorKind::InvalidData)))),
    }
}

fn name_of(member: &str) -> Result<String, NpzFormatError> {
    match member.strip_suffix(SUFFIX) {
        Some(name) if !name.is_empty() && name.len() <= NAME_BYTES_MAX => Ok(name.to_owned()),
        _ => Err(NpzFormatError::Name { name: member.chars().take(80).collect() }),
    }
}

/// Returns the bytes of an archive of arrays: stored, as `numpy.savez` does, and without a date, so
/// that equal arrays give equal bytes.
///
/// # Panics
/// If the number of elements of an array does not fit its shape, or two arrays have the same name.
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
