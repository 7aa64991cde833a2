//! Gradient descent without momentum (`tf.train.GradientDescentOptimizer`, `torch.optim.SGD`).
//!
//! For a parameter p with gradient g and learning rate α:
//! ```text
//! p ← p − α g
//! ```

use super::tensorflow::single;
use crate::{libtorch::shim, nn::params::Params};
use reprise_base::config::optim::{GradientDescentForm, GradientDescentSpec};

/// Gradient descent for all parameters of a model; it has no state.
#[derive(Clone, Copy, Debug)]
pub struct GradientDescent {
    spec: GradientDescentSpec,
}

impl GradientDescent {
    /// Creates the optimizer.
    pub const fn new(spec: GradientDescentSpec) -> Self {
        Self { spec }
    }

    /// Updates every parameter that has a gradient.
    pub fn step(&self, params: &Params) {
        let GradientDescentSpec { learning_rate, form } = self.spec;
        tch::no_grad(|| {
            for entry in params.trained() {
                let mut p = entry.tensor.shallow_clone();
                let g = p.grad();
                if !g.defined() {
                    continue;
                }
                match form {
                    GradientDescentForm::TensorFlow => {
                        let _p = p.g_sub_(&(g * f64::from(single(learning_rate.get()))));
                    }
                    GradientDescentForm::PyTorch => {
                        let moved = shim::add_scaled(&p, &g, -learning_rate.get());
                        p.copy_(&moved);
                    }
                }
            }
        });
    }
}
