//! The state of the git working tree, for people; writes nothing.

use std::path::Path;

use git2::{ErrorCode, StatusOptions};

use super::{GitError, git::discover};

/// The state of a git working tree.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Worktree {
    /// Commit id of HEAD, if there is one.
    pub commit: Option<String>,
    /// Number of changed and untracked paths.
    pub changed: usize,
}

/// Returns the state of the working tree that contains a folder, if there is one.
pub fn worktree(folder: &Path) -> Result<Option<Worktree>, GitError> {
    let failed = |action| move |source| GitError::Git { action, path: folder.to_owned(), source };
    let Some(repository) = discover(folder)? else { return Ok(None) };
    let commit = repository.head().and_then(|head| head.peel_to_commit()).ok();
    let mut options = StatusOptions::new();
    options.include_untracked(true).exclude_submodules(true);
    let changed = match repository.statuses(Some(&mut options)) {
        Err(error) if error.code() == ErrorCode::BareRepo => 0,
        statuses => statuses.map_err(failed("read the state of"))?.len(),
    };
    Ok(Some(Worktree { commit: commit.map(|commit| commit.id().to_string()), changed }))
}

#[cfg(test)]
mod tests {
    use git2::Repository;

    use super::*;
    use reprise_base::fs;

    #[track_caller]
    fn check(folder: &Path, expected: Option<&Worktree>) {
        assert_eq!(worktree(folder).unwrap().as_ref(), expected);
    }

    #[test]
    fn an_untracked_file_is_a_change() {
        let folder = tempfile::tempdir().unwrap();
        Repository::init(folder.path()).unwrap();
        check(folder.path(), Some(&Worktree { commit: None, changed: 0 }));
        fs::write_atomic(&folder.path().join("new"), b"x").unwrap();
        check(folder.path(), Some(&Worktree { commit: None, changed: 1 }));
    }

    #[test]
    fn a_folder_outside_git_has_no_worktree() {
        check(tempfile::tempdir().unwrap().path(), None);
    }
}
