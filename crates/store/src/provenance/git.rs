//! A snapshot of the git working tree around a folder, changed and untracked files included.
//!
//! The tree is written to the repository's object database through an index in memory. The private
//! reference `refs/reprise/trees/<tree id>` protects it from garbage collection. The user's index,
//! branches, files and stash are not touched. Files excluded by `.gitignore` are not part of the
//! tree, nor are data, secrets and masses of untracked files: see [`untracked`].

use std::{
    ffi::{OsStr, c_int},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::Once,
    thread,
    time::Duration,
};

use git2::{
    Commit, DiffFormat, DiffOptions, ErrorCode, Index, IndexEntry, IndexTime, Oid, Repository,
    Signature, Status, StatusOptions, Time, Tree,
};

use self::untracked::UntrackedFiles;
use crate::store::record::GitRecord;
use reprise_base::fs::{self, FsError, PathNode};

mod untracked;

/// Changed paths that a record names; all are counted.
const CHANGED_MAX: usize = 100;

/// Attempts to create a reference that is locked, and the pause between them.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// File modes in git trees.
const MODE_FILE: u32 = 0o100_644;
const MODE_EXECUTABLE: u32 = 0o100_755;
const MODE_SYMLINK: u32 = 0o120_000;
const MODE_REPOSITORY: u32 = 0o160_000;

/// Why a working tree could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// Git refused.
    #[error("failed to {action} git repository `{}`", path.display())]
    Git {
        /// What was attempted, as a verb phrase.
        action: &'static str,
        /// The repository, or the folder where it was looked for.
        path: PathBuf,
        /// The error of git.
        #[source]
        source: git2::Error,
    },
    /// The repository belongs to another user, so git refuses to read it.
    #[error("failed to read git repository `{}`: it belongs to another user", path.display())]
    Untrusted {
        /// The folder where the repository was looked for.
        path: PathBuf,
    },
    /// A file of the working tree could not be read.
    #[error(transparent)]
    Fs(#[from] FsError),
}

impl GitError {
    /// Returns what the user can do about it, if anything.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Untrusted { path } => Some(format!(
                "trust it with `git config --global --add safe.directory {}`, or train without recording \
                 it with `--allow-untrusted-git`",
                path.display()
            )),
            Self::Git { source, .. } if source.code() == ErrorCode::Locked => Some(
                "another git program holds this lock; if none is running, a killed one left the file: remove it"
                    .to_owned(),
            ),
            Self::Git { .. } | Self::Fs(_) => None,
        }
    }

    fn git(action: &'static str, path: &Path) -> impl Fn(git2::Error) -> Self {
        move |source| Self::Git { action, path: path.to_owned(), source }
    }
}

/// A snapshot of a working tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitSnapshot {
    /// For `record.json`.
    pub record: GitRecord,
    /// Difference from the commit in the format of `git diff`; empty if there is none. Binary files
    /// are named without their content, which is in the tree.
    pub patch: Vec<u8>,
}

/// Records the working tree that contains a folder, if there is one. Untracked files below the folders in
/// `excluded` are left out.
///
/// # Errors
/// If git refuses the repository or a file cannot be read.
pub fn git_snapshot(folder: &Path, excluded: &[PathBuf]) -> Result<Option<GitSnapshot>, GitError> {
    discover(folder)?.map(|repository| snapshot(&repository, excluded)).transpose()
}

/// Checks that git trusts the repository that contains a folder, if there is one.
///
/// # Errors
/// If it does not, or if git refuses the repository for another reason.
pub fn check_trust(folder: &Path) -> Result<(), GitError> {
    discover(folder).map(drop)
}

/// Opens the repository that contains a folder, if there is one.
pub(super) fn discover(folder: &Path) -> Result<Option<Repository>, GitError> {
    sync_what_git_writes();
    match Repository::discover(folder) {
        Ok(repository) => Ok(Some(repository)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) if error.code() == ErrorCode::Owner => {
            Err(GitError::Untrusted { path: folder.to_owned() })
        }
        Err(error) => Err(GitError::git("open", folder)(error)),
    }
}

