//! Writing: whole files atomically, logs by appending.

use std::{
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    io::{self, BufWriter, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{CREATE_FOLDER, DirEntry, FileKind, FsError, read_dir_sorted};

/// Name prefix of temporary files; a killed process leaves such a file behind.
const TEMPORARY_PREFIX: &str = ".unfinished-";

/// Mode of new files before the umask.
const FILE_MODE: u32 = 0o666;

/// Writes a file under a temporary name in the same folder, syncs it, renames it and syncs the folder.
///
/// On any error, such as a full disk, an earlier file at `path` is unchanged.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FsError> {
    write_atomic_with(path, |file| file.write_all(bytes))
}

/// Writes a file as [`write_atomic`] does, with content from a callback.
pub fn write_atomic_with(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FsError> {
    let folder = parent(path);
    let temporary =
        temporary_in(folder).map_err(FsError::io("create a temporary file for", path))?;
    let mut buffered = BufWriter::new(temporary);
    write(&mut buffered).map_err(FsError::io("write", path))?;
    let temporary =
        buffered.into_inner().map_err(|error| FsError::io("write", path)(error.into_error()))?;
    temporary.as_file().sync_all().map_err(FsError::io("sync", path))?;
    // Not `persist`, whose system call the recorder of `tests/crash` cannot see.
    fs::rename(temporary.path(), path).map_err(FsError::io("replace", path))?;
    temporary.into_temp_path().keep().map_err(|error| FsError::io("replace", path)(error.error))?;
    sync_folder(folder)
}

/// Creates a temporary file that is locked while it is open, so that [`remove_temporaries`] leaves it alone.
fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    loop {
        let temporary = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .permissions(Permissions::from_mode(FILE_MODE))
            .tempfile_in(folder)?;
        match temporary.as_file().try_lock() {
            // Between its creation and its lock, another process may have removed it.
            Ok(()) if temporary.as_file().metadata()?.nlink() > 0 => return Ok(temporary),
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            // On a file system without locks, temporary files are never removed.
            Err(TryLockError::Error(_)) => return Ok(temporary),
        }
    }
}

/// Creates a folder and its parents if missing, and syncs the folders that contain new ones.
pub fn create_dir_all(path: &Path) -> Result<(), FsError> {
    let missing = path.ancestors().take_while(|it| !it.as_os_str().is_empty() && !it.exists());
    let missing: Vec<&Path> = missing.collect();
    fs::create_dir_all(path).map_err(FsError::io(CREATE_FOLDER, path))?;
    missing.into_iter().rev().try_for_each(|created| sync_folder(parent(created)))
}

/// Removes a file, if it exists, and syncs its folder.
pub fn remove_file(path: &Path) -> Result<(), FsError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(FsError::io("remove", path)(error))
        }
        _ => sync_folder(parent(path)),
    }
}

/// Renames a file or folder within one file system and syncs both parent folders.
pub fn rename(from: &Path, to: &Path) -> Result<(), FsError> {
    fs::rename(from, to).map_err(FsError::io("move", from))?;
    sync_folder(parent(to))?;
    sync_folder(parent(from))
}

/// Removes the temporary files that killed processes left in a folder, which may be missing; returns their
/// number. Those of running processes stay.
pub fn remove_temporaries(folder: &Path) -> Result<usize, FsError> {
    let mut removed = 0;
    for path in temporaries(folder)? {
        let file = match OpenOptions::new().write(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file.map_err(FsError::io("open", &path))?,
        };
        match file.try_lock() {
            Ok(()) => {
                fs::remove_file(&path).map_err(FsError::io("remove", &path))?;
                removed += 1;
            }
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {}
        }
    }
    Ok(removed)
}

/// Returns the temporary files of a folder, which may be missing.
pub fn temporaries(folder: &Path) -> Result<Vec<PathBuf>, FsError> {
    let entries = match read_dir_sorted(folder) {
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        entries => entries?,
    };
    let unfinished = |entry: &DirEntry| {
        let name = entry.name.to_string_lossy();
        name.starts_with(TEMPORARY_PREFIX) && entry.kind == FileKind::File
    };
    Ok(entries.into_iter().filter(unfinished).map(|entry| entry.path).collect())
}

/// A file that only grows.
#[derive(Debug)]
pub struct AppendFile {
    file: File,
    path: PathBuf,
    len: u64,
}

impl AppendFile {
    /// Opens a file for appending, creating it if missing.
    pub fn open(path: &Path) -> Result<Self, FsError> {
        // Checked first, because opening a named pipe waits for its reader.
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

    /// Appends bytes; on failure the file is cut back to its previous length.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), FsError> {
        if let Err(source) = self.file.write_all(bytes) {
            // If that fails, too, a partial line is left, which readers of logs detect.
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

    /// Returns whether the file is empty.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Syncs all appended bytes to the disk.
    pub fn sync(&self) -> Result<(), FsError> {
        self.file.sync_data().map_err(FsError::io("sync", &self.path))
    }

    fn cut(&mut self, len: u64) -> Result<(), FsError> {
        self.file.set_len(len).map_err(FsError::io("truncate", &self.path))?;
        self.len = len;
        Ok(())
    }
}

/// Returns the parent folder of a path, `.` for a bare name.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Syncs the entries of a folder.
pub fn sync_folder(path: &Path) -> Result<(), FsError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(FsError::io("sync folder", path))
}
