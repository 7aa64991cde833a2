//! Detecting changes of a file without reading it.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use super::FsError;

/// Metadata of a file; if two stamps are equal, the file was not written in between.
///
/// A writer can reset the modification time, but not the change time of the inode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Length in bytes.
    pub bytes: u64,
    /// Modification time in nanoseconds since 1970.
    pub modified_ns: i64,
    /// Time of the last change of content or attributes, in nanoseconds since 1970.
    pub changed_ns: i64,
    pub inode: u64,
}

/// Returns the stamp of a file, with symlinks followed.
pub fn stamp(path: &Path) -> Result<Stamp, FsError> {
    let metadata = fs::metadata(path).map_err(FsError::io("inspect", path))?;
    let nanoseconds = |seconds: i64, rest: i64| seconds.wrapping_mul(1_000_000_000) + rest;
    Ok(Stamp {
        bytes: metadata.len(),
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
    })
}
