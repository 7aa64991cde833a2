//! Gradient descent without momentum, in the arithmetic of `torch.optim.SGD`.
//!
//! ```text
//! p ← p − α g
//! ```

use crate::{libtorch::shim, nn::params::Params, scalar::Positive};

/// Gradient descent over all parameters of a model; it has no state.
#[derive(Clone, Copy, Debug)]
pub struct Sgd {
    learning_rate: Positive,
}

impl Sgd {
    /// Sets the step size α.
    pub const fn new(learning_rate: Positive) -> Self {
        Self { learning_rate }
    }

    /// Moves every parameter that has a gradient.
    pub fn step(&self, params: &Params) {
        tch::no_grad(|| {
            for entry in params.trained() {
                let mut p = entry.tensor.shallow_clone();
                let g = p.grad();
                if g.defined() {
                    let moved = shim::add_scaled(&p, &g, -self.learning_rate.get());
                    p.copy_(&moved);
                }
            }
        });
    }
}
