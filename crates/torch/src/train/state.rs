//! The state of a run in training: the named tensors of a checkpoint and their optimizers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tch::Tensor;

use crate::{
    libtorch::convert::{by_name, numbers, to_stored},
    nn::params::{LoadError, Params},
    optim::{AdamOptimizer, LossScale, Optimizer, ParameterAverage, clip},
};
use reprise_base::{
    config::{
        engine::Arithmetic,
        optim::{AdamSpec, OptimizerSpec},
        training::{GradientClipping, TrainingSpec},
    },
    scalar::Epoch,
};
use reprise_store::store::{
    event::Scores,
    tensors::{StoredTensor, state_digest},
};

/// Prefix of model tensors in a checkpoint.
const MODEL: &str = "model/";
/// Prefix of optimizer tensors in a checkpoint.
const OPTIMIZER: &str = "optimizer/";

/// The trainer's state besides tensors, stored in the checkpoint as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bookkeeping {
    /// The best validation of the run.
    pub best: Option<Best>,
    /// Digest of the model after two steps.
    pub canary: Option<String>,
}

impl Bookkeeping {
    /// Parses the trainer's entry of a checkpoint.
    ///
    /// # Errors
    /// If it is not valid JSON of this type.
    pub fn read(entry: Value) -> Result<Self, StateError> {
        serde_json::from_value(entry).map_err(StateError::Bookkeeping)
    }
}

/// The best validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    pub epoch: Epoch,
    /// Value of the choosing metric.
    pub value: f64,
    pub scores: Scores,
    /// Digest of the model at that validation. Missing in older checkpoints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl Best {
    /// Returns whether tensors are the model of that validation.
    pub fn is_model(&self, tensors: &[StoredTensor]) -> bool {
        self.model.as_ref().is_none_or(|digest| *digest == state_digest(tensors))
    }
}

/// Why a stored state does not fit.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A model tensor does not fit.
    #[error("failed to restore the model")]
    Model(#[from] LoadError),
    /// A tensor of an optimizer is missing or has another shape.
    #[error("failed to restore the optimizer: a tensor is missing or has another shape")]
    Optimizer,
    /// The trainer's entry of the checkpoint is not valid JSON of this version.
    #[error("failed to parse the trainer's entry of the checkpoint")]
    Bookkeeping(#[source] serde_json::Error),
}

/// A batch among those of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchPart {
    /// Batches of the update before this one.
    pub index: u64,
    /// Batches of the update.
    pub of: u64,
}

impl BatchPart {
    const fn is_last(self) -> bool {
        self.index + 1 == self.of
    }
}

/// What training changes: the tensors of a model and their optimizers.
#[derive(Debug)]
pub struct TrainState {
    /// Parameters and buffers.
    pub params: Params,
    /// One for the whole model, or one per module that has updates of its own.
    optimizers: Vec<Optimizer>,
    /// Beginnings of the names of the parameters of each optimizer.
    prefixes: Vec<String>,
    learning_rate: f64,
    /// By epoch; empty if the learning rate is constant.
    learning_rates: Vec<f64>,
    clipping: Option<GradientClipping>,
    average: Option<ParameterAverage>,
    /// The batch among those of the update.
    part: BatchPart,
    accumulated_batches: u64,
    /// Only in float16.
    loss_scale: Option<LossScale>,
}

impl TrainState {
    /// Creates the state before the first update, with one optimizer for all parameters.
    pub fn new(spec: OptimizerSpec, params: Params) -> Self {
        let optimizers = vec![Optimizer::new(spec, &params)];
        Self::with_optimizers(optimizers, vec![String::new()], spec.learning_rate().get(), params)
    }

    const fn with_optimizers(
        optimizers: Vec<Optimizer>,
        prefixes: Vec<String>,
        learning_rate: f64,
        params: Params,
    ) -> Self {
        Self {
            params,
            optimizers,
            prefixes,
            learning_rate,
            learning_rates: Vec::new(),
            clipping: None,
            average: None,
            part: BatchPart { index: 0, of: 1 },
            accumulated_batches: 1,
            loss_scale: None,
        }
    }