/// Makes libgit2 sync every object and reference before it gets its name. Otherwise, a power cut could leave a record
/// whose tree is lost, and empty objects in the user's repository.
fn sync_what_git_writes() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let on: c_int = 1;
        // SAFETY: the option takes one integer and sets a flag; no other thread has opened a repository yet, since
        // every function here that opens one calls this first.
        #[expect(unsafe_code, reason = "git2 does not expose this option of libgit2")]
        let status = unsafe {
            libgit2_sys::init();
            libgit2_sys::git_libgit2_opts(
                libgit2_sys::GIT_OPT_ENABLE_FSYNC_GITDIR.cast_signed(),
                on,
            )
        };
        debug_assert_eq!(status, 0, "libgit2 knows the option");
    });
}

fn snapshot(repository: &Repository, excluded: &[PathBuf]) -> Result<GitSnapshot, GitError> {
    let path = repository.workdir().unwrap_or_else(|| repository.path());
    let read = GitError::git("read the commit of", path);
    let commit = head_commit(repository).map_err(&read)?;
    let committed = commit.as_ref().map(Commit::tree).transpose().map_err(&read)?;
    let branch = branch(repository).map_err(&read)?;

    let (tree, untracked) = write_tree(repository, committed.as_ref(), excluded)?;
    let (left_out, all_left_out) = untracked.record();
    let tree = repository.find_tree(tree).map_err(GitError::git("write a tree into", path))?;
    let reference =
        keep(repository, &tree, commit.as_ref()).map_err(GitError::git("keep a tree in", path))?;
    // libgit2 syncs objects and references, but not the folders that contain new folders of them.
    for folder in ["objects", "refs", "refs/reprise"] {
        match fs::sync_folder(&repository.commondir().join(folder)) {
            // `git gc` removes the folders of references that it packs.
            Err(error) if error.is_not_found() => {}
            synced => synced?,
        }
    }
    let (mut changed, patch) = changes(repository, committed.as_ref(), &tree)
        .map_err(GitError::git("compare trees of", path))?;
    let changed_more = changed.len().saturating_sub(CHANGED_MAX) as u64;
    changed.truncate(CHANGED_MAX);
    let record = GitRecord {
        commit: commit.map(|commit| commit.id().to_string()),
        branch,
        tree: tree.id().to_string(),
        reference,
        changed,
        changed_more,
        left_out,
        all_left_out,
    };
    Ok(GitSnapshot { record, patch })
}

/// Returns the commit of HEAD, unless the repository has no commits.
fn head_commit(repository: &Repository) -> Result<Option<Commit<'_>>, git2::Error> {
    match repository.head() {
        Ok(head) => head.peel_to_commit().map(Some),
        Err(error) if error.code() == ErrorCode::UnbornBranch => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the checked-out branch, even without commits, unless HEAD is detached.
fn branch(repository: &Repository) -> Result<Option<String>, git2::Error> {
    let head = repository.find_reference("HEAD")?;
    let target = head.symbolic_target()?;
    Ok(target.map(|name| name.strip_prefix("refs/heads/").unwrap_or(name).to_owned()))
}

/// Writes the working tree; returns its id and what was left out of it.
fn write_tree(
    repository: &Repository,
    committed: Option<&Tree<'_>>,
    excluded: &[PathBuf],
) -> Result<(Oid, UntrackedFiles), GitError> {
    let path = repository.workdir().unwrap_or_else(|| repository.path());
    let write = GitError::git("write a tree into", path);
    let mut index = Index::new().map_err(&write)?;
    if let Some(tree) = committed {
        index.read_tree(tree).map_err(&write)?;
    }
    let mut untracked = UntrackedFiles::default();
    if let Some(workdir) = repository.workdir() {
        let changes = status(repository).map_err(GitError::git("list changes of", workdir))?;
        let (gone, present): (Vec<_>, Vec<_>) =
            changes.into_iter().partition(|(_, status)| is_gone(*status));
        // Removals first, since a folder may have replaced a file.
        for (path, _) in gone {
            index.remove_path(&path).map_err(&write)?;
        }
        let (new, tracked): (Vec<_>, Vec<_>) =
            present.into_iter().partition(|(_, status)| status.contains(Status::WT_NEW));
        let new = new.into_iter().map(|(path, _)| path).collect();
        untracked = untracked::divide(workdir, new, excluded)?;
        let mut present = std::mem::take(&mut untracked.kept);
        for (path, _) in tracked {
            let node = fs::inspect(&workdir.join(&path))?;
            present.push((path, node));
        }
        for (path, node) in present {
            match content(repository, &workdir.join(&path), node.as_ref()).map_err(&write)? {
                Some((mode, id)) => index.add(&entry(&path, mode, id)).map_err(&write)?,
                None => untracked.leave_out(path),
            }
        }
    }
    Ok((index.write_tree_to(repository).map_err(&write)?, untracked))
}

/// Lists every path whose content may differ from the commit.
fn status(repository: &Repository) -> Result<Vec<(PathBuf, Status)>, git2::Error> {
    let mut options = StatusOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true).update_index(false);
    let statuses = repository.statuses(Some(&mut options))?;
    let path = |bytes: &[u8]| PathBuf::from(OsStr::from_bytes(bytes));
    Ok(statuses.iter().map(|entry| (path(entry.path_bytes()), entry.status())).collect())
}

