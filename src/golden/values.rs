//! `values.safetensors` of a case: the original's outputs, and inputs that no recipe can fill.

use std::collections::BTreeMap;

use safetensors::{SafeTensorError, SafeTensors};

use super::tensor::{ElementType, Tensor, TensorData};
use crate::stats::digest;

/// Why the stored values do not match the case.
#[derive(Debug, thiserror::Error)]
pub enum ValuesError {
    /// The container is damaged.
    #[error("invalid safetensors file")]
    Container(#[source] SafeTensorError),
    /// An entry that the case needs is missing.
    #[error("`values.safetensors` has no entry `{entry}`")]
    Missing { entry: String },
    /// The file has an entry that the case does not need.
    #[error(
        "`values.safetensors` has an entry `{entry}`, but the case has no such tensor or output"
    )]
    Extra { entry: String },
    /// An entry has another shape than the case states or implies.
    #[error("entry `{entry}` has shape {found:?}, expected {expected:?}")]
    Shape { entry: String, expected: Vec<usize>, found: Vec<usize> },
    /// An entry has another element type than the case states or implies.
    #[error("entry `{entry}` holds {found}, expected {expected}")]
    ElementType {
        entry: String,
        expected: ElementType,
        /// Type in the file, in the file's spelling.
        found: String,
    },
}

/// The decoded entries by name.
#[derive(Debug, Default)]
pub(super) struct Values {
    entries: BTreeMap<String, Tensor>,
}

impl Values {
    /// Decodes a file.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, ValuesError> {
        let mut entries = BTreeMap::new();
        for (entry, view) in
            SafeTensors::deserialize(bytes).map_err(ValuesError::Container)?.tensors()
        {
            let data = decode_elements(view.dtype(), view.data()).ok_or_else(|| {
                ValuesError::ElementType {
                    entry: entry.clone(),
                    expected: ElementType::F64,
                    found: format!("{:?}", view.dtype()),
                }
            })?;
            entries.insert(entry, Tensor { shape: view.shape().to_vec(), data });
        }
        Ok(Self { entries })
    }

    /// Returns all entries by name.
    pub(super) fn into_entries(self) -> BTreeMap<String, Tensor> {
        self.entries
    }

    /// Returns an entry that was required when the case was loaded.
    pub(super) fn get(&self, entry: &str) -> Option<&Tensor> {
        self.entries.get(entry)
    }

    /// Checks that `entry` exists with this type and shape.
    pub(super) fn require(
        &self,
        entry: &str,
        dtype: ElementType,
        shape: &[usize],
    ) -> Result<(), ValuesError> {
        let found =
            self.get(entry).ok_or_else(|| ValuesError::Missing { entry: entry.to_owned() })?;
        if found.data.dtype() != dtype {
            return Err(ValuesError::ElementType {
                entry: entry.to_owned(),
                expected: dtype,
                found: found.data.dtype().to_string(),
            });
        }
        if found.shape != shape {
            return Err(ValuesError::Shape {
                entry: entry.to_owned(),
                expected: shape.to_vec(),
                found: found.shape.clone(),
            });
        }
        Ok(())
    }

    /// Checks that every entry is among `known`, which is sorted.
    pub(super) fn refuse_others(&self, known: &[String]) -> Result<(), ValuesError> {
        match self.entries.keys().find(|&entry| known.binary_search(entry).is_err()) {
            Some(entry) => Err(ValuesError::Extra { entry: entry.clone() }),
            None => Ok(()),
        }
    }
}

/// Returns a stored digest vector split into its parts.
pub(super) fn stored_digest(tensor: &Tensor) -> Option<digest::Digest> {
    match &tensor.data {
        TensorData::F64(values) => {
            <&[f64; digest::LEN]>::try_from(values.as_slice()).ok().map(digest::Digest::from_stored)
        }
        TensorData::F32(_) | TensorData::I64(_) | TensorData::U8(_) => None,
    }
}

/// Decodes little-endian elements; `None` for a type that cases never hold.
fn decode_elements(dtype: safetensors::Dtype, bytes: &[u8]) -> Option<TensorData> {
    fn elements<const N: usize, T>(bytes: &[u8], from: fn([u8; N]) -> T) -> Vec<T> {
        bytes.as_chunks::<N>().0.iter().map(|&chunk| from(chunk)).collect()
    }
    match dtype {
        safetensors::Dtype::F32 => Some(TensorData::F32(elements(bytes, f32::from_le_bytes))),
        safetensors::Dtype::F64 => Some(TensorData::F64(elements(bytes, f64::from_le_bytes))),
        safetensors::Dtype::I64 => Some(TensorData::I64(elements(bytes, i64::from_le_bytes))),
        safetensors::Dtype::U8 => Some(TensorData::U8(bytes.to_vec())),
        _ => None,
    }
}
