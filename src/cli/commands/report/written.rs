//! The files of a report on disk, and what they were made from.
//!
//! A report's folder has a list in the form of `sha256sum`, `files.sha256`. It is written last and names the digest of
//! the inputs, so a report that is incomplete, edited or made from other records is not taken for the current one.

use std::{
    collections::{BTreeMap, BTreeSet},
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
            // A list of another origin may name anything, and what it names may be removed.
            let path = Some(PathBuf::from(path)).filter(|path| fs::is_inside(path))?;
            Some((path, digest.to_owned()))
        };
        Some(Self { inputs, files: lines.lines().map(file).collect::<Option<_>>()? })
    }

    /// Returns the folders of the files below `root`, which is one of them.
    fn folders(&self, root: &Path) -> BTreeSet<PathBuf> {
        let parent = |path: &PathBuf| root.join(path).parent().map(Path::to_owned);
        self.files.keys().filter_map(parent).chain([root.to_owned()]).collect()
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
    let digest = |(path, bytes): (&PathBuf, &Vec<u8>)| (path.clone(), fs::sha256_hex(bytes));
    let list = WrittenList { inputs: inputs.to_owned(), files: files.iter().map(digest).collect() };
    // Named before they are written, so that they are found again if this process is killed.
    let mut all = before.files;
    all.extend(list.files.clone());
    let unfinished = WrittenList { inputs: String::new(), files: all };
    let write_list =
        |list: &WrittenList| fs::write_atomic(&folder.join(LIST), list.text().as_bytes());
    write_list(&unfinished)?;
    for folder in unfinished.folders(folder) {
        fs::remove_temporaries(&folder)?;
    }
    for (path, bytes) in files {
        let at = folder.join(path);
        fs::create_dir_all(at.parent().unwrap_or(folder))?;
        fs::write_atomic(&at, bytes)?;
    }
    for path in unfinished.files.keys().filter(|path| !files.contains_key(*path)) {
        fs::remove_file(&folder.join(path))?;
    }
    write_list(&list)?;
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
        let outside = folder.path().join("mine.txt");
        fs::write_atomic(&outside, b"mine").unwrap();
        fs::write_atomic(&at.join(LIST), b"# inputs a\n00  ../mine.txt\n").unwrap();
        write(&at, "a", &files(&["report.md"])).unwrap();
        assert!(fs::kind(&outside).unwrap().is_some(), "a list reaches no other folder");
    }

    #[test]
    fn what_a_killed_process_wrote_is_removed_with_an_arm() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("tiny");
        write(&at, "a", &files(&["report.md"])).unwrap();
        // Killed after its first file, and while it wrote a second one.
        let planned = files(&["figures/dropped.svg", "report.md"]);
        let list = WrittenList {
            inputs: String::new(),
            files: planned.keys().map(|path| (path.clone(), "0".repeat(64))).collect(),
        };
        fs::write_atomic(&at.join(LIST), list.text().as_bytes()).unwrap();
        fs::create_dir_all(&at.join("figures")).unwrap();
        fs::write_atomic(&at.join("figures/dropped.svg"), b"new").unwrap();
        fs::write_atomic(&at.join("figures/.unfinished-x"), b"half").unwrap();
        assert!(!is_current(&at, "").unwrap(), "the list names what is not there");
        write(&at, "b", &files(&["report.md"])).unwrap();
        assert!(fs::read_dir_sorted(&at.join("figures")).unwrap().is_empty());
        assert!(is_current(&at, "b").unwrap());
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