    /// Adds the schedule of the learning rate, the limit of gradients and the average of the weights.
    pub fn prepare(&mut self, training: &TrainingSpec) {
        let schedule = training.learning_rate_schedule;
        let table = schedule.map(|it| it.table(self.learning_rate, training.epochs));
        self.learning_rates = table.unwrap_or_default();
        self.clipping = training.gradient_clipping;
        self.average = training.weight_average.map(ParameterAverage::new);
        self.accumulated_batches = training.accumulated_batches.get();
    }

    /// Includes the parameters after an update in their average.
    pub fn end(&mut self) {
        if let Some(average) = &mut self.average {
            average.update(&self.params);
        }
    }

    /// Sets the learning rate of an epoch.
    pub fn begin(&mut self, epoch: Epoch) {
        let of_epoch = usize::try_from(epoch.0).ok().and_then(|at| self.learning_rates.get(at));
        let Some(&rate) = of_epoch else { return };
        self.learning_rate = rate;
        for optimizer in &mut self.optimizers {
            optimizer.set_learning_rate(rate);
        }
    }

    /// Adds what an arithmetic needs: float16 needs loss scaling.
    #[must_use]
    pub fn with_arithmetic(mut self, arithmetic: Arithmetic) -> Self {
        self.loss_scale = (arithmetic == Arithmetic::Fp16).then(LossScale::default);
        self
    }

