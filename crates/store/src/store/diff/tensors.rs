//! The first tensor in which two tensor files differ.

use std::collections::BTreeMap;

use safetensors::Dtype;
use serde::Serialize;

use crate::store::{FinishedRun, RunFile, StoreError, tensors::StoredTensor};

/// The first tensor, by name, in which two files differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TensorDifference {
    /// File name within the run folder.
    pub file: String,
    /// `None` if one of the runs lacks the file.
    pub tensor: Option<String>,
    /// Type and shape in the first run, such as `F32 [3, 4]`, or `absent`.
    pub a: String,
    /// Type and shape in the second run.
    pub b: String,
    /// How the elements differ, if type and shape are equal.
    pub elements: Option<ElementDifference>,
    /// Number of tensors of the file that differ.
    pub tensors_differing: usize,
}

/// How the elements of two tensors of one shape differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ElementDifference {
    pub count: usize,
    /// Number of elements with different bits.
    pub differing: usize,
    /// Largest absolute difference, unless one is NaN or the element type is not supported.
    pub max_abs: Option<f64>,
}

/// Compares a tensor file of two runs; a file that both lack is equal.
pub(super) fn diff(
    file: RunFile,
    a: &FinishedRun,
    b: &FinishedRun,
) -> Result<Option<TensorDifference>, StoreError> {
    let describe_file = |exists: bool| if exists { "present" } else { "absent" }.to_owned();
    let (a, b) = (a.tensors(file)?, b.tensors(file)?);
    let (exists_a, exists_b) = (a.is_some(), b.is_some());
    if let (Some((a, _)), Some((b, _))) = (&a, &b) {
        return Ok(diff_tensors(file, a, b));
    }
    Ok((exists_a != exists_b).then(|| TensorDifference {
        file: file.name().into_owned(),
        tensor: None,
        a: describe_file(exists_a),
        b: describe_file(exists_b),
        elements: None,
        tensors_differing: 0,
    }))
}

fn diff_tensors(file: RunFile, a: &[StoredTensor], b: &[StoredTensor]) -> Option<TensorDifference> {
    let mut pairs = BTreeMap::<&str, [Option<&StoredTensor>; 2]>::new();
    for (side, tensors) in [a, b].into_iter().enumerate() {
        for tensor in tensors {
            pairs.entry(&tensor.name).or_default()[side] = Some(tensor);
        }
    }
    let mut differing = pairs.into_iter().filter(|(_, [a, b])| a != b);
    let (name, [a, b]) = differing.next()?;
    let same_layout = |a: &StoredTensor, b: &StoredTensor| a.dtype == b.dtype && a.shape == b.shape;
    let pair = a.zip(b).filter(|(a, b)| same_layout(a, b));
    Some(TensorDifference {
        file: file.name().into_owned(),
        tensor: Some(name.to_owned()),
        a: describe(a),
        b: describe(b),
        elements: pair.map(|(a, b)| diff_elements(a, b)),
        tensors_differing: 1 + differing.count(),
    })
}

fn describe(tensor: Option<&StoredTensor>) -> String {
    tensor.map_or_else(|| "absent".to_owned(), |t| format!("{} {:?}", t.dtype, t.shape))
}

fn diff_elements(a: &StoredTensor, b: &StoredTensor) -> ElementDifference {
    let bytes = (a.dtype.bitsize() / 8).max(1);
    let pairs = || a.data.chunks_exact(bytes).zip(b.data.chunks_exact(bytes));
    let differing = || pairs().filter(|(a, b)| a != b);
    let distance = |(x, y)| Some((element(a.dtype, x)? - element(a.dtype, y)?).abs());
    let max_abs = differing()
        .map(distance)
        .try_fold(0.0, |max: f64, distance| Some(max.max(distance.filter(|d| !d.is_nan())?)));
    ElementDifference { count: pairs().count(), differing: differing().count(), max_abs }
}

/// Returns an element as f64, if runs store its type.
fn element(dtype: Dtype, bytes: &[u8]) -> Option<f64> {
    match dtype {
        Dtype::F64 => Some(f64::from_le_bytes(bytes.try_into().ok()?)),
        Dtype::F32 => Some(f32::from_le_bytes(bytes.try_into().ok()?).into()),
        Dtype::I64 => Some(i64::from_le_bytes(bytes.try_into().ok()?) as f64),
        // The upper half of an f32.
        Dtype::BF16 => {
            let bits = u16::from_le_bytes(bytes.try_into().ok()?);
            Some(f32::from_bits(u32::from(bits) << 16).into())
        }
        Dtype::U8 => Some((*bytes.first()?).into()),
        _ => None,
    }
}
