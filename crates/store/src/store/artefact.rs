//! Files whose size and digest a record names.

use std::{collections::BTreeMap, ops::Deref, path::Path};

use super::{StoreError, record::Artefact};
use reprise_base::fs;

/// Larger than any file of a run.
const FILE_BYTES_MAX: u64 = 1 << 40;

/// Returns size and digest of every file that exists, by name.
pub(super) fn artefacts_in(
    folder: &Path,
    names: impl IntoIterator<Item = impl AsRef<str>>,
) -> Result<BTreeMap<String, Artefact>, StoreError> {
    let mut artefacts = BTreeMap::new();
    for name in names {
        match fs::sha256_file(&folder.join(name.as_ref())) {
            Err(error) if error.is_not_found() => {}
            hashed => {
                let (sha256, bytes) = hashed?;
                artefacts.insert(name.as_ref().to_owned(), Artefact { bytes, sha256 });
            }
        }
    }
    Ok(artefacts)
}

/// Returns the content of a file, if there is an artefact for it to match.
pub(super) fn verified(
    path: &Path,
    artefact: Option<&Artefact>,
) -> Result<Option<impl Deref<Target = [u8]> + use<>>, StoreError> {
    let Some(artefact) = artefact else { return Ok(None) };
    let bytes = match fs::map_limited(path, FILE_BYTES_MAX) {
        Err(error) if error.is_not_found() => {
            return Err(StoreError::Missing { path: path.to_owned() });
        }
        bytes => bytes?,
    };
    if bytes.len() as u64 == artefact.bytes && fs::sha256_hex(&bytes) == artefact.sha256 {
        Ok(Some(bytes))
    } else {
        Err(StoreError::NotRecorded { path: path.to_owned() })
    }
}
