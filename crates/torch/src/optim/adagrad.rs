//! Adagrad (Duchi et al. 2011, JMLR 12) in the arithmetic of `tf.train.AdagradOptimizer`.
//!
//! For a parameter p with gradient g, learning rate α and accumulator a:
//! ```text
//! a ← a + g²
//! p ← p − α g / √a
//! ```
//! The initial value of a (0.1 by default) keeps it positive, so there is no ε.

use tch::Tensor;

use super::{slots::Slots, tensorflow::single};
use crate::nn::params::Params;
use reprise_base::config::optim::AdagradSpec;

/// Adagrad for all parameters of a model.
#[derive(Debug)]
pub struct Adagrad {
    pub(super) learning_rate: f64,
    /// a: the initial value + Σ g².
    accumulators: Slots,
}

impl Adagrad {
    /// Creates the accumulators with their initial value.
    pub fn new(spec: AdagradSpec, params: &Params) -> Self {
        let start = spec.initial_accumulator.get();
        let accumulators = Slots::filled("accumulator", params, start);
        Self { learning_rate: spec.learning_rate.get(), accumulators }
    }

    /// Returns the accumulators as named tensors, `accumulator/NAME`.
    pub fn state(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.accumulators.state()
    }

    /// Restores the tensors that [`Adagrad::state`] returned; returns `false` if one is missing or has another shape.
    pub fn restore(&mut self, mut find: impl FnMut(&str) -> Option<Tensor>) -> bool {
        self.accumulators.restore(&mut find)
    }

    /// Updates every parameter that has a gradient.
    pub fn step(&mut self, params: &Params) {
        let alpha = f64::from(single(self.learning_rate));
        tch::no_grad(|| {
            for (at, entry) in params.trained().enumerate() {
                let mut p = entry.tensor.shallow_clone();
                let g = p.grad();
                if !g.defined() {
                    continue;
                }
                let a = self.accumulators.at(at);
                let _a = a.addcmul_(&g, &g);
                let _p = p.addcdiv_(&(g * -alpha), &a.sqrt());
            }
        });
    }
}
