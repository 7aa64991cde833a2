//! The file system: bounded reads, atomic writes, locks, appends and digests.
//!
//! The only module that uses `std::fs`. Reading refuses everything but regular files and stops at a
//! limit given by the caller, so that a named pipe or an endless device in a data folder is an error
//! instead of a hang. Writing uses a temporary file, a sync and a rename, so that a reader sees the old
//! content or the new, never a part. No file format is known here. Start from [`read`] and
//! [`write_atomic`].
#![expect(clippy::disallowed_types, reason = "the one module that opens files for all others")]

use std::{
    ffi::OsString,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, BufReader, Read},
    os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt},
    path::{Component, Path, PathBuf},
};

use memmap2::Mmap;
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};

mod lock;
mod stamp;
mod write;

pub use lock::{Lock, is_locked, lock, try_lock};
pub use stamp::{Stamp, stamp};
pub use write::{
    AppendFile, create_dir_all, remove_file, remove_temporaries, rename, sync_folder, temporaries,
    write_atomic, write_atomic_with,
};

/// What [`create_dir_all`] does, as [`FsError::Io`] names it.
const CREATE_FOLDER: &str = "create folder";

/// Why a file operation failed.
#[derive(Debug, thiserror::Error)]
pub enum FsError {
    /// `action` is a verb with its object: "create folder".
    #[error("failed to {action} `{}`", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    /// `kind` has its article: "a named pipe".
    #[error("failed to open `{}`: it is {kind}, not a regular file", path.display())]
    NotRegular { path: PathBuf, kind: &'static str },
    #[error("failed to read `{}`: it is larger than {limit} bytes", path.display())]
    TooLarge { path: PathBuf, limit: u64 },
    #[error("failed to read `{}` as UTF-8: invalid byte at offset {offset}", path.display())]
    NotUtf8 { path: PathBuf, offset: usize },
    #[error("failed to append to `{}` at byte {offset}: it has only {len} bytes", path.display())]
    TooShort { path: PathBuf, offset: u64, len: u64 },
}

impl FsError {
    /// Returns a function that adds action and path to an error of the operating system.
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// Returns the file or folder at fault.
    pub fn path(&self) -> PathBuf {
        let (Self::Io { path, .. }
        | Self::NotRegular { path, .. }
        | Self::TooLarge { path, .. }
        | Self::NotUtf8 { path, .. }
        | Self::TooShort { path, .. }) = self;
        path.clone()
    }

    /// Returns whether a folder could not be created.
    pub fn is_create_folder(&self) -> bool {
        matches!(self, Self::Io { action: CREATE_FOLDER, .. })
    }

    /// Returns whether the path does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// The kind of a file, with symlinks followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// A regular file.
    File,
    Dir,
    /// A named pipe, socket or device.
    Other,
    /// A symlink whose target does not exist.
    Dangling,
}

/// The kind of a file, with symlinks not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathNode {
    /// A regular file; `executable` is that of its owner.
    File {
        bytes: u64,
        executable: bool,
    },
    /// `target` is as written in the symlink.
    Symlink {
        target: PathBuf,
    },
    Dir,
    /// A named pipe, socket or device.
    Other,
}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirEntry {
    pub name: OsString,
    /// The path of the folder joined with the name.
    pub path: PathBuf,
    pub kind: FileKind,
}

/// Reads a regular file of at most `limit` bytes; symlinks are followed.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FsError> {
    let (file, metadata) = open_regular(path)?;
    let too_large = || FsError::TooLarge { path: path.to_owned(), limit };
    if metadata.len() > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    // The length is only a hint: the file may grow, and files under /proc say 0.
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(FsError::io("read", path))?;
    if bytes.len() as u64 > limit { Err(too_large()) } else { Ok(bytes) }
}

/// Opens a regular file for reading from its start; also returns its length in bytes.
pub fn open(path: &Path) -> Result<(impl Read + use<>, u64), FsError> {
    let (file, metadata) = open_regular(path)?;
    Ok((BufReader::new(file), metadata.len()))
}

/// Reads the first bytes of a file, at most `bytes`.
pub fn read_start(path: &Path, bytes: u64) -> Result<Vec<u8>, FsError> {
    let (file, _) = open(path)?;
    let mut start = Vec::new();
    file.take(bytes).read_to_end(&mut start).map_err(FsError::io("read", path))?;
    Ok(start)
}

/// Reads a UTF-8 text file of at most `limit` bytes.
pub fn read_text(path: &Path, limit: u64) -> Result<String, FsError> {
    String::from_utf8(read(path, limit)?).map_err(|error| FsError::NotUtf8 {
        path: path.to_owned(),
        offset: error.utf8_error().valid_up_to(),
    })
}

