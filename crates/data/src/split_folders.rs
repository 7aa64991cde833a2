//! The folder of each split, under any of its usual names.

use std::path::{Path, PathBuf};

use super::error::DataError;
use reprise_base::{config::data::Split, fs};

/// Returns the names that people give to the folder of a split, the usual one first.
const fn names(split: Split) -> &'static [&'static str] {
    match split {
        Split::Train => &["train", "training"],
        Split::Validate => &["validate", "validation", "valid", "val"],
        Split::Test => &["test", "testing"],
    }
}

/// Returns the name of the folder of a split in `root`, or nothing if there is none.
///
/// # Errors
/// If two folders have names of the split.
pub(super) fn find(root: &Path, split: Split) -> Result<Option<&'static str>, DataError> {
    find_named(root, split, names(split))
}

/// Returns which of the `names` the folder of a split in `root` has, as [`find`] does.
pub(super) fn find_named(
    root: &Path,
    split: Split,
    names: &[&'static str],
) -> Result<Option<&'static str>, DataError> {
    let mut found = None;
    for &name in names {
        if fs::kind(&root.join(name))?.is_none() {
            continue;
        }
        if let Some(first) = found.replace(name) {
            let [first, second]: [PathBuf; 2] = [root.join(first), root.join(name)];
            return Err(DataError::TwoFoldersOfSplit { split, first, second });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_has_one_folder_under_any_usual_name() {
        let root = tempfile::tempdir().unwrap();
        let make = |name: &str| fs::create_dir_all(&root.path().join(name)).unwrap();
        assert_eq!(find(root.path(), Split::Validate).unwrap(), None);
        make("val");
        assert_eq!(find(root.path(), Split::Validate).unwrap(), Some("val"));
        assert_eq!(find(root.path(), Split::Train).unwrap(), None);
        make("validation");
        let error = find(root.path(), Split::Validate).unwrap_err().to_string();
        assert!(error.contains("`validate`") && error.contains("val`"), "{error}");
    }
}
