//! The state of a run in training: named tensors that a checkpoint keeps, and what moves them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tch::Tensor;

use crate::{
    config::optim::{AdamSpec, OptimizerSpec},
    libtorch::convert::{to_stored, with_prefix},
    nn::params::{LoadError, Params},
    optim::{Adam, Optimizer},
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

impl Bookkeeping {
    /// Reads what a checkpoint kept.
    ///
    /// # Errors
    /// If it is not the JSON form of this type.
    pub fn read(kept: Value) -> Result<Self, StateError> {
        serde_json::from_value(kept).map_err(StateError::Bookkeeping)
    }
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

/// What training changes: the tensors of a model and the optimizers that move them.
#[derive(Debug)]
pub struct TrainState {
    /// Parameters and buffers.
    pub params: Params,
    /// One for the whole model, or one for each module that is moved in its turn.
    optimizers: Vec<Optimizer>,
    learning_rate: f64,
}

impl TrainState {
    /// Starts before the first update, with one optimizer for all parameters.
    pub fn new(spec: OptimizerSpec, params: Params) -> Self {
        let optimizers = vec![Optimizer::new(spec, &params)];
        Self { params, optimizers, learning_rate: spec.learning_rate().get() }
    }

    /// Starts before the first update, with an Adam for each of these top-level modules.
    pub fn of_modules<const N: usize>(
        spec: AdamSpec,
        params: Params,
        modules: [&'static str; N],
    ) -> Self {
        let adam = |module| Optimizer::Adam(Adam::of_module(spec, &params, module));
        let optimizers = modules.map(adam).into();
        Self { params, optimizers, learning_rate: spec.learning_rate.get() }
    }

    /// Returns the optimizers' step size.
    pub const fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// Moves every parameter that has a gradient.
    pub fn step(&mut self) {
        for optimizer in &mut self.optimizers {
            optimizer.step(&self.params);
        }
    }

    /// Moves every parameter as [`TrainState::step`] does, but for the last bits, where there is a
    /// faster way.
    pub fn step_fused(&mut self) {
        for optimizer in &mut self.optimizers {
            optimizer.step_fused(&self.params);
        }
    }

    /// Moves the parameters of one module, by its place in [`TrainState::of_modules`].
    pub fn step_module(&mut self, module: usize) {
        self.optimizers[module].step(&self.params);
    }

    /// Returns parameters and buffers under their own names.
    pub fn model_tensors(&self) -> Vec<StoredTensor> {
        self.params.iter().map(|entry| to_stored(entry.name.clone(), &entry.tensor)).collect()
    }

    /// Returns everything that a checkpoint needs.
    pub fn checkpoint_tensors(&self) -> Vec<StoredTensor> {
        let model = self.params.iter();
        let model = model.map(|entry| to_stored(format!("{MODEL}{}", entry.name), &entry.tensor));
        // The names of several optimizers do not meet: each names its own parameters.
        let moments = self.optimizers.iter().flat_map(Optimizer::state);
        let moments =
            moments.map(|(name, tensor)| to_stored(format!("{OPTIMIZER}{name}"), &tensor));
        model.chain(moments).collect()
    }

    /// Loads parameters and buffers.
    ///
    /// # Errors
    /// If a tensor is missing, unknown or of another shape.
    pub fn load_model(&mut self, tensors: &[StoredTensor]) -> Result<(), StateError> {
        Ok(self.params.load(with_prefix(tensors, ""))?)
    }

    /// Loads a checkpoint that was taken after `updates` updates.
    ///
    /// # Errors
    /// If a tensor of the model or an optimizer is missing, unknown or of another shape.
    pub fn load_checkpoint(
        &mut self,
        updates: u64,
        tensors: &[StoredTensor],
    ) -> Result<(), StateError> {
        self.params.load(with_prefix(tensors, MODEL))?;
        let moments = with_prefix(tensors, OPTIMIZER);
        let mut complete = true;
        for optimizer in &mut self.optimizers {
            complete &=
                optimizer.restore(updates, |name| moments.get(name).map(Tensor::shallow_clone));
        }
        if complete { Ok(()) } else { Err(StateError::Optimizer) }
    }
}
