//! JSON files with a format and a digest of their own content.
//!
//! Besides the keys of its value, such a file has `sha256`: the SHA-256 of the canonical JSON of everything else
//! in it. A changed letter or digit is therefore seen, while a changed indent is not. Format 1 had no digest.

use std::path::Path;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{StoreError, canonical::digest_of};
use reprise_base::fs;

/// Larger than any record, manifest or specification.
const JSON_BYTES_MAX: u64 = 1 << 28;

/// The first format with a digest.
pub(super) const SEALED_SINCE: u32 = 2;

const FORMAT: &str = "format";
const DIGEST: &str = "sha256";

/// Reads a JSON file.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, StoreError> {
    serde_json::from_slice(&fs::read(path, JSON_BYTES_MAX)?)
        .map_err(|source| StoreError::Parse { path: path.to_owned(), source })
}

/// Reads a JSON file with a format, which is checked first, and a digest.
pub(super) fn read_sealed<T: DeserializeOwned>(path: &Path, known: u32) -> Result<T, StoreError> {
    let mut value: Value = read_json(path)?;
    let format = value.get(FORMAT).and_then(Value::as_u64).unwrap_or(0);
    if format > known.into() {
        let found = u32::try_from(format).unwrap_or(u32::MAX);
        return Err(StoreError::Newer { path: path.to_owned(), found, known });
    }
    if format >= SEALED_SINCE.into() {
        let members = value.as_object_mut().expect("it has a key");
        let digest = members.remove(DIGEST);
        if digest.as_ref().and_then(Value::as_str) != Some(&digest_of(&value)) {
            return Err(StoreError::Altered { path: path.to_owned() });
        }
    }
    serde_json::from_value(value)
        .map_err(|source| StoreError::Parse { path: path.to_owned(), source })
}

/// Reads a record; a missing one is [`StoreError::Unfinished`].
pub(super) fn read_record<T: DeserializeOwned>(path: &Path, known: u32) -> Result<T, StoreError> {
    match read_sealed(path, known) {
        Err(StoreError::Fs(error)) if error.is_not_found() => {
            Err(StoreError::Unfinished { path: path.to_owned() })
        }
        read => read,
    }
}

/// Writes a JSON file atomically; refuses a value that cannot be read back, for example NaN.
pub(super) fn write_json<T: Serialize + DeserializeOwned>(
    path: &Path,
    value: &T,
) -> Result<(), StoreError> {
    let value = to_value(path, value)?;
    write_value(path, &value)
}

/// Writes a JSON file as [`write_json`] does, with its digest. The value has a key `format`.
pub(super) fn write_sealed<T: Serialize + DeserializeOwned>(
    path: &Path,
    value: &T,
) -> Result<(), StoreError> {
    let mut value = to_value(path, value)?;
    let digest = digest_of(&value);
    let members = value.as_object_mut().expect("a sealed value is a struct");
    members.insert(DIGEST.to_owned(), digest.into());
    write_value(path, &value)
}

fn to_value<T: Serialize + DeserializeOwned>(path: &Path, value: &T) -> Result<Value, StoreError> {
    let refused = |source| StoreError::Encode { path: path.to_owned(), source };
    let value = serde_json::to_value(value).map_err(refused)?;
    T::deserialize(&value).map_err(refused)?;
    Ok(value)
}

fn write_value(path: &Path, value: &Value) -> Result<(), StoreError> {
    let refused = |source| StoreError::Encode { path: path.to_owned(), source };
    let mut bytes = serde_json::to_vec_pretty(value).map_err(refused)?;
    bytes.push(b'\n');
    Ok(fs::write_atomic(path, &bytes)?)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Score {
        format: u32,
        value: f64,
    }

    fn read(text: &str) -> Result<Score, StoreError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("score.json");
        fs::write_atomic(&path, text.as_bytes()).unwrap();
        read_sealed(&path, 2)
    }

    fn written(format: u32) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("score.json");
        write_sealed(&path, &Score { format, value: 0.1 }).unwrap();
        fs::read_text(&path, 1000).unwrap()
    }

    #[track_caller]
    fn check_refused(text: &str, fragment: &str) {
        let message = read(text).unwrap_err().to_string();
        assert!(message.contains(fragment), "`{message}` lacks `{fragment}`");
    }

    #[test]
    fn a_changed_digit_is_seen_and_a_changed_indent_is_not() {
        let text = written(2);
        assert_eq!(read(&text).unwrap(), Score { format: 2, value: 0.1 });
        assert!(read(&text.replace('\n', "")).is_ok());
        check_refused(&text.replace("0.1", "0.2"), "does not match its SHA-256");
        check_refused(r#"{"format": 2, "value": 0.1}"#, "does not match its SHA-256");
    }

    #[test]
    fn every_flipped_bit_is_seen_or_changes_nothing() {
        let text = written(2);
        for bit in 0..text.len() * 8 {
            let mut bytes = text.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Ok(flipped) = String::from_utf8(bytes) else { continue };
            // The flipped format 2 is 0, 3, 6 or no digit; a space becomes another space or an error.
            if let Ok(score) = read(&flipped) {
                assert_eq!(score, Score { format: 2, value: 0.1 }, "{flipped}");
            }
        }
    }

    #[test]
    fn the_first_format_has_no_digest_and_a_newer_one_is_refused() {
        assert_eq!(read(r#"{"format": 1, "value": 0.1}"#).unwrap().format, 1);
        check_refused(&written(3), "has format 3");
        check_refused(r#"{"value": 0.1}"#, "failed to parse");
    }
}
