//! Adagrad (Duchi et al. 2011, JMLR 12) in the arithmetic of `tf.train.AdagradOptimizer`.
//!
//! For a parameter p with gradient g, learning rate α and accumulator a:
//! ```text
//! a ← a + g²
//! p ← p − α g / √a
//! ```
//! The initial value of a (0.1 by default) keeps it positive, so there is no ε.

use tch::Tensor;

use super::tensorflow::single;
use crate::nn::params::Params;
use reprise_base::config::optim::AdagradSpec;

/// Sum of squared gradients of one parameter.
#[derive(Debug)]
struct Accumulator {
    /// Name of the parameter.
    name: String,
    /// Initial value + Σ g².
    a: Tensor,
}

/// Adagrad for all parameters of a model.
#[derive(Debug)]
pub struct Adagrad {
    pub(super) learning_rate: f64,
    updates: u64,
    accumulators: Vec<Accumulator>,
}

impl Adagrad {
    /// Creates the accumulators with their initial value.
    pub fn new(spec: AdagradSpec, params: &Params) -> Self {
        let start = spec.initial_accumulator.get();
        let accumulators = params
            .trained()
            .map(|entry| Accumulator {
                name: entry.name.clone(),
                a: entry.tensor.full_like(start).detach(),
            })
            .collect();
        Self { learning_rate: spec.learning_rate.get(), updates: 0, accumulators }
    }

    /// Returns the number of updates.
    pub const fn updates(&self) -> u64 {
        self.updates
    }

    /// Returns the accumulators as named tensors, `accumulator/NAME`.
    pub fn state(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.accumulators.iter().map(|Accumulator { name, a }| (format!("accumulator/{name}"), a))
    }

    /// Restores the tensors that [`Adagrad::state`] returned after `updates` updates; returns
    /// `false` if one is missing or has another shape.
    pub fn restore(&mut self, updates: u64, mut find: impl FnMut(&str) -> Option<Tensor>) -> bool {
        let mut complete = true;
        tch::no_grad(|| {
            for Accumulator { name, a } in &mut self.accumulators {
                match find(&format!("accumulator/{name}")) {
                    Some(value) if value.size() == a.size() => a.copy_(&value),
                    Some(_) | None => complete = false,
                }
            }
        });
        self.updates = updates;
        complete
    }

    /// Updates every parameter that has a gradient.
    pub fn step(&mut self, params: &Params) {
        self.updates += 1;
        let alpha = f64::from(single(self.learning_rate));
        tch::no_grad(|| {
            for (entry, Accumulator { a, .. }) in params.trained().zip(&mut self.accumulators) {
                let mut p = entry.tensor.shallow_clone();
                let g = p.grad();
                if !g.defined() {
                    continue;
                }
                let _a = a.addcmul_(&g, &g);
                let _p = p.addcdiv_(&(g * -alpha), &a.sqrt());
            }
        });
    }
}
