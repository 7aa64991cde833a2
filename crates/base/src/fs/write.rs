//! Writing: whole files atomically, logs by appending.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{CREATE_FOLDER, FileKind, FsError, read_dir_sorted};

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
    let temporary = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .permissions(Permissions::from_mode(FILE_MODE))
        .tempfile_in(folder)
        .map_err(FsError::io("create a temporary file for", path))?;
    let mut buffered = BufWriter::new(temporary);
    write(&mut buffered).map_err(FsError::io("write", path))?;
    let temporary =
        buffered.into_inner().map_err(|error| FsError::io("write", path)(error.into_error()))?;
    temporary.as_file().sync_all().map_err(FsError::io("sync", path))?;
    temporary.persist(path).map_err(|error| FsError::io("replace", path)(error.error))?;
    sync_folder(folder)
}

/// Creates a folder and its parents if missing.
pub fn create_dir_all(path: &Path) -> Result<(), FsError> {
    fs::create_dir_all(path).map_err(FsError::io(CREATE_FOLDER, path))
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

/// Removes the temporary files that killed processes left in a folder; returns their number.
///
/// The caller must hold a [`Lock`](super::Lock) for the folder.
pub fn remove_temporaries(folder: &Path) -> Result<usize, FsError> {
    let mut removed = 0;
    for entry in read_dir_sorted(folder)? {
        let unfinished = entry.name.to_string_lossy().starts_with(TEMPORARY_PREFIX);
        if unfinished && entry.kind == FileKind::File {
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

fn sync_folder(path: &Path) -> Result<(), FsError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(FsError::io("sync folder", path))
}
