//! Where a run comes from: the time, the code, the git tree, the machine.
//!
//! The only module that reads the clock or the git repository. Nothing here influences the numbers
//! of a run; it is written to the record beside them. Start from [`code_record`], [`git_snapshot`]
//! and [`host_record`].

use std::path::{Path, PathBuf};

use crate::store::record::CodeRecord;

mod clock;
mod git;
mod host;
mod nvidia;
mod worktree;

pub use clock::{Stopwatch, now_rfc3339, unix_seconds};
pub use git::{GitError, GitSnapshot, check_trust, git_snapshot};
pub use host::{host_record, peak_memory_bytes};
pub use nvidia::{VISIBLE_DEVICES, nvidia_device, nvidia_driver, visible_devices};
pub use worktree::{Worktree, worktree};

/// How a binary was built.
#[derive(Clone, Copy, Debug)]
pub struct BuildIdentity {
    pub version: &'static str,
    /// SHA-256 of the sources of all crates.
    pub sources_sha256: &'static str,
    /// The compiler's answer to `rustc --version`.
    pub rustc: &'static str,
}

/// What to do with a git repository that belongs to another user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UntrustedGit {
    Refused,
    /// Not recorded, with a note in the record.
    Allowed,
}

/// Returns the running code, and the working tree around `folder` if it is in a git repository.
///
/// The second value is the content of `code.patch`; empty if the tree equals its commit. Untracked files
/// below the folders in `excluded` are left out of the tree.
///
/// # Errors
/// If git refuses the repository or a file cannot be read.
pub fn code_record(
    folder: &Path,
    excluded: &[PathBuf],
    untrusted: UntrustedGit,
    build: &BuildIdentity,
) -> Result<(CodeRecord, Vec<u8>), GitError> {
    let (git, patch, git_refused) = match git_snapshot(folder, excluded) {
        Ok(Some(GitSnapshot { record, patch })) => (Some(record), patch, None),
        Ok(None) => (None, Vec::new(), None),
        Err(error @ GitError::Untrusted { .. }) if untrusted == UntrustedGit::Allowed => {
            (None, Vec::new(), Some(error.to_string()))
        }
        Err(error) => return Err(error),
    };
    let code = CodeRecord {
        version: build.version.to_owned(),
        sources_sha256: build.sources_sha256.to_owned(),
        rustc: build.rustc.to_owned(),
        git,
        git_refused,
    };
    Ok((code, patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_outside_a_repository_has_no_git_record() {
        let folder = tempfile::tempdir().unwrap();
        let build = BuildIdentity { version: "1.2.3", sources_sha256: "ab", rustc: "rustc 1.95" };
        let (code, patch) = code_record(folder.path(), &[], UntrustedGit::Refused, &build).unwrap();
        assert_eq!(
            (&*code.version, &*code.sources_sha256, &*code.rustc),
            ("1.2.3", "ab", "rustc 1.95")
        );
        assert_eq!((code.git, patch), (None, Vec::new()));
    }
}
