//! Advisory locks that die with the process that holds them.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
    thread,
    time::Duration,
};

use super::FsError;

/// How often [`try_lock`] asks: [`is_locked`] holds a shared lock for an instant.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(3);

/// An exclusive lock; released when dropped or when the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Locks a file, which is created where missing; returns nothing if somebody else holds it.
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

/// Locks a file, which is created where missing, waiting for whoever holds it.
pub fn lock(path: &Path) -> Result<Lock, FsError> {
    let file = open(path)?;
    file.lock().map_err(FsError::io("lock", path))?;
    Ok(Lock { _file: file })
}

/// Returns whether a living process holds the lock of a file, without taking it away from anybody.
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
