//! The files that a pack was made from: what is known of them, and whether they are still the same.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::{error::DataError, pack::Pack};
use crate::fs::{self, FsError, Stamp};

/// A source file as it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    /// What the file system said about it just before.
    pub(super) stamp: Stamp,
    /// SHA-256 of its content.
    pub(super) sha256: [u8; 32],
}

impl Source {
    /// Returns the same with a blank stamp but for the length, so that equal files give equal packs
    /// anywhere.
    pub(super) fn anywhere(self) -> Self {
        Self { stamp: Stamp { bytes: self.stamp.bytes, ..Stamp::default() }, ..self }
    }
}

/// Returns what is known of a file, to be put beside a sequence.
pub(super) fn source(path: &Path) -> Result<Source, DataError> {
    // The stamp is taken first: a file that changes after it is noticed the next time.
    let stamp = fs::stamp(path)?;
    let (sha256, bytes) = fs::digest_file(path)?;
    whole(path, Source { stamp, sha256 }, bytes)
}

/// Reads a file of at most `limit` bytes; returns also what is known of it.
pub(super) fn read(path: &Path, limit: u64) -> Result<(Vec<u8>, Source), DataError> {
    let stamp = fs::stamp(path)?;
    let bytes = fs::read(path, limit)?;
    let source = Source { stamp, sha256: Sha256::digest(&bytes).into() };
    let source = whole(path, source, bytes.len() as u64)?;
    Ok((bytes, source))
}

/// Returns what is known of a file if as many bytes were read as it had before.
fn whole(path: &Path, source: Source, bytes: u64) -> Result<Source, DataError> {
    if bytes == source.stamp.bytes {
        return Ok(source);
    }
    let what = "its length changed while it was read";
    Err(DataError::SourceChanged { path: path.to_owned(), what })
}

/// Returns whether a file has the content that is known of it; it is read only if its stamp differs.
pub(super) fn is_unchanged(path: &Path, known: &Source) -> Result<bool, FsError> {
    let stamp = fs::stamp(path)?;
    Ok(stamp == known.stamp
        || stamp.bytes == known.stamp.bytes && fs::sha256_file(path)?.0 == fs::hex(&known.sha256))
}

/// Returns the first thing in which files below `root` differ from what a pack was made from.
pub(super) fn difference(
    root: &Path,
    files: &[&str],
    pack: &Pack,
) -> Result<Option<String>, DataError> {
    if files.len() as u64 != pack.source_files() {
        return Ok(Some(format!("`{}` has other files", root.display())));
    }
    let mut digests = Sha256::new();
    for (number, file) in files.iter().enumerate() {
        let path = root.join(file);
        let known = pack.source(number).expect("a pack has a record of every file");
        if !is_unchanged(&path, &known)? {
            return Ok(Some(format!("`{}` changed", path.display())));
        }
        digests.update(format!("{file} {} {}\n", known.stamp.bytes, fs::hex(&known.sha256)));
    }
    let same = fs::hex(&digests.finalize()) == pack.sources_sha256();
    Ok((!same).then(|| format!("`{}` has other files", root.display())))
}
