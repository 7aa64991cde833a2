//! The content of a folder of data without side files: files that an operating system, an archive or
//! a download leaves beside the data.

use std::{collections::BTreeMap, path::Path};

use reprise_base::{
    fs::{self, DirEntry, FsError},
    text::count,
};

/// Names of side files and folders, in lower case.
const NAMES: [&str; 8] = [
    "thumbs.db",
    "local.db", // the index that MoCoGAN writes beside its strips
    "desktop.ini",
    "__macosx",
    "@eadir",
    "lost+found",
    "$recycle.bin",
    "system volume information",
];

/// Extensions of side files, in lower case: digests, and what an interrupted download leaves.
const EXTENSIONS: [&str; 8] =
    ["md5", "sha1", "sha256", "part", "partial", "crdownload", "tmp", "aria2"];

/// The side files that were skipped, counted by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SideFiles(BTreeMap<String, u64>);

impl SideFiles {
    /// Adds those of another folder.
    pub(super) fn extend(&mut self, others: Self) {
        for (kind, count) in others.0 {
            *self.0.entry(kind).or_default() += count;
        }
    }

    /// Returns one line about all of them, or nothing if there are none.
    pub(super) fn text(&self) -> Option<String> {
        let total = self.0.values().sum::<u64>();
        let kinds: Vec<_> =
            self.0.iter().map(|(kind, count)| format!("{kind} ({count})")).collect();
        (total > 0).then(|| format!("skipped {}: {}", count(total, "side file"), kinds.join(", ")))
    }
}

/// Returns the entries of a folder in the order of their names. Side files are only counted.
pub(super) fn list(folder: &Path, skipped: &mut SideFiles) -> Result<Vec<DirEntry>, FsError> {
    let mut entries = fs::read_dir_sorted(folder)?;
    entries.retain(|entry| match side_file(&entry.name.to_string_lossy()) {
        Some(kind) => {
            *skipped.0.entry(kind).or_default() += 1;
            false
        }
        None => true,
    });
    Ok(entries)
}

/// Returns the kind of a side file, or nothing if a file with this name can be data.
fn side_file(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    if lower.starts_with("._") {
        return Some("._*".to_owned());
    }
    if lower == ".ds_store" || NAMES.contains(&lower.as_str()) {
        return Some(name.to_owned());
    }
    if lower.starts_with('.') {
        return Some(".*".to_owned());
    }
    let extension = lower.rsplit_once('.').map(|(_, extension)| extension)?;
    EXTENSIONS.contains(&extension).then(|| format!("*.{extension}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn side_files_are_skipped_and_counted_by_kind() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            ".DS_Store",
            "._0.png",
            "._1.png",
            ".git",
            "0.png",
            "Thumbs.db",
            "a.MD5",
            "b.part",
            "desktop.ini",
        ];
        for name in names {
            fs::write_atomic(&folder.path().join(name), b"").unwrap();
        }
        let mut skipped = SideFiles::default();
        let listed = list(folder.path(), &mut skipped).unwrap();
        assert_eq!(listed.iter().map(|entry| &entry.name).collect::<Vec<_>>(), ["0.png"]);
        insta::assert_snapshot!(skipped.text().unwrap());
        assert_eq!(SideFiles::default().text(), None);
    }
}