/// Returns the entries of a folder, sorted by name.
pub fn read_dir_sorted(path: &Path) -> Result<Vec<DirEntry>, FsError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(FsError::io("list", path))? {
        let entry = entry.map_err(FsError::io("list", path))?;
        let path = entry.path();
        let kind = kind(&path)?.unwrap_or(FileKind::Dangling);
        entries.push(DirEntry { name: entry.file_name(), path, kind });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Returns whether a path stays inside the folder that it is joined to: it is relative and has no `..`.
pub fn is_inside(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

/// Returns the kind of a file with symlinks followed, `None` if the path does not exist.
pub fn kind(path: &Path) -> Result<Option<FileKind>, FsError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Some(FileKind::File)),
        Ok(metadata) if metadata.is_dir() => Ok(Some(FileKind::Dir)),
        Ok(_) => Ok(Some(FileKind::Other)),
        Err(error) => match fs::symlink_metadata(path) {
            Ok(link) if link.is_symlink() => Ok(Some(FileKind::Dangling)),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(None),
            _ => Err(FsError::io("inspect", path)(error)),
        },
    }
}

/// Returns the kind of a file with symlinks not followed, `None` if the path does not exist.
pub fn inspect(path: &Path) -> Result<Option<PathNode>, FsError> {
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.map_err(FsError::io("inspect", path))?,
    };
    let executable = metadata.permissions().mode() & 0o100 != 0;
    Ok(Some(match metadata.file_type() {
        kind if kind.is_file() => PathNode::File { bytes: metadata.len(), executable },
        kind if kind.is_dir() => PathNode::Dir,
        kind if kind.is_symlink() => {
            let target = fs::read_link(path).map_err(FsError::io("inspect", path))?;
            PathNode::Symlink { target }
        }
        _ => PathNode::Other,
    }))
}

/// Maps a regular file read-only into memory.
pub fn map(path: &Path) -> Result<Mmap, FsError> {
    let (file, _) = open_regular(path)?;
    // SAFETY: the mapping is read-only. If another process changes the file, the mapped bytes change;
    // readers of packs detect that by digests.
    #[expect(unsafe_code, reason = "mapping a file is unsafe in every binding")]
    let mapping = unsafe { Mmap::map(&file) };
    mapping.map_err(FsError::io("map", path))
}

/// Maps a regular file of at most `limit` bytes, as [`map`] does.
pub fn map_limited(path: &Path, limit: u64) -> Result<Mmap, FsError> {
    let mapping = map(path)?;
    if mapping.len() as u64 > limit {
        return Err(FsError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(mapping)
}

/// Returns the SHA-256 of a regular file in hexadecimal and its length in bytes.
pub fn sha256_file(path: &Path) -> Result<(String, u64), FsError> {
    digest_file(path).map(|(digest, bytes)| (hex(&digest), bytes))
}

/// Returns the SHA-256 of a regular file and its length in bytes.
pub fn digest_file(path: &Path) -> Result<([u8; 32], u64), FsError> {
    let (mut file, _) = open_regular(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer).map_err(FsError::io("read", path))? {
            0 => return Ok((hasher.finalize().into(), bytes)),
            n => {
                hasher.update(&buffer[..n]);
                bytes += n as u64;
            }
        }
    }
}

/// Returns the SHA-256 of bytes in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Returns bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

/// Returns the number of bytes that an unprivileged user can still write to the file system of a path.
pub fn free_bytes(path: &Path) -> Result<u64, FsError> {
    let stat = rustix::fs::statvfs(path)
        .map_err(|errno| FsError::io("get the free space of", path)(errno.into()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Opens a regular file for reading; refuses everything else before opening it.
fn open_regular(path: &Path) -> Result<(File, Metadata), FsError> {
    refuse_irregular(path, &fs::metadata(path).map_err(FsError::io("open", path))?)?;
    // Non-blocking, in case the path has become a named pipe since the check.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(FsError::io("open", path))?;
    let metadata = file.metadata().map_err(FsError::io("inspect", path))?;
    refuse_irregular(path, &metadata)?;
    Ok((file, metadata))
}

fn refuse_irregular(path: &Path, metadata: &Metadata) -> Result<(), FsError> {
    let file_type = metadata.file_type();
    let kind = match () {
        () if file_type.is_file() => return Ok(()),
        () if file_type.is_dir() => "a folder",
        () if file_type.is_fifo() => "a named pipe",
        () if file_type.is_socket() => "a socket",
        () if file_type.is_char_device() => "a character device",
        () if file_type.is_block_device() => "a block device",
        () => "of unknown kind",
    };
    Err(FsError::NotRegular { path: path.to_owned(), kind })
}

#[cfg(test)]
mod tests;
