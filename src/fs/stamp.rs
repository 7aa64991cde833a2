//! Telling whether a file was touched without reading it.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use super::FsError;

/// What the file system says about a file; two equal stamps mean that nobody wrote to it.
///
/// A writer can set the modification time back, but not the time of the last change of the inode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Length in bytes.
    pub bytes: u64,
    /// Modification time in nanoseconds since 1970.
    pub modified_ns: i64,
    /// Time of the last change of content or attributes, in nanoseconds since 1970.
    pub changed_ns: i64,
    /// Number of the inode.
    pub inode: u64,
}

/// Returns the stamp of whatever stands at a path, symlinks followed.
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
