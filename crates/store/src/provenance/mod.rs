//! Where a run comes from: the time, the code, the git tree, the machine.
//!
//! The only module that reads the clock or the git repository. Nothing here influences the numbers
//! of a run; it is written to the record beside them. Start from [`code_record`], [`git_snapshot`]
//! and [`host_record`].

use std::path::Path;

use crate::store::record::CodeRecord;

mod clock;
mod git;
mod host;
mod nvidia;
mod worktree;

pub use clock::{Stopwatch, now_rfc3339, unix_seconds};
pub use git::{GitError, GitSnapshot, git_snapshot};
pub use host::{host_record, peak_memory_bytes};
pub use nvidia::{nvidia_device, nvidia_driver};
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

/// Returns the running code, and the working tree around `folder` if it is in a git repository.
///
/// The second value is the content of `code.patch`; empty if the tree equals its commit.
pub fn code_record(
    folder: &Path,
    build: &BuildIdentity,
) -> Result<(CodeRecord, Vec<u8>), GitError> {
    let (git, patch) = match git_snapshot(folder)? {
        Some(GitSnapshot { record, patch }) => (Some(record), patch),
        None => (None, Vec::new()),
    };
    let code = CodeRecord {
        version: build.version.to_owned(),
        sources_sha256: build.sources_sha256.to_owned(),
        rustc: build.rustc.to_owned(),
        git,
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
        let (code, patch) = code_record(folder.path(), &build).unwrap();
        assert_eq!(
            (&*code.version, &*code.sources_sha256, &*code.rustc),
            ("1.2.3", "ab", "rustc 1.95")
        );
        assert_eq!((code.git, patch), (None, Vec::new()));
    }
}
