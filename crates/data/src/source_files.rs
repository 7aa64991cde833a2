//! The files that a pack was made from: their records, and whether they have changed since.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::{error::DataError, pack::Pack, sequence::SourceRecord};
use reprise_base::fs::{self, FsError};

/// Returns the record of a file.
pub(super) fn source(path: &Path) -> Result<SourceRecord, DataError> {
    // The stamp is taken first, so that a later change of the file is detected at the next use.
    let stamp = fs::stamp(path)?;
    let (sha256, bytes) = fs::digest_file(path)?;
    checked(path, SourceRecord { stamp, sha256 }, bytes)
}

/// Reads a file of at most `limit` bytes; returns its content and its record.
pub(super) fn read(path: &Path, limit: u64) -> Result<(Vec<u8>, SourceRecord), DataError> {
    let stamp = fs::stamp(path)?;
    let bytes = fs::read(path, limit)?;
    let source = SourceRecord { stamp, sha256: Sha256::digest(&bytes).into() };
    let source = checked(path, source, bytes.len() as u64)?;
    Ok((bytes, source))
}

/// Refuses a file whose length differs from that of its stamp.
fn checked(path: &Path, source: SourceRecord, bytes: u64) -> Result<SourceRecord, DataError> {
    if bytes == source.stamp.bytes {
        Ok(source)
    } else {
        Err(DataError::SourceChanged { path: path.to_owned() })
    }
}

/// Returns whether a file still has the recorded content. It is read only if its stamp differs.
pub(super) fn is_unchanged(path: &Path, recorded: &SourceRecord) -> Result<bool, FsError> {
    let stamp = fs::stamp(path)?;
    Ok(stamp == recorded.stamp
        || stamp.bytes == recorded.stamp.bytes
            && fs::sha256_file(path)?.0 == fs::hex(&recorded.sha256))
}

/// Returns the first difference between files below `root` and those that a pack was made from.
pub(super) fn difference(
    root: &Path,
    files: &[&str],
    pack: &Pack,
) -> Result<Option<String>, DataError> {
    let other_files = || Some(format!("the list of files in `{}` has changed", root.display()));
    if files.len() as u64 != pack.source_files() {
        return Ok(other_files());
    }
    let mut digests = Sha256::new();
    for (number, file) in files.iter().enumerate() {
        let path = root.join(file);
        let recorded = pack.source(number).expect("a pack has a record of every file");
        if !is_unchanged(&path, &recorded)? {
            return Ok(Some(format!("`{}` changed", path.display())));
        }
        digests.update(format!("{file} {} {}\n", recorded.stamp.bytes, fs::hex(&recorded.sha256)));
    }
    let same = fs::hex(&digests.finalize()) == pack.sources_sha256();
    Ok(if same { None } else { other_files() })
}