    /// Creates the state before the first update, with one Adam per top-level module.
    pub fn of_modules<const N: usize>(
        spec: AdamSpec,
        params: Params,
        modules: [&'static str; N],
    ) -> Self {
        let adam = |module| Optimizer::Adam(AdamOptimizer::of_module(spec, &params, module));
        let optimizers = modules.map(adam).into();
        let prefixes = modules.map(|module| format!("{module}.")).into();
        Self::with_optimizers(optimizers, prefixes, spec.learning_rate.get(), params)
    }

    /// Returns the optimizers' step size.
    pub const fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// Returns the factor of the next loss, if losses are scaled.
    pub fn loss_scale(&self) -> Option<f64> {
        self.loss_scale.as_ref().map(LossScale::get)
    }

    /// Returns the batches whose gradients an update averages.
    pub const fn accumulated_batches(&self) -> u64 {
        self.accumulated_batches
    }

    /// Selects the batch of the update that is differentiated next.
    pub const fn select(&mut self, part: BatchPart) {
        self.part = part;
    }

    /// Sets all gradients to zero before the first batch of an update.
    pub fn zero_grad(&mut self) {
        if self.part.index == 0 {
            self.params.zero_grad();
        }
    }

    /// Differentiates the share of a loss in the update, scaled if losses are.
    pub fn backward(&self, loss: &Tensor) {
        let share = match self.part.of {
            1 => loss.shallow_clone(),
            batches => loss / batches as f64,
        };
        match &self.loss_scale {
            None => share.backward(),
            Some(scale) => scale.backward(&share),
        }
    }

    /// Completes the gradients (divides them by the scale of the loss, if losses are scaled), and returns the
    /// values of scalars. All that the host reads in a step is copied here, at once.
    pub fn complete_gradients(&mut self, scalars: &[&Tensor]) -> Vec<f64> {
        if !self.part.is_last() {
            return numbers(scalars);
        }
        let Some(scale) = &mut self.loss_scale else { return numbers(scalars) };
        let overflow = scale.unscale(&self.params);
        let mut values = numbers(&[scalars, &[&overflow]].concat());
        scale.observe(values.pop() != Some(0.0));
        values
    }

    /// Updates every parameter that has a gradient after the last batch of an update, unless gradients
    /// overflowed in float16.
    pub fn step(&mut self) {
        if self.part.is_last() && self.loss_scale.as_mut().is_none_or(LossScale::accepts) {
            self.clip("");
            for optimizer in &mut self.optimizers {
                optimizer.step(&self.params);
            }
        }
    }

    /// Same as [`TrainState::step`] up to rounding, with fused kernels where there are any.
    pub fn step_fused(&mut self) {
        if self.part.is_last() && self.loss_scale.as_mut().is_none_or(LossScale::accepts) {
            self.clip("");
            for optimizer in &mut self.optimizers {
                optimizer.step_fused(&self.params);
            }
        }
    }

    /// Updates the parameters of one module, given by its index in [`TrainState::of_modules`].
    pub fn step_module(&mut self, module: usize) {
        self.clip(&self.prefixes[module]);
        self.optimizers[module].step(&self.params);
    }

    /// Limits the gradients of the parameters whose names begin with `prefix`.
    fn clip(&self, prefix: &str) {
        let Some(clipping) = self.clipping else { return };
        let of_prefix = self.params.trained().filter(|entry| entry.name.starts_with(prefix));
        let gradients = of_prefix.map(|entry| entry.tensor.grad());
        let gradients: Vec<Tensor> = gradients.filter(Tensor::defined).collect();
        clip(clipping, &gradients);
    }

    /// Returns parameters and buffers under their own names.
    pub fn model_tensors(&self) -> Vec<StoredTensor> {
        self.params.iter().map(|entry| to_stored(entry.name.clone(), &entry.tensor)).collect()
    }

    /// Returns averaged parameters and the buffers under their own names, if parameters are averaged.
    pub fn averaged_tensors(&self) -> Option<Vec<StoredTensor>> {
        let averages: BTreeMap<String, &Tensor> = self.average.as_ref()?.state().collect();
        let tensors = self.params.iter().map(|entry| {
            let average = averages.get(&format!("{}/{}", ParameterAverage::KIND, entry.name));
            to_stored(entry.name.clone(), average.copied().unwrap_or(&entry.tensor))
        });
        Some(tensors.collect())
    }

    /// Returns all tensors of a checkpoint.
    pub fn checkpoint_tensors(&self) -> Vec<StoredTensor> {
        let model = self.params.iter();
        let model = model.map(|entry| to_stored(format!("{MODEL}{}", entry.name), &entry.tensor));
        // Unique even with several optimizers: each has the names of its own parameters.
        let moments = self.optimizers.iter().flat_map(Optimizer::state);
        let moments = moments
            .chain(self.loss_scale.iter().map(LossScale::state))
            .map(|(name, tensor)| to_stored(format!("{OPTIMIZER}{name}"), &tensor));
        let averages = self.average.iter().flat_map(ParameterAverage::state);
        let averages = averages.map(|(name, tensor)| to_stored(name, tensor));
        model.chain(moments).chain(averages).collect()
    }

    /// Loads parameters and buffers.
    ///
    /// # Errors
    /// If a tensor is missing, unknown or of another shape.
    pub fn load_model(&mut self, tensors: &[StoredTensor]) -> Result<(), StateError> {
        Ok(self.params.load(by_name(tensors, ""))?)
    }

    /// Loads a checkpoint that was written after `steps` steps.
    ///
    /// # Errors
    /// If a tensor of the model or an optimizer is missing, unknown or of another shape.
    pub fn load_checkpoint(
        &mut self,
        steps: u64,
        tensors: &[StoredTensor],
    ) -> Result<(), StateError> {
        self.params.load(by_name(tensors, MODEL))?;
        let moments = by_name(tensors, OPTIMIZER);
        let find = |name: &str| moments.get(name).map(Tensor::shallow_clone);
        let scale = self.loss_scale.as_mut();
        let mut complete = scale.is_none_or(|scale| scale.restore(find));
        let skipped = self.loss_scale.as_ref().map_or(0, LossScale::skipped);
        for optimizer in &mut self.optimizers {
            complete &= optimizer.restore(steps - skipped, find);
        }
        let kind = format!("{}/", ParameterAverage::KIND);
        let is_average = |tensor: &StoredTensor| tensor.name.starts_with(&kind);
        // A run that continues one without an average begins it with its next update.
        if let Some(average) = self.average.as_mut().filter(|_| tensors.iter().any(is_average)) {
            let stored = by_name(tensors, &kind);
            let find = |name: &str| stored.get(&name[kind.len()..]).map(Tensor::shallow_clone);
            complete &= average.restore(&self.params, find);
        }
        if complete { Ok(()) } else { Err(StateError::Optimizer) }
    }
}
