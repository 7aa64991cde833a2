//! The files that a pack was made from: what is known of them, and whether they are still the same.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::{bair::Source, error::DataError, pack::Pack};
use crate::fs::{self, FsError};

/// Returns what is known of a file, to be put beside a sequence.
pub(super) fn source(path: &Path) -> Result<Source, DataError> {
    let stamp = fs::stamp(path)?;
    let (digest, bytes) = fs::sha256_file(path)?;
    if bytes != stamp.bytes {
        let what = "its length changed while it was read";
        return Err(DataError::SourceChanged { path: path.to_owned(), what });
    }
    let nibbles = digest.bytes().map(|digit| char::from(digit).to_digit(16).unwrap_or_default());
    let nibbles: Vec<_> = nibbles.filter_map(|nibble| u8::try_from(nibble).ok()).collect();
    let sha256 = std::array::from_fn(|at| nibbles[2 * at] << 4 | nibbles[2 * at + 1]);
    Ok(Source { stamp, sha256 })
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
