//! The state of a run as named tensors, and back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::system::System;
use crate::{
    libtorch::convert::{from_stored, to_stored},
    nn::params::LoadError,
    scalar::Epoch,
    store::{event::Scores, tensors::StoredTensor},
};

/// Prefix of model tensors in a checkpoint.
const MODEL: &str = "model/";
/// Prefix of optimizer tensors in a checkpoint.
const OPTIMIZER: &str = "optimizer/";

/// What the trainer knows besides tensors; kept in the checkpoint as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bookkeeping {
    /// The best validation so far.
    pub best: Option<Best>,
    /// Digest of the model after the first two steps.
    pub canary: Option<String>,
}

/// A validation that was better than all before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// The epoch after which it was made.
    pub epoch: Epoch,
    /// Value of the choosing metric.
    pub value: f64,
    /// All scores of that validation.
    pub scores: Scores,
}

/// Why a stored state does not fit.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A model tensor does not fit.
    #[error("failed to restore the model")]
    Model(#[from] LoadError),
    /// The optimizer's tensors are not complete.
    #[error("failed to restore the optimizer: its moments are not complete")]
    Optimizer,
    /// The trainer's own part of the checkpoint is not what this version writes.
    #[error("failed to restore the trainer's bookkeeping")]
    Bookkeeping(#[source] serde_json::Error),
}

/// Returns parameters and buffers under their own names.
pub fn model_tensors(system: &dyn System) -> Vec<StoredTensor> {
    system.params().iter().map(|entry| to_stored(entry.name.clone(), &entry.tensor)).collect()
}

/// Returns everything that a checkpoint needs.
pub fn checkpoint_tensors(system: &dyn System) -> Vec<StoredTensor> {
    let model = system.params().iter();
    let model = model.map(|entry| to_stored(format!("{MODEL}{}", entry.name), &entry.tensor));
    let optimizer = system.optimizer_state().into_iter();
    let optimizer =
        optimizer.map(|(name, tensor)| to_stored(format!("{OPTIMIZER}{name}"), &tensor));
    model.chain(optimizer).collect()
}

/// Loads parameters and buffers.
///
/// # Errors
/// If a tensor is missing, unknown or of another shape.
pub fn load_model(system: &mut dyn System, tensors: &[StoredTensor]) -> Result<(), StateError> {
    Ok(system.params_mut().load(named(tensors, ""))?)
}

/// Loads a checkpoint that was taken after `updates` updates.
///
/// # Errors
/// If a tensor of the model or the optimizer is missing, unknown or of another shape.
pub fn load_checkpoint(
    system: &mut dyn System,
    updates: u64,
    tensors: &[StoredTensor],
) -> Result<(), StateError> {
    system.params_mut().load(named(tensors, MODEL))?;
    if system.restore_optimizer(updates, &named(tensors, OPTIMIZER)) {
        Ok(())
    } else {
        Err(StateError::Optimizer)
    }
}

/// Returns the tensors whose name has the prefix, without it.
fn named(tensors: &[StoredTensor], prefix: &str) -> BTreeMap<String, Tensor> {
    let with_prefix = |stored: &StoredTensor| {
        Some((stored.name.strip_prefix(prefix)?.to_owned(), from_stored(stored)?))
    };
    tensors.iter().filter_map(with_prefix).collect()
}
