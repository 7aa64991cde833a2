//! Where things are: caches, sweep files, the folders of a command.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::Failure;
use crate::{
    config::sweep::{SOURCE_BYTES_MAX, SweepSource},
    fs::{self, FileKind},
};

/// Folder of sweep files.
const EXPERIMENTS: &str = "experiments";

/// Returns the folder of packs: `$REPRISE_CACHE/packs`, by default below the user's caches.
pub fn packs() -> Result<PathBuf, Failure> {
    Ok(cache()?.join("packs"))
}

/// Returns the folder of everything that can be made again.
pub fn cache() -> Result<PathBuf, Failure> {
    let folder = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("REPRISE_CACHE")
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("reprise")))
        .or_else(|| Some(folder("HOME")?.join(".cache/reprise")))
        .ok_or(Failure::NoCache)
}

/// Returns the nearest folder at or above a path that exists, to ask for free space.
pub fn existing(path: &Path) -> PathBuf {
    let exists = |path: &&Path| matches!(fs::kind(path), Ok(Some(_)));
    let nearest = path.ancestors().find(exists).filter(|path| !path.as_os_str().is_empty());
    nearest.unwrap_or(Path::new(".")).to_owned()
}

/// Reads a sweep file: a path if the argument looks like one, otherwise `experiments/NAME.toml` in
/// the working directory or the nearest folder above it.
pub fn sweep_source(argument: &str) -> Result<SweepSource, Failure> {
    let is_path = argument.contains('/')
        || Path::new(argument).extension().is_some_and(|extension| extension == "toml");
    let path = if is_path { PathBuf::from(argument) } else { named_sweep(argument)? };
    let bytes = fs::read(&path, SOURCE_BYTES_MAX as u64).map_err(Failure::SweepFile)?;
    Ok(SweepSource::from_bytes(&path, bytes)?)
}

fn named_sweep(name: &str) -> Result<PathBuf, Failure> {
    let mut searched = Vec::new();
    let mut known = Vec::new();
    let here = env::current_dir().unwrap_or_default();
    for (depth, _) in here.ancestors().enumerate() {
        let folder: PathBuf = [".."].repeat(depth).iter().collect::<PathBuf>().join(EXPERIMENTS);
        if fs::kind(&folder)? != Some(FileKind::Dir) {
            continue;
        }
        let path = folder.join(format!("{name}.toml"));
        if fs::kind(&path)?.is_some() {
            return Ok(path);
        }
        let entries = fs::read_dir_sorted(&folder)?;
        let stem =
            |entry: &fs::DirEntry| Some(entry.name.to_str()?.strip_suffix(".toml")?.to_owned());
        known.extend(entries.iter().filter_map(stem));
        searched.push(folder);
    }
    Err(Failure::UnknownSweep { name: name.to_owned(), searched, known })
}
