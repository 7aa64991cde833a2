//! Packs in the cache: made when they are missing, damaged or older than their sources.
//!
//! Every pack has a folder of its own, so that the holder of its lock may remove what an interrupted
//! process left there.

use std::{
    io::{self, Write},
    path::{self, Path, PathBuf},
};

use serde::Serialize;

use super::{
    error::DataError,
    pack::{Description, Pack, PackBytes, PackError},
    progress::{Progress, Watch},
};
use reprise_base::{fs, text::error_chain};

/// Why a pack could not be written: the data that it is made from, or its file.
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

/// Writes a file atomically. If its data turn out to be damaged, nothing is written.
pub(super) fn write_with(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), WriteError>,
) -> Result<(), DataError> {
    let mut data_error = None;
    let written = fs::write_atomic_with(path, |out| {
        write(out).map_err(|error| match error {
            WriteError::Io(error) => error,
            WriteError::Data(error) => {
                data_error = Some(error);
                io::Error::other("the data set is damaged")
            }
        })
    });
    match data_error {
        Some(error) => Err(error),
        None => Ok(written?),
    }
}

/// Does all that writing does, except keeping the bytes.
pub(super) fn write_to_nothing(
    write: impl FnOnce(&mut dyn Write) -> Result<(), WriteError>,
) -> Result<(), DataError> {
    match write(&mut io::sink()) {
        Err(WriteError::Data(error)) => Err(error),
        Ok(()) | Err(WriteError::Io(_)) => Ok(()), // a sink never fails
    }
}

/// What packs in the cache hold. It is part of the names of their folders, so raising it makes every
/// pack again.
pub(super) const CONTENT: u8 = 3;

/// Returns the folder for the pack of the files at `source`: its name ends in a digest of that path and
/// of everything else that decides the pack's content, which [`settings`] encodes.
pub(super) fn folder(cache: &Path, name: &str, source: &Path, settings: &[u8]) -> PathBuf {
    let absolute = path::absolute(source).unwrap_or_else(|_| source.to_owned());
    keyed(cache, name, &[absolute.as_os_str().as_encoded_bytes(), settings, &[CONTENT]].concat())
}

/// Returns the folder of a pack that is drawn by this program: `<name>-<16 hex digits>`. The digits are
/// those of `content`, the digest of what it is drawn from, and of the settings.
pub(super) fn drawn_folder(cache: &Path, name: &str, content: &str, settings: &[u8]) -> PathBuf {
    keyed(cache, name, &[content.as_bytes(), settings].concat())
}

fn keyed(cache: &Path, name: &str, key: &[u8]) -> PathBuf {
    cache.join(format!("{name}-{}", &fs::sha256_hex(key)[..16]))
}

/// Returns the JSON form of settings after a zero byte, which no path contains.
pub(super) fn settings(values: &impl Serialize) -> Vec<u8> {
    let json = serde_json::to_vec(values).expect("settings have a JSON form");
    [&[0], &json[..]].concat()
}

/// Returns why an intact pack is out of date, if it is.
type Outdated<'a> = &'a dyn Fn(&Pack) -> Result<Option<String>, DataError>;

/// Writes the bytes of a pack.
type Encode<'a> = &'a dyn Fn(&mut dyn Write, Watch<'_>) -> Result<(), WriteError>;

enum Cached {
    Missing,
    Usable(Box<Pack>),
    Unusable { why: String },
}

/// Name of a pack in its folder.
pub(super) const PACK_FILE: &str = "data.pack";

/// Name of a pack's lock in the same folder.
const LOCK_FILE: &str = "data.lock";

/// Returns the pack in `folder`, which is made first where necessary. One process makes it, others
/// wait.
pub(super) fn load_or_make(
    folder: &Path,
    description: &Description,
    outdated: Outdated<'_>,
    encode: Encode<'_>,
    progress: Watch<'_>,
) -> Result<Pack, DataError> {
    let path = folder.join(PACK_FILE);
    if let Cached::Usable(pack) = look_up(&path, description, outdated, progress)? {
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
    match look_up(&path, description, outdated, progress)? {
        Cached::Usable(pack) => return Ok(*pack), // made while this process waited
        Cached::Missing => {}
        Cached::Unusable { why } => warnings.push(format!("the pack was created again: {why}")),
    }
    fs::remove_temporaries(folder)?;
    write_with(&path, |out| encode(out, progress))?;
    drop(lock);
    let made = load(&path, description, progress)?;
    let pack = made.map_err(|source| DataError::BrokenPack { path, source })?;
    Ok(pack.with_warnings(warnings))
}

fn load(
    path: &Path,
    description: &Description,
    progress: Watch<'_>,
) -> Result<Result<Pack, PackError>, DataError> {
    let bytes = PackBytes::Mapped(fs::map(path)?);
    Ok(Pack::new(bytes, description.clone(), progress))
}

fn look_up(
    path: &Path,
    description: &Description,
    outdated: Outdated<'_>,
    progress: Watch<'_>,
) -> Result<Cached, DataError> {
    if fs::kind(path)?.is_none() {
        return Ok(Cached::Missing);
    }
    let why = match load(path, description, progress)? {
        Ok(pack) => match outdated(&pack)? {
            None => return Ok(Cached::Usable(Box::new(pack))),
            Some(why) => why,
        },
        Err(error) => {
            format!("failed to use pack `{}`: {}", path.display(), error_chain(&error))
        }
    };
    Ok(Cached::Unusable { why })
}
