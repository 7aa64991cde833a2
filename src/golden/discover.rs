//! Finding the cases below a folder.

use std::path::{Path, PathBuf};

use super::glob::matches_glob;
use crate::fs::{self, FileKind, FsError};

/// A folder that should hold a case; it may be unreadable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CaseDir {
    /// Name of the folder above the case.
    pub system: String,
    /// Name of the case's folder.
    pub case: String,
    pub path: PathBuf,
}

/// Which cases to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Pattern for the system.
    pub system: String,
    /// Pattern for the case.
    pub case: String,
}

impl Filter {
    /// Returns the filter that every case passes.
    pub fn all() -> Self {
        Self { system: "*".to_owned(), case: "*".to_owned() }
    }

    fn passes(&self, dir: &CaseDir) -> bool {
        matches_glob(&self.system, &dir.system) && matches_glob(&self.case, &dir.case)
    }
}

/// Lists the folders `root/<system>/<case>` that pass the filter, sorted by system and case.
///
/// A folder without a `case.toml` is listed, too, so that it is reported. Files, folders whose names
/// begin with a dot, and the `__pycache__` of the programs in `golden/generate` are not listed.
pub fn discover(root: &Path, filter: &Filter) -> Result<Vec<CaseDir>, FsError> {
    let mut found = Vec::new();
    for system in folders(root)? {
        for case in folders(&system.path)? {
            let dir = CaseDir { system: system.name.clone(), case: case.name, path: case.path };
            if filter.passes(&dir) {
                found.push(dir);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

struct Folder {
    name: String,
    path: PathBuf,
}

fn folders(path: &Path) -> Result<Vec<Folder>, FsError> {
    let entries =
        fs::read_dir_sorted(path)?.into_iter().filter(|entry| entry.kind == FileKind::Dir);
    Ok(entries
        .map(|entry| Folder { name: entry.name.to_string_lossy().into_owned(), path: entry.path })
        .filter(|folder| !folder.name.starts_with('.') && folder.name != "__pycache__")
        .collect())
}
