//! What a run kept of its test besides frames and their predictions: tensors by name.

use std::collections::BTreeMap;

use safetensors::Dtype;

use super::rollouts::{Rollouts, RolloutsError, parse_entry};
use crate::{
    store::tensors::StoredTensor,
    vocabulary::rollouts::{PREDICTION, SEQUENCES, TRUTH},
};

/// The content of a `rollouts.safetensors`.
///
/// Metadata `sequences` is a JSON list of names. Which tensors there are is the system's choice; each
/// section of a report shows those that it knows. `truth` with `prediction` make [`Rollouts`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// Names of the test sequences that are shown, in the split's order.
    pub names: Vec<String>,
    /// Frames beside their predictions, where the system predicts frames.
    pub rollouts: Option<Rollouts>,
    /// The other tensors, in the order of their names.
    pub tensors: Vec<StoredTensor>,
}

impl Samples {
    /// Takes over the content of a file.
    ///
    /// # Errors
    /// If names are missing or frames and predictions do not fit together.
    pub fn new(
        tensors: Vec<StoredTensor>,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Self, RolloutsError> {
        let names = parse_entry(metadata, SEQUENCES)?;
        let is_frames = |name: &str| matches!(name, TRUTH | PREDICTION);
        let rollouts = if tensors.iter().any(|tensor| is_frames(&tensor.name)) {
            Some(Rollouts::new(&tensors, metadata)?)
        } else {
            None
        };
        let tensors = tensors.into_iter().filter(|tensor| !is_frames(&tensor.name)).collect();
        Ok(Self { names, rollouts, tensors })
    }

    /// Returns a tensor of bytes with this name, if it was kept.
    pub(super) fn bytes(&self, name: &str) -> Option<&StoredTensor> {
        self.of_type(name, Dtype::U8)
    }

    /// Returns shape and values of a tensor of f32 with this name, if it was kept.
    pub(super) fn floats(&self, name: &str) -> Option<(&[usize], Vec<f32>)> {
        let tensor = self.of_type(name, Dtype::F32)?;
        let values = tensor.data.chunks_exact(4).map(|bytes| {
            f32::from_le_bytes(bytes.try_into().expect("a chunk of four has four bytes"))
        });
        Some((&tensor.shape, values.collect()))
    }

    fn of_type(&self, name: &str, dtype: Dtype) -> Option<&StoredTensor> {
        self.tensors.iter().find(|tensor| tensor.name == name && tensor.dtype == dtype)
    }
}
