//! Advisory locks that are released when their process ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
    thread,
    time::Duration,
};

use super::FsError;

/// Attempts of [`try_lock`], because [`is_locked`] briefly holds a shared lock.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(3);

/// An exclusive lock; released when dropped or when the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Locks a file, creating it if missing; returns `None` if another process holds the lock.
pub fn try_lock(path: &Path) -> Result<Option<Lock>, FsError> {
    let file = open(path)?;
    for attempt in 1..=ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) if attempt < ATTEMPTS => thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => break,
            Err(TryLockError::Error(source)) => return Err(FsError::io("lock", path)(source)),
        }
    }
    Ok(None)
}

/// Locks a file, creating it if missing; waits until the lock is free.
pub fn lock(path: &Path) -> Result<Lock, FsError> {
    let file = open(path)?;
    file.lock().map_err(FsError::io("lock", path))?;
    Ok(Lock { _file: file })
}

/// Returns whether a process holds the lock of a file.
pub fn is_locked(path: &Path) -> Result<bool, FsError> {
    let file = match File::open(path).map_err(FsError::io("open", path)) {
        Err(error) if error.is_not_found() => return Ok(false),
        opened => opened?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(FsError::io("lock", path)(source)),
    }
}

fn open(path: &Path) -> Result<File, FsError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(FsError::io("open", path))
}
