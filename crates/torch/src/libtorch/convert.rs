//! Conversion between tensors, stored bytes and vectors in host memory.

use std::collections::BTreeMap;

use safetensors::Dtype;
use tch::{Kind, Tensor, kind::Element};

use reprise_store::store::tensors::StoredTensor;

/// Copies a tensor from any device to bytes, little-endian and row-major.
///
/// # Panics
/// If the kind is not f32, f64, i64 or u8; no model here uses another one.
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
/// Returns `None` if [`to_stored`] does not write the element type.
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

/// Returns the tensors whose name starts with `prefix`, by the rest of the name.
pub fn by_name(tensors: &[StoredTensor], prefix: &str) -> BTreeMap<String, Tensor> {
    let with_prefix = |stored: &StoredTensor| {
        Some((stored.name.strip_prefix(prefix)?.to_owned(), from_stored(stored)?))
    };
    tensors.iter().filter_map(with_prefix).collect()
}

/// Returns the values of scalar tensors of one kind. All are copied at once: every copy makes the host wait
/// for the device.
pub fn numbers(scalars: &[&Tensor]) -> Vec<f64> {
    if let [scalar] = scalars {
        return vec![scalar.double_value(&[])];
    }
    let scalars: Vec<Tensor> = scalars.iter().map(|scalar| scalar.detach().view([1])).collect();
    to_host(&Tensor::cat(&scalars, 0))
}

/// Converts the elements of a tensor to `T` and copies them to host memory, row-major.
pub fn to_host<T: Element + Copy + Default>(tensor: &Tensor) -> Vec<T> {
    let tensor = tensor.to_device(tch::Device::Cpu).to_kind(T::KIND).contiguous();
    let mut values = vec![T::default(); tensor.numel()];
    tensor.copy_data(&mut values, tensor.numel());
    values
}
