//! What the trainer needs of a system.

use std::collections::BTreeMap;

use tch::Tensor;

use super::{batch::Batch, cvae::CvaeSystem};
use crate::{
    config::{RunSpec, model::ModelSpec},
    data::Split,
    nn::params::Params,
    scalar::{Epoch, Step},
    store::record::SeriesDefinition,
};

/// A system in training: its model with optimizer and schedules.
pub trait System {
    /// Returns every tensor of the model.
    fn params(&self) -> &Params;

    /// Returns every tensor of the model for loading.
    fn params_mut(&mut self) -> &mut Params;

    /// Takes one optimizer step and returns its scalars by series name.
    ///
    /// # Errors
    /// If a quantity is not finite; the parameters are then left as they were.
    fn update(&mut self, batch: &Batch, at: At) -> Result<BTreeMap<String, f64>, Divergence>;

    /// Predicts the frames after the context: `[T, B, C, H, W]` with the context in front.
    ///
    /// `sequences` are the indices within `split`, which name the noise of each sequence.
    fn rollout(&self, batch: &Batch, split: Split, sequences: &[usize]) -> Tensor;

    /// Returns the optimizer's tensors by name.
    fn optimizer_state(&self) -> Vec<(String, Tensor)>;

    /// Takes up an optimizer state after `updates` updates; `false` if a tensor is missing.
    fn restore_optimizer(&mut self, updates: u64, tensors: &BTreeMap<String, Tensor>) -> bool;

    /// Returns how many frames of a sequence are used, and how many of them are context.
    fn horizon(&self) -> Horizon;

    /// Returns what each series of [`System::update`] means.
    fn series(&self) -> BTreeMap<String, SeriesDefinition>;

    /// Returns the named random streams and what each is used for.
    fn streams(&self) -> BTreeMap<String, String>;
}

/// Where in training an update stands.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// The update, counted over the whole run.
    pub step: Step,
    /// Its epoch.
    pub epoch: Epoch,
}

/// Frames of a sequence that a system uses.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    /// Frames that are given.
    pub context: usize,
    /// Frames altogether.
    pub frames: usize,
}

/// A quantity that stopped being finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// Which quantity.
    pub quantity: String,
    /// Its value.
    pub value: f64,
}

/// Builds the system of a run on a device; `condition_size` is the data's.
pub fn build(spec: &RunSpec, condition_size: usize, device: tch::Device) -> Box<dyn System> {
    match &spec.model {
        ModelSpec::Cvae(cvae) => Box::new(CvaeSystem::new(spec, cvae, condition_size, device)),
    }
}
