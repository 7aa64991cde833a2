//! Outputs as a safetensors file, written by ports of any language.

use std::path::Path;

use safetensors::tensor::{Dtype as StoredDtype, TensorView};

use super::{
    case::Case,
    port::Outputs,
    tensor::{ElementType, TensorData},
    values::{Values, ValuesError},
};
use crate::fs::{self, FsError};

/// Room for the names and shapes of a file of outputs.
const HEADER_BYTES_MAX: u64 = 16 << 20;

/// Why a file of outputs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The file is not a safetensors file, or has a type that cases never hold.
    #[error("failed to read the outputs")]
    Format(#[source] ValuesError),
}

/// Reads the outputs of `case` from a safetensors file: one tensor per output, under its name.
///
/// # Errors
/// If the file is missing, longer than the case's outputs can be, or not a safetensors file.
pub fn read_outputs(path: &Path, case: &Case) -> Result<Outputs, ExchangeError> {
    let elements: u64 = case.outputs().iter().map(|output| output.len() as u64).sum();
    let bytes = fs::read(path, HEADER_BYTES_MAX + 8 * elements)?;
    Ok(Values::decode(&bytes).map_err(ExchangeError::Format)?.into_entries())
}

/// Writes outputs in full, even if the case stores digests.
///
/// # Errors
/// If the file cannot be written.
///
/// # Panics
/// If the number of elements of a tensor does not match its shape.
pub fn write_outputs(path: &Path, outputs: &Outputs) -> Result<(), ExchangeError> {
    let bytes: Vec<Vec<u8>> = outputs.values().map(|tensor| encode(&tensor.data)).collect();
    let views = outputs.iter().zip(&bytes).map(|((name, tensor), bytes)| {
        let dtype = match tensor.data.dtype() {
            ElementType::F32 => StoredDtype::F32,
            ElementType::F64 => StoredDtype::F64,
            ElementType::I64 => StoredDtype::I64,
            ElementType::U8 => StoredDtype::U8,
        };
        let view = TensorView::new(dtype, tensor.shape.clone(), bytes);
        (name, view.expect("a tensor has as many elements as its shape"))
    });
    let file = safetensors::serialize(views, None).expect("named views have a safetensors form");
    Ok(fs::write_atomic(path, &file)?)
}

fn encode(data: &TensorData) -> Vec<u8> {
    match data {
        TensorData::F32(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        TensorData::F64(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        TensorData::I64(values) => values.iter().flat_map(|x| x.to_le_bytes()).collect(),
        TensorData::U8(values) => values.clone(),
    }
}
