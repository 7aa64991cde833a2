//! Logs with one JSON value per line. After a kill the last line may be incomplete.

use std::path::Path;

use serde::{Serialize, de::DeserializeOwned};

use super::StoreError;
use reprise_base::fs::{self, AppendFile};

/// Larger than any log; a larger file is damaged and is not read into memory.
const LOG_BYTES_MAX: u64 = 1 << 30;

/// The complete lines of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Log<T> {
    /// In the order of their lines.
    pub values: Vec<T>,
    /// Length of all complete lines in bytes.
    pub complete_bytes: u64,
    /// Length of an incomplete last line in bytes, or 0.
    pub torn_bytes: u64,
}

/// Reads a log; a complete line that does not parse is an error, an incomplete last line is not.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Log<T>, StoreError> {
    parse(path, &read_bytes(path)?)
}

/// Reads the bytes of a log.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, StoreError> {
    Ok(fs::read(path, LOG_BYTES_MAX)?)
}

/// Reads a log from its bytes; messages name the path.
pub(super) fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<Log<T>, StoreError> {
    let complete = complete_len(bytes);
    let values = bytes[..complete]
        .split_inclusive(|&byte| byte == b'\n')
        .enumerate()
        .map(|(index, line)| {
            let wrong =
                |source| StoreError::ParseLine { path: path.to_owned(), line: index + 1, source };
            serde_json::from_slice(line).map_err(wrong)
        })
        .collect::<Result<_, _>>()?;
    let torn_bytes = (bytes.len() - complete) as u64;
    Ok(Log { values, complete_bytes: complete as u64, torn_bytes })
}

/// Opens a log for appending after its last complete line.
pub(super) fn open(path: &Path) -> Result<AppendFile, StoreError> {
    let complete = match fs::read(path, LOG_BYTES_MAX) {
        Err(error) if error.is_not_found() => 0,
        bytes => complete_len(&bytes?),
    };
    Ok(AppendFile::open_truncated_at(path, complete as u64)?)
}

/// Appends one value as a line, and returns the line.
pub(super) fn append<T: Serialize>(
    file: &mut AppendFile,
    path: &Path,
    value: &T,
) -> Result<Vec<u8>, StoreError> {
    let mut line = serde_json::to_vec(value)
        .map_err(|source| StoreError::Encode { path: path.to_owned(), source })?;
    line.push(b'\n');
    file.append(&line)?;
    Ok(line)
}

/// Returns the first bytes of a log if a line ends there.
pub(super) fn part(bytes: &[u8], length: u64) -> Option<&[u8]> {
    let part = bytes.get(..usize::try_from(length).ok()?)?;
    (complete_len(part) == part.len()).then_some(part)
}

fn complete_len(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1)
}
