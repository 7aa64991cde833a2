//! Tensor files: safetensors with sorted names, equal bytes for equal content, and a digest.
//!
//! The file's metadata has one entry, `reprise`: a JSON object with the caller's metadata and a SHA-256
//! over these and all tensors, so that reading detects any flipped bit. Other programs can read the
//! file, too. Tensors are plain bytes here, little-endian and row-major. Start from [`write_tensors`]
//! and [`read_tensors`].

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensorError, SafeTensors, View};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use reprise_base::fs::{self, FsError};

/// Key of our entry in the file's metadata.
const ENTRY: &str = "reprise";

/// A name that the format reserves.
const RESERVED_NAME: &str = "__metadata__";

/// Text that is stored beside tensors, by key.
pub type TensorMetadata = BTreeMap<String, String>;

/// A tensor as bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTensor {
    /// Unique within a file.
    pub name: String,
    pub dtype: Dtype,
    /// Empty for a scalar.
    pub shape: Vec<usize>,
    /// Little-endian and row-major.
    pub data: Vec<u8>,
}

/// Why a tensor file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TensorFileError {
    #[error(transparent)]
    Fs(#[from] FsError),
    #[error("failed to read tensors of `{}`", path.display())]
    Format {
        path: PathBuf,
        #[source]
        source: SafeTensorError,
    },
    /// The file is a safetensors file, but was not written by reprise.
    #[error("failed to read tensors of `{}`: it has no valid metadata entry `{ENTRY}`", path.display())]
    Foreign { path: PathBuf },
    #[error("failed to read tensors of `{}`: the content does not match its SHA-256", path.display())]
    Damaged { path: PathBuf },
    #[error("failed to encode tensors for `{}`", path.display())]
    Encode {
        path: PathBuf,
        #[source]
        source: SafeTensorError,
    },
    #[error("failed to store tensor `{name}`: the name is used twice or reserved")]
    NameTaken { name: String },
    #[error(
        "failed to store tensor `{name}`: it has {bytes} bytes, which is not the size of {dtype} {shape:?}"
    )]
    Size { name: String, dtype: Dtype, shape: Vec<usize>, bytes: usize },
}

/// Content of the entry `reprise`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetadataEntry<'a> {
    metadata: Cow<'a, TensorMetadata>,
    sha256: String,
}

/// Writes tensors and metadata atomically; returns [`state_digest`] of the tensors.
pub fn write_tensors(
    path: &Path,
    tensors: &[StoredTensor],
    metadata: &TensorMetadata,
) -> Result<String, TensorFileError> {
    check_names_and_sizes(tensors)?;
    let digest = state_digest(tensors);
    let entry = MetadataEntry {
        metadata: Cow::Borrowed(metadata),
        sha256: content_digest(&digest, metadata),
    };
    let entry = serde_json::to_string(&entry).expect("strings have a JSON form");
    // Only one entry: the order of several would be random.
    let file_metadata = [(ENTRY.to_owned(), entry)].into_iter().collect();
    let views = tensors.iter().map(|tensor| (tensor.name.as_str(), TensorBytes(tensor)));
    let bytes = safetensors::serialize(views, Some(file_metadata))
        .map_err(|source| TensorFileError::Encode { path: path.to_owned(), source })?;
    fs::write_atomic_with(path, |file| file.write_all(&bytes))?;
    Ok(digest)
}

/// Reads tensors, sorted by name, and metadata; refuses a damaged file.
pub fn read_tensors(path: &Path) -> Result<(Vec<StoredTensor>, TensorMetadata), TensorFileError> {
    parse_tensors(path, &fs::map(path)?)
}

/// Reads the tensors in the bytes of a file, as [`read_tensors`] does; messages name the path.
pub(super) fn parse_tensors(
    path: &Path,
    bytes: &[u8],
) -> Result<(Vec<StoredTensor>, TensorMetadata), TensorFileError> {
    let wrong = |source| TensorFileError::Format { path: path.to_owned(), source };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(wrong)?;
    let file = SafeTensors::deserialize(bytes).map_err(wrong)?;
    let entry: MetadataEntry<'static> = header
        .metadata()
        .as_ref()
        .and_then(|metadata| serde_json::from_str(metadata.get(ENTRY)?).ok())
        .ok_or_else(|| TensorFileError::Foreign { path: path.to_owned() })?;
    let tensors = sorted(&file);
    if content_digest(&state_digest(&tensors), &entry.metadata) != entry.sha256 {
        return Err(TensorFileError::Damaged { path: path.to_owned() });
    }
    Ok((tensors, entry.metadata.into_owned()))
}

/// Reads tensors, sorted by name, of a safetensors file of any program.
pub fn read_foreign_tensors(path: &Path) -> Result<Vec<StoredTensor>, TensorFileError> {
    let wrong = |source| TensorFileError::Format { path: path.to_owned(), source };
    let bytes = fs::map(path)?;
    Ok(sorted(&SafeTensors::deserialize(&bytes).map_err(wrong)?))
}

fn sorted(file: &SafeTensors<'_>) -> Vec<StoredTensor> {
    let mut tensors: Vec<_> = file
        .iter()
        .map(|(name, view)| StoredTensor {
            name: name.to_owned(),
            dtype: view.dtype(),
            shape: view.shape().to_vec(),
            data: view.data().to_vec(),
        })
        .collect();
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    tensors
}

