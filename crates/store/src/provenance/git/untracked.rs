//! Which untracked files belong to the tree of a run: code that was not committed yet, but no data, nothing
//! that looks like a secret, and not too much.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::store::record::LeftOutFiles;
use reprise_base::fs::{self, FsError, PathNode};

/// Larger untracked files are left out.
const FILE_BYTES_MAX: u64 = 10 << 20;

/// Limit on all untracked files together; what exceeds it is left out.
const BYTES_MAX: u64 = 100 << 20;

/// Limit on the number of untracked files; what exceeds it is left out.
const FILES_MAX: usize = 256;

/// Files left out that are named; all are counted.
const NAMED_MAX: usize = 20;

/// How the names of files with secrets begin or end, in lower case.
const SECRET_STARTS: [&str; 8] =
    [".env", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", ".npmrc", "credentials"];
const SECRET_ENDS: [&str; 6] = [".pem", ".key", ".p12", ".pfx", ".keystore", ".kdbx"];

/// Untracked files, divided.
#[derive(Debug, Default)]
pub(super) struct UntrackedFiles {
    /// Those of the tree, with what they are, sorted.
    pub(super) kept: Vec<(PathBuf, Option<PathNode>)>,
    left_out: Vec<(PathBuf, u64)>,
    /// Those left out because of their names.
    secrets: Vec<PathBuf>,
}

/// Divides untracked paths, relative to `workdir`. Nothing below the folders in `excluded` is kept.
pub(super) fn divide(
    workdir: &Path,
    mut paths: Vec<PathBuf>,
    excluded: &[PathBuf],
) -> Result<UntrackedFiles, FsError> {
    let mut siblings: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for path in &paths {
        *siblings.entry(parent(path)).or_default() += 1;
    }
    // Code is in folders with few new files, data in folders with many.
    paths.sort_by_cached_key(|path| (siblings[&parent(path)], path.clone()));
    let mut files = UntrackedFiles::default();
    let mut budget = BYTES_MAX;
    for path in paths {
        let full = workdir.join(&path);
        if excluded.iter().any(|folder| full.starts_with(folder)) {
            files.left_out.push((path, 0));
            continue;
        }
        let node = fs::inspect(&full)?;
        let bytes = match &node {
            Some(PathNode::File { bytes, .. }) => *bytes,
            _ => 0,
        };
        if is_secret(&path) {
            files.secrets.push(path.clone());
            files.left_out.push((path, bytes));
        } else if bytes > FILE_BYTES_MAX.min(budget) || files.kept.len() == FILES_MAX {
            files.left_out.push((path, bytes));
        } else {
            budget -= bytes;
            files.kept.push((path, node));
        }
    }
    files.kept.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(files)
}

impl UntrackedFiles {
    /// Leaves out a file whose content cannot be stored.
    pub(super) fn leave_out(&mut self, path: PathBuf) {
        self.left_out.push((path, 0));
    }

    /// Returns the names of the first files left out, secrets first, and the count of all.
    pub(super) fn record(mut self) -> (Vec<String>, Option<LeftOutFiles>) {
        self.left_out.sort();
        self.secrets.sort();
        let name = |path: &PathBuf| path.to_string_lossy().into_owned();
        let others = self.left_out.iter().map(|(path, _)| path);
        let others = others.filter(|path| !self.secrets.contains(path));
        let named = self.secrets.iter().chain(others).take(NAMED_MAX).map(name).collect();
        let list: String = self.left_out.iter().map(|(path, _)| name(path) + "\n").collect();
        let all = LeftOutFiles {
            files: self.left_out.len() as u64,
            bytes: self.left_out.iter().map(|(_, bytes)| bytes).sum(),
            paths_sha256: fs::sha256_hex(list.as_bytes()),
        };
        (named, (all.files > NAMED_MAX as u64).then_some(all))
    }
}

fn parent(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}

fn is_secret(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase());
    name.is_some_and(|name| {
        SECRET_STARTS.iter().any(|start| name.starts_with(start))
            || SECRET_ENDS.iter().any(|end| name.ends_with(end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_data_and_masses_of_files_are_left_out_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let mut paths: Vec<PathBuf> =
            (0..300).map(|i| format!("frames/{i:03}.png").into()).collect();
        paths.extend(["new.py", ".env.local", "keys/server.PEM", "data/a.npy"].map(PathBuf::from));
        for path in &paths {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write_atomic(&path, b"four").unwrap();
        }
        let excluded = [folder.path().join("data")];
        let files = divide(folder.path(), paths, &excluded).unwrap();
        assert_eq!(files.kept.len(), FILES_MAX);
        assert!(files.kept.iter().any(|(path, _)| path == Path::new("new.py")));
        let (named, all) = files.record();
        assert_eq!(named[..3], [".env.local", "keys/server.PEM", "data/a.npy"]);
        let LeftOutFiles { files, bytes, paths_sha256 } = all.unwrap();
        assert_eq!((named.len(), files, paths_sha256.len()), (NAMED_MAX, 304 - 256, 64));
        assert_eq!(bytes, 4 * 47, "the content of excluded folders is not looked at");
    }

    #[test]
    fn large_files_are_left_out_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let large = vec![0; 1 + usize::try_from(FILE_BYTES_MAX).unwrap()];
        fs::write_atomic(&folder.path().join("large"), &large).unwrap();
        let files = divide(folder.path(), vec!["large".into()], &[]).unwrap();
        assert_eq!(files.record(), (vec!["large".to_owned()], None));
    }
}
