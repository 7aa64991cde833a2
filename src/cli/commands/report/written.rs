//! The files of a report on disk, and what they were made from.
//!
//! A report's folder has a list in the form of `sha256sum`, `files.sha256`. It is written last and names the digest of
//! the inputs, so a report that is incomplete, edited or made from other records is not taken for the current one.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

use crate::cli::Failure;
use reprise_base::fs::{self, FsError};

/// Name of the list.
pub(super) const LIST: &str = "files.sha256";

/// Beside the folders of all reports: one process writes at a time.
const LOCK: &str = ".lock";

/// Start of the line with the digest of the inputs.
const INPUTS: &str = "# inputs ";

/// Limit on the size of a list.
const LIST_BYTES_MAX: u64 = 16 << 20;

/// The list of a folder.
#[derive(Debug, Default, PartialEq, Eq)]
struct WrittenList {
    inputs: String,
    /// Digests by path within the folder.
    files: BTreeMap<PathBuf, String>,
}

impl WrittenList {
    /// Reads the list of a folder; an absent or invalid one is empty.
    fn read(folder: &Path) -> Result<Self, FsError> {
        match fs::read_text(&folder.join(LIST), LIST_BYTES_MAX) {
            Ok(text) => Ok(Self::parse(&text).unwrap_or_default()),
            Err(error) if error.is_not_found() => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (first, lines) = text.split_once('\n')?;
        let inputs = first.strip_prefix(INPUTS)?.to_owned();
        let file = |line: &str| {
            let (digest, path) = line.split_once("  ")?;
            Some((PathBuf::from(path), digest.to_owned()))
        };
        Some(Self { inputs, files: lines.lines().map(file).collect::<Option<_>>()? })
    }

    fn text(&self) -> String {
        let mut text = format!("{INPUTS}{}\n", self.inputs);
        for (path, digest) in &self.files {
            writeln!(text, "{digest}  {}", path.display()).expect("a string can be written");
        }
        text
    }
}

/// Returns whether a folder holds the whole report of these inputs, unchanged.
pub(super) fn is_current(folder: &Path, inputs: &str) -> Result<bool, Failure> {
    let list = WrittenList::read(folder)?;
    if list.inputs != inputs {
        return Ok(false);
    }
    for (path, digest) in &list.files {
        match fs::sha256_file(&folder.join(path)) {
            Ok((found, _)) if found == *digest => {}
            Ok(_) => return Ok(false),
            Err(error) if error.is_not_found() => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

/// Writes the files of a report, then their list, and removes files that only the list before names and what
/// killed processes left.
pub(super) fn write(
    folder: &Path,
    inputs: &str,
    files: &BTreeMap<PathBuf, Vec<u8>>,
) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    let _lock = fs::lock(&folder.with_file_name(LOCK))?;
    let before = WrittenList::read(folder)?;
    let mut list = WrittenList { inputs: inputs.to_owned(), files: BTreeMap::new() };
    for (path, bytes) in files {
        let at = folder.join(path);
        let parent = at.parent().unwrap_or(folder);
        fs::create_dir_all(parent)?;
        fs::remove_temporaries(parent)?;
        fs::write_atomic(&at, bytes)?;
        list.files.insert(path.clone(), fs::sha256_hex(bytes));
    }
    for path in before.files.keys().filter(|path| !files.contains_key(*path)) {
        fs::remove_file(&folder.join(path))?;
    }
    fs::write_atomic(&folder.join(LIST), list.text().as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> BTreeMap<PathBuf, Vec<u8>> {
        names.iter().map(|name| (PathBuf::from(name), name.as_bytes().to_vec())).collect()
    }

    #[test]
    fn only_a_whole_report_of_the_same_inputs_is_current() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("tiny");
        assert!(!is_current(&at, "a").unwrap(), "there is none");
        write(&at, "a", &files(&["report.md", "figures/one.svg"])).unwrap();
        assert!(is_current(&at, "a").unwrap());
        assert!(!is_current(&at, "b").unwrap(), "it was made from other records");
        fs::write_atomic(&at.join("report.md"), b"edited").unwrap();
        assert!(!is_current(&at, "a").unwrap(), "a file was edited");
        write(&at, "a", &files(&["report.md"])).unwrap();
        assert!(is_current(&at, "a").unwrap());
        assert_eq!(
            fs::kind(&at.join("figures/one.svg")).unwrap(),
            None,
            "the report no longer has this file"
        );
        fs::write_atomic(&at.join(LIST), b"# inputs a\nno list\n").unwrap();
        assert!(!is_current(&at, "a").unwrap(), "the list is damaged");
    }

    #[test]
    fn foreign_files_stay_and_unfinished_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("tiny");
        write(&at, "a", &files(&["report.md"])).unwrap();
        fs::write_atomic(&at.join("notes.txt"), b"mine").unwrap();
        fs::write_atomic(&at.join(".unfinished-x"), b"half").unwrap();
        write(&at, "b", &files(&["report.md"])).unwrap();
        assert!(fs::kind(&at.join("notes.txt")).unwrap().is_some());
        assert_eq!(fs::kind(&at.join(".unfinished-x")).unwrap(), None);
    }
}
