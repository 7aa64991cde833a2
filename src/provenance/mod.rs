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

/// SHA-256 of the sources of this binary.
pub const SOURCES_SHA256: &str = env!("REPRISE_SOURCES_SHA256");

/// Returns the running code, and the working tree around `folder` if it is in a git repository.
///
/// The second value is the content of `code.patch`; empty if the tree equals its commit.
pub fn code_record(folder: &Path) -> Result<(CodeRecord, Vec<u8>), GitError> {
    let (git, patch) = match git_snapshot(folder)? {
        Some(GitSnapshot { record, patch }) => (Some(record), patch),
        None => (None, Vec::new()),
    };
    let code = CodeRecord {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sources_sha256: SOURCES_SHA256.to_owned(),
        rustc: env!("REPRISE_RUSTC").to_owned(),
        git,
    };
    Ok((code, patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_binary_knows_its_sources_and_compiler() {
        let folder = tempfile::tempdir().unwrap();
        let (code, patch) = code_record(folder.path()).unwrap();
        assert_eq!(code.sources_sha256.len(), 64);
        assert!(code.rustc.starts_with("rustc 1."), "{}", code.rustc);
        assert_eq!((code.git, patch), (None, Vec::new()));
    }
}