/// Returns the SHA-256 over names, types, shapes and bytes of tensors in the order of their names.
pub fn state_digest(tensors: &[StoredTensor]) -> String {
    let mut sorted: Vec<_> = tensors.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut hasher = Sha256::new();
    for StoredTensor { name, dtype, shape, data } in sorted {
        update_with_length(&mut hasher, name.as_bytes());
        update_with_length(&mut hasher, dtype.to_string().as_bytes());
        hasher.update((shape.len() as u64).to_le_bytes());
        for &extent in shape {
            hasher.update((extent as u64).to_le_bytes());
        }
        update_with_length(&mut hasher, data);
    }
    fs::hex(&hasher.finalize())
}

fn content_digest(state_digest: &str, metadata: &TensorMetadata) -> String {
    let mut hasher = Sha256::new();
    hasher.update(state_digest);
    for (key, value) in metadata {
        update_with_length(&mut hasher, key.as_bytes());
        update_with_length(&mut hasher, value.as_bytes());
    }
    fs::hex(&hasher.finalize())
}

/// Hashes the length before the bytes, so that different lists of byte strings differ.
fn update_with_length(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update((bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

fn check_names_and_sizes(tensors: &[StoredTensor]) -> Result<(), TensorFileError> {
    let mut names = BTreeSet::from([RESERVED_NAME]);
    for StoredTensor { name, dtype, shape, data } in tensors {
        if !names.insert(name) {
            return Err(TensorFileError::NameTaken { name: name.clone() });
        }
        let bits = shape
            .iter()
            .try_fold(dtype.bitsize(), |bits, &extent| bits.checked_mul(extent))
            .filter(|bits| bits.is_multiple_of(8));
        if bits.map(|bits| bits / 8) != Some(data.len()) {
            return Err(TensorFileError::Size {
                name: name.clone(),
                dtype: *dtype,
                shape: shape.clone(),
                bytes: data.len(),
            });
        }
    }
    Ok(())
}

/// A tensor as the writer of the format needs it.
struct TensorBytes<'a>(&'a StoredTensor);

impl View for TensorBytes<'_> {
    fn dtype(&self) -> Dtype {
        self.0.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.0.data)
    }

    fn data_len(&self) -> usize {
        self.0.data.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::samples::tensor;

    fn metadata() -> TensorMetadata {
        [("epoch", "3"), ("note", "a \"b\"\n")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    }

    fn tensors() -> Vec<StoredTensor> {
        let counts = StoredTensor {
            name: "batches".to_owned(),
            dtype: Dtype::I64,
            shape: vec![],
            data: 7_i64.to_le_bytes().to_vec(),
        };
        vec![counts, tensor("decoder.bias", &[0.5]), tensor("encoder.weight", &[1.0, f32::NAN])]
    }

    #[track_caller]
    fn check_refused(tensors: &[StoredTensor], fragment: &str) {
        let folder = tempfile::tempdir().unwrap();
        let error = write_tensors(&folder.path().join("t"), tensors, &metadata()).unwrap_err();
        assert!(error.to_string().contains(fragment), "`{error}` lacks `{fragment}`");
    }

    #[test]
    fn tensors_come_back_sorted_by_name_with_the_same_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.safetensors");
        let mut shuffled = tensors();
        shuffled.rotate_left(1);
        let digest = write_tensors(&path, &shuffled, &metadata()).unwrap();
        let (read, read_metadata) = read_tensors(&path).unwrap();
        assert_eq!(read, tensors());
        assert_eq!(read_metadata, metadata());
        assert_eq!(digest, state_digest(&read));
    }

    #[test]
    fn equal_content_is_written_as_equal_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        let mut shuffled = tensors();
        shuffled.reverse();
        write_tensors(&a, &tensors(), &metadata()).unwrap();
        write_tensors(&b, &shuffled, &metadata()).unwrap();
        assert_eq!(fs::read(&a, 1 << 20).unwrap(), fs::read(&b, 1 << 20).unwrap());
    }

    #[test]
    fn every_flipped_bit_and_every_truncation_is_detected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.safetensors");
        write_tensors(&path, &tensors(), &metadata()).unwrap();
        let whole = fs::read(&path, 1 << 20).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(parse_tensors(&path, &bytes).is_err(), "flipped bit {bit} is not detected");
        }
        for length in 0..whole.len() {
            assert!(
                parse_tensors(&path, &whole[..length]).is_err(),
                "cut at byte {length} is not detected"
            );
        }
    }

    #[test]
    fn names_types_and_shapes_change_the_digest() {
        let digest = |tensor: StoredTensor| state_digest(&[tensor]);
        let base = tensor("a", &[0.0, 0.0]);
        let others = [
            StoredTensor { name: "b".to_owned(), ..base.clone() },
            StoredTensor { dtype: Dtype::I32, ..base.clone() },
            StoredTensor { shape: vec![1, 2], ..base.clone() },
            tensor("a", &[0.0, -0.0]),
        ];
        for other in others {
            assert_ne!(digest(base.clone()), digest(other));
        }
    }

    #[test]
    fn two_tensors_of_one_name_are_refused() {
        check_refused(&[tensor("a", &[1.0]), tensor("a", &[1.0])], "`a`: the name is used twice");
        check_refused(&[tensor("__metadata__", &[1.0])], "or reserved");
    }

    #[test]
    fn a_tensor_whose_bytes_do_not_fill_its_shape_is_refused() {
        let short = StoredTensor { shape: vec![3], ..tensor("a", &[1.0, 2.0]) };
        check_refused(&[short], "it has 8 bytes, which is not the size of F32 [3]");
    }
}
