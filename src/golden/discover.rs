//! The cases below a folder.

use std::path::{Path, PathBuf};

use super::glob;
use crate::fs::{self, FileKind, FsError};

/// Where a case should be; whether it can be read is another question.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CaseDir {
    /// Name of the folder above the case.
    pub system: String,
    /// Name of the case's folder.
    pub case: String,
    /// The case's folder.
    pub path: PathBuf,
}

/// Which cases are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Pattern for the system.
    pub system: String,
    /// Pattern for the case.
    pub case: String,
}

impl Filter {
    /// Returns the filter that lets every case pass.
    pub fn all() -> Self {
        Self { system: "*".to_owned(), case: "*".to_owned() }
    }

    fn passes(&self, dir: &CaseDir) -> bool {
        glob::matches(&self.system, &dir.system) && glob::matches(&self.case, &dir.case)
    }
}

/// Lists the folders `root/<system>/<case>` that pass the filter, sorted by system and case.
///
/// A folder without a `case.toml` is listed too, so that it is reported and not overlooked. Files are
/// not, nor are folders whose names begin with a dot, nor `__pycache__`, which Python leaves beside the
/// programs of `golden/generate`.
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
