//! Optimizers whose whole state is named tensors, so that a run can be continued bit for bit.

use tch::Tensor;

use crate::{config::optim::OptimizerSpec, nn::params::Params};

pub mod adagrad;
pub mod adam;
pub mod gradient_descent;

pub use adagrad::Adagrad;
pub use adam::AdamOptimizer;
pub use gradient_descent::GradientDescent;

/// The optimizer that a sweep file chose.
#[derive(Debug)]
pub enum Optimizer {
    /// Adam.
    Adam(AdamOptimizer),
    /// Gradient descent without momentum.
    GradientDescent(GradientDescent),
    /// Adagrad.
    Adagrad(Adagrad),
}

impl Optimizer {
    /// Starts before the first update of all parameters of a model.
    pub fn new(spec: OptimizerSpec, params: &Params) -> Self {
        match spec {
            OptimizerSpec::Adam(spec) => Self::Adam(AdamOptimizer::new(spec, params)),
            OptimizerSpec::GradientDescent(spec) => {
                Self::GradientDescent(GradientDescent::new(spec))
            }
            OptimizerSpec::Adagrad(spec) => Self::Adagrad(Adagrad::new(spec, params)),
        }
    }

    /// Moves every parameter that has a gradient.
    pub fn step(&mut self, params: &Params) {
        match self {
            Self::Adam(adam) => adam.step(params),
            Self::GradientDescent(descent) => descent.step(params),
            Self::Adagrad(adagrad) => adagrad.step(params),
        }
    }

    /// Moves every parameter as [`Optimizer::step`] does, but for the last bits, where there is a
    /// faster way.
    pub fn step_fused(&mut self, params: &Params) {
        match self {
            Self::Adam(adam) => adam.step_fused(params),
            Self::GradientDescent(_) | Self::Adagrad(_) => self.step(params),
        }
    }

    /// Returns the state as named tensors.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        fn named<'a>(state: impl Iterator<Item = (String, &'a Tensor)>) -> Vec<(String, Tensor)> {
            state.map(|(name, tensor)| (name, tensor.shallow_clone())).collect()
        }
        match self {
            Self::Adam(adam) => named(adam.state()),
            Self::GradientDescent(_) => Vec::new(),
            Self::Adagrad(adagrad) => named(adagrad.state()),
        }
    }

    /// Takes up a state that [`Optimizer::state`] gave after `updates` updates; `false` if a tensor
    /// is missing or has another shape.
    pub fn restore(&mut self, updates: u64, find: impl FnMut(&str) -> Option<Tensor>) -> bool {
        match self {
            Self::Adam(adam) => adam.restore(updates, find),
            Self::GradientDescent(_) => true,
            Self::Adagrad(adagrad) => adagrad.restore(updates, find),
        }
    }
}

/// Rounds a step size as TensorFlow 1 does, which keeps it in single precision whatever it moves.
#[expect(clippy::cast_possible_truncation, reason = "rounding to single precision is the purpose")]
fn single(alpha: f64) -> f64 {
    f64::from(alpha as f32)
}
