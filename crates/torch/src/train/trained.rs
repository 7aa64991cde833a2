//! Weights that were trained.

use reprise_base::config::RunSpec;
use reprise_store::store::tensors::StoredTensor;

/// Trained weights and what they belong to.
#[derive(Clone, Copy, Debug)]
pub struct Trained<'a> {
    pub spec: &'a RunSpec,
    /// All parameters and buffers of the model.
    pub tensors: &'a [StoredTensor],
    pub device: tch::Device,
}
