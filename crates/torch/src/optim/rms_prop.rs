//! RMSprop (Tieleman & Hinton 2012) in the arithmetic of `torch.optim.RMSprop` (`_single_tensor_rmsprop`).
//!
//! For a parameter p with gradient g, learning rate α, smoothing β, momentum μ and weight decay λ:
//! ```text
//! g ← g + λ p                                            (if λ > 0)
//! v ← β v + (1 − β) g²
//! b ← μ b + g / (√v + ε);   p ← p − α b                  (if μ > 0)
//! p ← p − α g / (√v + ε)                                 (otherwise)
//! ```

use tch::Tensor;

use super::slots::Slots;
use crate::{
    libtorch::shim::{self, addcdiv_, addcmul_},
    nn::params::Params,
};
use reprise_base::config::optim::RmsPropSpec;

/// RMSprop for all parameters of a model.
#[derive(Debug)]
pub struct RmsProp {
    spec: RmsPropSpec,
    pub(super) learning_rate: f64,
    /// v.
    squares: Slots,
    /// b; only with momentum.
    momentum: Option<Slots>,
}

impl RmsProp {
    /// Creates the state before the first update.
    pub fn new(spec: RmsPropSpec, params: &Params) -> Self {
        let momentum = (spec.momentum.get() > 0.0).then(|| Slots::new("momentum_buffer", params));
        let squares = Slots::new("square_avg", params);
        Self { spec, learning_rate: spec.learning_rate.get(), squares, momentum }
    }

    /// Returns the state as named tensors, `square_avg/NAME` and `momentum_buffer/NAME`.
    pub fn state(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.squares.state().chain(self.momentum.iter().flat_map(Slots::state))
    }

    /// Restores the tensors that [`RmsProp::state`] returned; returns `false` if one is missing or has another shape.
    pub fn restore(&mut self, mut find: impl FnMut(&str) -> Option<Tensor>) -> bool {
        let squares = self.squares.restore(&mut find);
        self.momentum.as_mut().is_none_or(|momentum| momentum.restore(&mut find)) && squares
    }

    /// Updates every parameter that has a gradient.
    pub fn step(&mut self, params: &Params) {
        let RmsPropSpec { smoothing, epsilon, momentum, weight_decay, .. } = self.spec;
        let (beta, mu, lambda) = (smoothing.get(), momentum.get(), weight_decay.get());
        let alpha = self.learning_rate;
        tch::no_grad(|| {
            for (at, entry) in params.trained().enumerate() {
                let p = entry.tensor.shallow_clone();
                let mut g = p.grad();
                if !g.defined() {
                    continue;
                }
                if lambda > 0.0 {
                    g = shim::add_scaled(&g, &p, lambda);
                }
                let v = self.squares.at(at);
                let _v = v.g_mul_scalar_(beta);
                addcmul_(v, &g, &g, 1.0 - beta);
                let denominator = v.sqrt().g_add_scalar_(epsilon.get());
                match &mut self.momentum {
                    Some(buffers) => {
                        let b = buffers.at(at);
                        let _b = b.g_mul_scalar_(mu);
                        addcdiv_(b, &g, &denominator, 1.0);
                        let moved = shim::add_scaled(&p, b, -alpha);
                        p.shallow_clone().copy_(&moved);
                    }
                    None => addcdiv_(&p, &g, &denominator, -alpha),
                }
            }
        });
    }
}
