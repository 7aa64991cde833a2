//! Optimizers whose whole state is named tensors, so that resumed runs are bit-equal.

use tch::Tensor;

use crate::nn::params::Params;
use reprise_base::config::optim::OptimizerSpec;

pub mod adagrad;
pub mod adam;
mod average;
mod clipping;
pub mod gradient_descent;
pub mod loss_scale;
pub mod rms_prop;
mod slots;
mod tensorflow;
#[cfg(test)]
mod tests;

pub use adagrad::Adagrad;
pub use adam::AdamOptimizer;
pub use average::ParameterAverage;
pub use clipping::clip;
pub use gradient_descent::GradientDescent;
pub use loss_scale::LossScale;
pub use rms_prop::RmsProp;

/// The optimizer of a run.
#[derive(Debug)]
pub enum Optimizer {
    Adam(AdamOptimizer),
    GradientDescent(GradientDescent),
    Adagrad(Adagrad),
    RmsProp(RmsProp),
}

impl Optimizer {
    /// Creates the state before the first update of all parameters of a model.
    pub fn new(spec: OptimizerSpec, params: &Params) -> Self {
        match spec {
            OptimizerSpec::Adam(spec) => Self::Adam(AdamOptimizer::new(spec, params)),
            OptimizerSpec::GradientDescent(spec) => {
                Self::GradientDescent(GradientDescent::new(spec, params))
            }
            OptimizerSpec::Adagrad(spec) => Self::Adagrad(Adagrad::new(spec, params)),
            OptimizerSpec::RmsProp(spec) => Self::RmsProp(RmsProp::new(spec, params)),
        }
    }

    /// Changes the learning rate of the following updates.
    pub const fn set_learning_rate(&mut self, rate: f64) {
        let of_optimizer = match self {
            Self::Adam(adam) => &mut adam.learning_rate,
            Self::GradientDescent(descent) => &mut descent.learning_rate,
            Self::Adagrad(adagrad) => &mut adagrad.learning_rate,
            Self::RmsProp(rms_prop) => &mut rms_prop.learning_rate,
        };
        *of_optimizer = rate;
    }

    /// Updates every parameter that has a gradient.
    pub fn step(&mut self, params: &Params) {
        match self {
            Self::Adam(adam) => adam.step(params),
            Self::GradientDescent(descent) => descent.step(params),
            Self::Adagrad(adagrad) => adagrad.step(params),
            Self::RmsProp(rms_prop) => rms_prop.step(params),
        }
    }

    /// Same as [`Optimizer::step`] up to rounding, with a fused kernel if there is one.
    pub fn step_fused(&mut self, params: &Params) {
        match self {
            Self::Adam(adam) => adam.step_fused(params),
            Self::GradientDescent(_) | Self::Adagrad(_) | Self::RmsProp(_) => self.step(params),
        }
    }

    /// Returns the state as named tensors.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        fn named<'a>(state: impl Iterator<Item = (String, &'a Tensor)>) -> Vec<(String, Tensor)> {
            state.map(|(name, tensor)| (name, tensor.shallow_clone())).collect()
        }
        match self {
            Self::Adam(adam) => named(adam.state()),
            Self::GradientDescent(descent) => named(descent.state()),
            Self::Adagrad(adagrad) => named(adagrad.state()),
            Self::RmsProp(rms_prop) => named(rms_prop.state()),
        }
    }

    /// Restores the tensors that [`Optimizer::state`] returned after `updates` updates; returns
    /// `false` if one is missing or has another shape.
    pub fn restore(&mut self, updates: u64, find: impl FnMut(&str) -> Option<Tensor>) -> bool {
        match self {
            Self::Adam(adam) => adam.restore(updates, find),
            Self::GradientDescent(descent) => descent.restore(updates, find),
            Self::Adagrad(adagrad) => adagrad.restore(find),
            Self::RmsProp(rms_prop) => rms_prop.restore(find),
        }
    }
}
