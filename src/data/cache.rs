//! Packs in the cache: used while they are whole and current, made again otherwise.
//!
//! Every pack has a folder of its own, so that whoever holds its lock may tidy the folder up.

use std::{
    io::{self, Write},
    path::{self, Path, PathBuf},
};

use super::{Progress, Watch, error::DataError, pack::Pack};
use crate::{fs, text::error_chain};

/// Why a pack could not be written: the data it is made from, or the file it goes to.
pub(super) enum WriteError {
    Data(DataError),
    Io(io::Error),
}

impl From<DataError> for WriteError {
    fn from(error: DataError) -> Self {
        Self::Data(error)
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Writes a file atomically from data that may turn out to be broken; then nothing is written.
pub(super) fn write_with(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), WriteError>,
) -> Result<(), DataError> {
    let mut broken = None;
    let written = fs::write_atomic_with(path, |out| {
        write(out).map_err(|error| match error {
            WriteError::Io(error) => error,
            WriteError::Data(error) => {
                broken = Some(error);
                io::Error::other("the data are broken")
            }
        })
    });
    match broken {
        Some(error) => Err(error),
        None => Ok(written?),
    }
}

/// Reads what would be written, and refuses what would be refused, but writes nothing.
pub(super) fn rehearse(
    write: impl FnOnce(&mut dyn Write) -> Result<(), WriteError>,
) -> Result<(), DataError> {
    match write(&mut io::sink()) {
        Err(WriteError::Data(error)) => Err(error),
        Ok(()) | Err(WriteError::Io(_)) => Ok(()), // a sink takes everything
    }
}

/// Returns the folder for the pack of what lies at `source`: its name holds a digest of that path and of
/// `settings`, what else the pack is made from. They begin with a zero byte, which no path contains.
pub(super) fn folder(cache: &Path, name: &str, source: &Path, settings: &[u8]) -> PathBuf {
    let absolute = path::absolute(source).unwrap_or_else(|_| source.to_owned());
    let key = [absolute.as_os_str().as_encoded_bytes(), settings].concat();
    cache.join(format!("{name}-{}", &fs::sha256_hex(&key)[..16]))
}

/// Says in what a whole pack is not current, if in anything.
type Outdated<'a> = &'a dyn Fn(&Pack) -> Result<Option<String>, DataError>;

/// Writes the bytes of a pack.
type Produce<'a> = &'a dyn Fn(&mut dyn Write, Watch<'_>) -> Result<(), WriteError>;

/// What stands at a pack's path.
enum Found {
    Nothing,
    Usable(Box<Pack>),
    Unusable { why: String },
}

/// Name of a pack in its folder.
pub(super) const PACK_FILE: &str = "data.pack";

/// Name of the lock that stands beside a pack.
const LOCK_FILE: &str = "data.lock";

/// Returns the pack in `folder`, made or made again where necessary; one process makes it, others wait.
pub(super) fn load_or_make(
    folder: &Path,
    outdated: Outdated<'_>,
    write: Produce<'_>,
    progress: Watch<'_>,
) -> Result<Pack, DataError> {
    let path = folder.join(PACK_FILE);
    if let Found::Usable(pack) = look(&path, outdated, progress)? {
        return Ok(*pack);
    }
    fs::create_dir_all(folder)?;
    let lock_path = folder.join(LOCK_FILE);
    let lock = if let Some(lock) = fs::try_lock(&lock_path)? {
        lock
    } else {
        progress(Progress::Waiting);
        fs::lock(&lock_path)?
    };
    let mut warnings = Vec::new();
    match look(&path, outdated, progress)? {
        Found::Usable(pack) => return Ok(*pack), // made while this process waited
        Found::Nothing => {}
        Found::Unusable { why } => warnings.push(format!("the pack was made again: {why}")),
    }
    fs::remove_temporaries(folder)?;
    write_with(&path, |out| write(out, progress))?;
    drop(lock);
    Ok(Pack::load(&path, progress)?.with_warnings(warnings))
}

fn look(path: &Path, outdated: Outdated<'_>, progress: Watch<'_>) -> Result<Found, DataError> {
    if fs::kind(path)?.is_none() {
        return Ok(Found::Nothing);
    }
    let pack = match Pack::load(path, progress) {
        Ok(pack) => pack,
        Err(error @ DataError::BrokenPack { .. }) => {
            return Ok(Found::Unusable { why: error_chain(&error) });
        }
        Err(error) => return Err(error),
    };
    Ok(match outdated(&pack)? {
        None => Found::Usable(Box::new(pack)),
        Some(why) => Found::Unusable { why },
    })
}
