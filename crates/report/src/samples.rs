//! What a run stored of its test: roll-outs and other tensors.

use std::collections::BTreeMap;

use safetensors::Dtype;

use super::rollouts::{Rollouts, RolloutsError, parse_entry};
use reprise_base::vocabulary::rollouts::{PREDICTION, SEQUENCES, TRUTH};
use reprise_store::store::tensors::StoredTensor;

/// The content of a `rollouts.safetensors`.
///
/// The tensors depend on the system; each section of a report shows those that it knows. `truth` and
/// `prediction` become [`Rollouts`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// Names of the stored test sequences, in the split's order.
    pub names: Vec<String>,
    pub rollouts: Option<Rollouts>,
    /// The other tensors, sorted by name.
    pub tensors: Vec<StoredTensor>,
}

impl Samples {
    /// Reads the content of a file.
    ///
    /// # Errors
    /// If names are missing, or if the shapes of frames and predictions disagree.
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

    /// Returns whether there are pictures.
    pub fn has_pictures(&self) -> bool {
        self.rollouts.is_some() || self.tensors.iter().any(is_picture)
    }

    /// Drops the pictures, which take most of the memory. Of an arm, a report shows those of one run.
    #[must_use]
    pub fn without_pictures(mut self) -> Self {
        self.tensors.retain(|tensor| !is_picture(tensor));
        Self { rollouts: None, ..self }
    }

    /// Returns the tensor of u8 with this name, if it is stored.
    pub(super) fn bytes(&self, name: &str) -> Option<&StoredTensor> {
        self.of_type(name, Dtype::U8)
    }

    /// Returns shape and values of the tensor of f32 with this name, if it is stored.
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

/// Pictures are stored as bytes, numbers are not.
fn is_picture(tensor: &StoredTensor) -> bool {
    tensor.dtype == Dtype::U8
}
