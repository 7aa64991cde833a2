//! Paths of caches and sweep files.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::Failure;
use reprise_base::{
    config::sweep::{SOURCE_BYTES_MAX, SweepSource},
    fs::{self, FileKind},
};

/// Folder of sweep files.
const EXPERIMENTS: &str = "experiments";

/// Returns the folder of packs: `packs` in the cache.
pub fn packs() -> Result<PathBuf, Failure> {
    Ok(cache()?.join("packs"))
}

/// Returns the cache: `$REPRISE_CACHE`, by default `reprise` in the user's caches.
pub fn cache() -> Result<PathBuf, Failure> {
    let folder = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("REPRISE_CACHE")
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("reprise")))
        .or_else(|| Some(folder("HOME")?.join(".cache/reprise")))
        .ok_or(Failure::NoCache)
}

/// Returns the nearest existing path at or above a path.
pub fn existing(path: &Path) -> PathBuf {
    let exists = |path: &&Path| matches!(fs::kind(path), Ok(Some(_)));
    let nearest = path.ancestors().find(exists).filter(|path| !path.as_os_str().is_empty());
    nearest.unwrap_or(Path::new(".")).to_owned()
}

/// Reads a sweep file: a path if the argument contains `/` or ends in `.toml`, otherwise
/// `experiments/NAME.toml` in the working folder or the nearest folder above it.
pub fn sweep_source(argument: &str) -> Result<SweepSource, Failure> {
    let is_path = argument.contains('/')
        || Path::new(argument).extension().is_some_and(|extension| extension == "toml");
    let path = if is_path { PathBuf::from(argument) } else { named_sweep(argument)? };
    let bytes = fs::read(&path, SOURCE_BYTES_MAX as u64).map_err(Failure::SweepFile)?;
    Ok(SweepSource::from_bytes(&path, bytes)?)
}

fn named_sweep(name: &str) -> Result<PathBuf, Failure> {
    let searched = sweep_folders()?;
    for folder in &searched {
        let path = folder.join(format!("{name}.toml"));
        if fs::kind(&path)?.is_some() {
            return Ok(path);
        }
    }
    Err(Failure::UnknownSweep { name: name.to_owned(), searched, known: sweep_names()? })
}

/// Returns the names of all sweep files, those of the nearest folder first.
pub fn sweep_names() -> Result<Vec<String>, Failure> {
    let stem = |entry: &fs::DirEntry| Some(entry.name.to_str()?.strip_suffix(".toml")?.to_owned());
    let mut names = Vec::new();
    for folder in sweep_folders()? {
        names.extend(fs::read_dir_sorted(&folder)?.iter().filter_map(stem));
    }
    Ok(names)
}

/// Returns the folders of sweep files in the working directory and above it, the nearest first.
fn sweep_folders() -> Result<Vec<PathBuf>, Failure> {
    let here = env::current_dir().unwrap_or_default();
    let mut folders = Vec::new();
    for (depth, _) in here.ancestors().enumerate() {
        let folder: PathBuf = [".."].repeat(depth).iter().collect::<PathBuf>().join(EXPERIMENTS);
        if fs::kind(&folder)? == Some(FileKind::Dir) {
            folders.push(folder);
        }
    }
    Ok(folders)
}
