//! The border between tensors and stored bytes.

use std::collections::BTreeMap;

use safetensors::Dtype;
use tch::{Kind, Tensor};

use crate::store::tensors::StoredTensor;

/// Copies a tensor to bytes: little-endian, row-major, on whatever device it was.
///
/// # Panics
/// If the kind is none of f32, f64, i64, u8, the only ones that models here use.
pub fn to_stored(name: String, tensor: &Tensor) -> StoredTensor {
    let tensor = tensor.detach().to_device(tch::Device::Cpu).contiguous();
    let dtype = match tensor.kind() {
        Kind::Float => Dtype::F32,
        Kind::Double => Dtype::F64,
        Kind::Int64 => Dtype::I64,
        Kind::Uint8 => Dtype::U8,
        kind => panic!("`{name}` has kind {kind:?}, which no model here uses"),
    };
    let mut data = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
    tensor.copy_data_u8(&mut data, tensor.numel());
    let extent = |size: i64| usize::try_from(size).expect("sizes are not negative");
    StoredTensor { name, dtype, shape: tensor.size().into_iter().map(extent).collect(), data }
}

/// Copies bytes to a tensor on the CPU.
///
/// Returns `None` if the element type is none that [`to_stored`] writes.
pub fn from_stored(stored: &StoredTensor) -> Option<Tensor> {
    let kind = match stored.dtype {
        Dtype::F32 => Kind::Float,
        Dtype::F64 => Kind::Double,
        Dtype::I64 => Kind::Int64,
        Dtype::U8 => Kind::Uint8,
        _ => return None,
    };
    let size: Vec<i64> =
        stored.shape.iter().map(|&n| i64::try_from(n).ok()).collect::<Option<_>>()?;
    Some(Tensor::from_data_size(&stored.data, &size, kind))
}

/// Returns the tensors whose names begin with a prefix, by the rest of their names.
pub fn with_prefix(tensors: &[StoredTensor], prefix: &str) -> BTreeMap<String, Tensor> {
    let tensor = |stored: &StoredTensor| {
        Some((stored.name.strip_prefix(prefix)?.to_owned(), from_stored(stored)?))
    };
    tensors.iter().filter_map(tensor).collect()
}