/// Returns whether `git add --all` would remove a path: it is deleted, or removed from the index
/// and now ignored.
fn is_gone(status: Status) -> bool {
    let untracked = status.contains(Status::INDEX_DELETED) && !status.contains(Status::WT_NEW);
    status.contains(Status::WT_DELETED) || untracked
}

/// Stores the content of a path and returns its mode and id, unless a tree cannot contain it.
fn content(
    repository: &Repository,
    path: &Path,
    node: Option<&PathNode>,
) -> Result<Option<(u32, Oid)>, git2::Error> {
    Ok(match node {
        Some(PathNode::File { executable: false, .. }) => {
            Some((MODE_FILE, repository.blob_path(path)?))
        }
        Some(PathNode::File { executable: true, .. }) => {
            Some((MODE_EXECUTABLE, repository.blob_path(path)?))
        }
        Some(PathNode::Symlink { target }) => {
            Some((MODE_SYMLINK, repository.blob(target.as_os_str().as_bytes())?))
        }
        // A nested repository is stored as its commit, if it has one.
        Some(PathNode::Dir) => Repository::open(path)
            .and_then(|nested| nested.head()?.peel_to_commit().map(|commit| commit.id()))
            .ok()
            .map(|id| (MODE_REPOSITORY, id)),
        Some(PathNode::Other) | None => None,
    })
}

fn entry(path: &Path, mode: u32, id: Oid) -> IndexEntry {
    let bytes = path.as_os_str().as_bytes();
    IndexEntry {
        ctime: IndexTime::new(0, 0),
        mtime: IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: bytes.strip_suffix(b"/").unwrap_or(bytes).to_vec(),
    }
}

/// Creates the private reference to a tree and returns its name.
fn keep(
    repository: &Repository,
    tree: &Tree<'_>,
    commit: Option<&Commit<'_>>,
) -> Result<String, git2::Error> {
    let name = format!("refs/reprise/trees/{}", tree.id());
    if repository.find_reference(&name).is_ok() {
        return Ok(name);
    }
    let kept = match commit {
        Some(commit) if commit.tree_id() == tree.id() => commit.id(),
        _ => {
            // The time of the commit, so that the same tree on the same commit gives the same
            // object.
            let time = commit.map_or_else(|| Time::new(0, 0), Commit::time);
            let author = Signature::new("reprise", "reprise@localhost", &time)?;
            let parents: Vec<_> = commit.into_iter().collect();
            repository.commit(None, &author, &author, "working tree of a run", tree, &parents)?
        }
    };
    for attempt in 1.. {
        match repository.reference(&name, kept, false, "working tree of a run") {
            Ok(_) => break,
            // Another run of the same sweep has created the same reference,
            Err(error) if error.code() == ErrorCode::Exists => break,
            // or is creating it; but a killed program also leaves a lock.
            Err(error) if error.code() == ErrorCode::Locked && attempt < LOCK_ATTEMPTS => {
                thread::sleep(LOCK_PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(name)
}

/// Returns the paths that differ between two trees, sorted, and the difference as a patch.
fn changes(
    repository: &Repository,
    old: Option<&Tree<'_>>,
    new: &Tree<'_>,
) -> Result<(Vec<String>, Vec<u8>), git2::Error> {
    let mut options = DiffOptions::new();
    let diff = repository.diff_tree_to_tree(old, Some(new), Some(&mut options))?;
    let mut changed: Vec<_> = diff
        .deltas()
        .filter_map(|delta| delta.new_file().path().or_else(|| delta.old_file().path()))
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    changed.sort();
    let mut patch = Vec::new();
    diff.print(DiffFormat::Patch, |_, _, line| {
        if matches!(line.origin(), '+' | '-' | ' ') {
            patch.push(line.origin() as u8);
        }
        patch.extend_from_slice(line.content());
        true
    })?;
    Ok((changed, patch))
}

#[cfg(test)]
mod tests;
