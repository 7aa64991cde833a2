//! Plain gradient descent (`tf.train.GradientDescentOptimizer`).
//!
//! ```text
//! p ← p − α g
//! ```

use tch::Tensor;

use crate::{config::optim::GradientDescentSpec, nn::params::Params};

/// Gradient descent over all parameters of a model; it remembers nothing but how often it was used.
#[derive(Debug)]
pub struct GradientDescent {
    spec: GradientDescentSpec,
    /// Updates taken so far.
    updates: u64,
}

impl GradientDescent {
    /// Starts at no update.
    pub const fn new(spec: GradientDescentSpec) -> Self {
        Self { spec, updates: 0 }
    }

    /// Returns the number of updates taken so far.
    pub const fn updates(&self) -> u64 {
        self.updates
    }

    /// Returns the state as named tensors, of which there are none.
    pub fn state(&self) -> impl Iterator<Item = (String, &Tensor)> {
        std::iter::empty()
    }

    /// Takes up the state after `updates` updates; it is always complete.
    pub const fn restore(&mut self, updates: u64) -> bool {
        self.updates = updates;
        true
    }

    /// Moves every parameter that has a gradient.
    pub fn step(&mut self, params: &Params) {
        self.updates += 1;
        let alpha = super::single(self.spec.learning_rate.get());
        tch::no_grad(|| {
            for entry in params.trained() {
                let mut p = entry.tensor.shallow_clone();
                let g = p.grad();
                if g.defined() {
                    let _p = p.g_sub_(&(g * alpha));
                }
            }
        });
    }
}
