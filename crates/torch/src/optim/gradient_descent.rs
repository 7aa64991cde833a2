//! Gradient descent (`tf.train.GradientDescentOptimizer`, `torch.optim.SGD`).
//!
//! For a parameter p with gradient g, learning rate α, momentum μ and weight decay λ:
//! ```text
//! g ← g + λ p                                            (if λ > 0)
//! b ← μ b + g, in the first update b ← g                 (if μ > 0)
//! g ← b, with Nesterov's momentum g ← g + μ b            (if μ > 0)
//! p ← p − α g
//! ```
//! Momentum and weight decay are those of PyTorch (`_single_tensor_sgd`).

use tch::Tensor;

use super::{slots::Slots, tensorflow::single};
use crate::{libtorch::shim, nn::params::Params};
use reprise_base::config::optim::{GradientDescentForm, GradientDescentSpec, MomentumKind};

/// Gradient descent for all parameters of a model.
#[derive(Debug)]
pub struct GradientDescent {
    spec: GradientDescentSpec,
    pub(super) learning_rate: f64,
    /// b; only with momentum.
    momentum: Option<Slots>,
    updates: u64,
}

impl GradientDescent {
    /// Creates the optimizer.
    pub fn new(spec: GradientDescentSpec, params: &Params) -> Self {
        let momentum = (spec.momentum.get() > 0.0).then(|| Slots::new("momentum_buffer", params));
        Self { spec, learning_rate: spec.learning_rate.get(), momentum, updates: 0 }
    }

    /// Returns the state as named tensors, `momentum_buffer/NAME`.
    pub fn state(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.momentum.iter().flat_map(Slots::state)
    }

    /// Restores the tensors that [`GradientDescent::state`] returned after `updates` updates; returns `false` if one is
    /// missing or has another shape.
    pub fn restore(&mut self, updates: u64, mut find: impl FnMut(&str) -> Option<Tensor>) -> bool {
        self.updates = updates;
        self.momentum.as_mut().is_none_or(|momentum| momentum.restore(&mut find))
    }

    /// Updates every parameter that has a gradient.
    pub fn step(&mut self, params: &Params) {
        let is_first = self.updates == 0;
        self.updates += 1;
        let alpha = self.learning_rate;
        tch::no_grad(|| {
            for (at, entry) in params.trained().enumerate() {
                let mut p = entry.tensor.shallow_clone();
                let g = p.grad();
                if !g.defined() {
                    continue;
                }
                match self.spec.form {
                    GradientDescentForm::TensorFlow => {
                        let _p = p.g_sub_(&(g * f64::from(single(alpha))));
                    }
                    GradientDescentForm::PyTorch => {
                        let moved =
                            shim::add_scaled(&p, &self.direction(at, g, &p, is_first), -alpha);
                        p.copy_(&moved);
                    }
                }
            }
        });
    }

    /// Returns the direction of an update: the gradient with weight decay and momentum.
    fn direction(&mut self, at: usize, mut g: Tensor, p: &Tensor, is_first: bool) -> Tensor {
        let GradientDescentSpec { momentum: mu, momentum_kind, weight_decay, .. } = self.spec;
        if weight_decay.get() > 0.0 {
            g = shim::add_scaled(&g, p, weight_decay.get());
        }
        let Some(buffers) = &mut self.momentum else { return g };
        let b = buffers.at(at);
        if is_first {
            b.copy_(&g);
        } else {
            let moved = shim::add_scaled(&b.g_mul_scalar_(mu.get()), &g, 1.0);
            b.copy_(&moved);
        }
        match momentum_kind {
            MomentumKind::Classical => b.shallow_clone(),
            MomentumKind::Nesterov => shim::add_scaled(&g, b, mu.get()),
        }
    }
}
