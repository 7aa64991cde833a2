//! Writing: whole files atomically, logs by appending.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{FsError, Kind, read_dir_sorted};

/// How the names of unfinished files begin; a killed process leaves such a file behind.
const TEMPORARY_PREFIX: &str = ".unfinished-";

/// Mode of new files before the umask.
const FILE_MODE: u32 = 0o666;

/// Writes a file: under a temporary name beside `path`, synced, renamed, the directory synced.
///
/// Whatever goes wrong, a full disk included, an earlier file at `path` stays as it was.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FsError> {
    write_atomic_with(path, |file| file.write_all(bytes))
}

/// Writes a file as [`write_atomic`] does, from content that is produced piece by piece.
pub fn write_atomic_with(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FsError> {
    let directory = parent(path);
    let temporary = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .permissions(Permissions::from_mode(FILE_MODE))
        .tempfile_in(directory)
        .map_err(FsError::io("create a temporary file for", path))?;
    let mut buffered = BufWriter::new(temporary);
    write(&mut buffered).map_err(FsError::io("write", path))?;
    let temporary =
        buffered.into_inner().map_err(|error| FsError::io("write", path)(error.into_error()))?;
    temporary.as_file().sync_all().map_err(FsError::io("sync", path))?;
    temporary.persist(path).map_err(|error| FsError::io("replace", path)(error.error))?;
    sync_directory(directory)
}

/// Creates a directory and its parents where they are missing.
pub fn create_dir_all(path: &Path) -> Result<(), FsError> {
    fs::create_dir_all(path).map_err(FsError::io("create directory", path))
}

/// Renames a file or directory within one file system and syncs both directories.
pub fn rename(from: &Path, to: &Path) -> Result<(), FsError> {
    fs::rename(from, to).map_err(FsError::io("move", from))?;
    sync_directory(parent(to))?;
    sync_directory(parent(from))
}

/// Removes what killed processes left of unfinished writes in a directory; returns how many files.
///
/// Only for a directory that the caller holds a [`Lock`](super::Lock) for.
pub fn remove_temporaries(directory: &Path) -> Result<usize, FsError> {
    let mut removed = 0;
    for entry in read_dir_sorted(directory)? {
        let unfinished = entry.name.to_string_lossy().starts_with(TEMPORARY_PREFIX);
        if unfinished && entry.kind == Kind::File {
            fs::remove_file(&entry.path).map_err(FsError::io("remove", &entry.path))?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// A file that only grows.
#[derive(Debug)]
pub struct AppendFile {
    file: File,
    path: PathBuf,
    len: u64,
}

impl AppendFile {
    /// Opens a file for appending, or creates it.
    pub fn open(path: &Path) -> Result<Self, FsError> {
        // Looked at first, since opening a named pipe would wait for its reader.
        if let Ok(metadata) = fs::metadata(path) {
            super::refuse_irregular(path, &metadata)?;
        }
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(FILE_MODE)
            .open(path)
            .map_err(FsError::io("open", path))?;
        let metadata = file.metadata().map_err(FsError::io("inspect", path))?;
        super::refuse_irregular(path, &metadata)?;
        Ok(Self { file, path: path.to_owned(), len: metadata.len() })
    }

    /// Opens a file for appending after its first `offset` bytes and cuts off the rest.
    pub fn open_truncated_at(path: &Path, offset: u64) -> Result<Self, FsError> {
        let mut file = Self::open(path)?;
        if file.len < offset {
            return Err(FsError::TooShort { path: file.path, offset, len: file.len });
        }
        file.cut(offset)?;
        Ok(file)
    }

    /// Appends bytes; on failure the file is cut back to what it was.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), FsError> {
        if let Err(source) = self.file.write_all(bytes) {
            // A cut that fails as well leaves a torn line, which readers of logs detect.
            self.cut(self.len).ok();
            return Err(FsError::io("append to", &self.path)(source));
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Returns the length in bytes.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Returns whether nothing was written yet.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Waits until everything appended is on the disk.
    pub fn sync(&self) -> Result<(), FsError> {
        self.file.sync_data().map_err(FsError::io("sync", &self.path))
    }

    fn cut(&mut self, len: u64) -> Result<(), FsError> {
        self.file.set_len(len).map_err(FsError::io("truncate", &self.path))?;
        self.len = len;
        Ok(())
    }
}

/// Returns the directory of a path; the working directory for a bare name.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn sync_directory(path: &Path) -> Result<(), FsError> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(FsError::io("sync directory", path))
}
