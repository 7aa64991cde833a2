//! Dynamic loss scaling (`torch.amp.GradScaler` with its defaults) for gradients that pass through float16.
//!
//! Numbers below 6e-8 are zero in float16. The loss L is therefore multiplied by a scale s, and gradients are
//! divided by it before the update:
//!
//! ```text
//! g = ∇(s L) / s
//! if every g is finite:  update;  s ← 2 s  after 2000 such steps since s last changed
//! otherwise:             no update;  s ← s / 2
//! ```
//! s starts at 65536. Deviation: a run whose gradients overflow at s = 1 has diverged, while the original
//! continues without ever updating.

use tch::{Device, Kind, Tensor};

use crate::{
    libtorch::{convert::to_host, shim},
    nn::params::Params,
};

/// `init_scale` is 2 to this power. `growth_factor` is 2 and `backoff_factor` 1/2, so the scale stays a power of 2.
const FIRST: i32 = 16;
/// `growth_interval`.
const INTERVAL: u64 = 2000;
/// Name of the state in a checkpoint.
const STATE: &str = "loss_scale";

/// The scale of a loss, and what it depends on.
#[derive(Debug)]
pub struct LossScale {
    exponent: i32,
    /// Updates since the scale last changed.
    updates: u64,
    /// Steps without update.
    skipped: u64,
    /// Whether the gradients of this step overflowed.
    overflow: bool,
}

impl Default for LossScale {
    /// The scale of the first step.
    fn default() -> Self {
        Self { exponent: FIRST, updates: 0, skipped: 0, overflow: false }
    }
}

impl LossScale {
    /// Returns the scale of the next loss.
    pub fn get(&self) -> f64 {
        f64::from(self.exponent).exp2()
    }

    /// Returns how many steps were skipped.
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Differentiates a loss multiplied by the scale.
    pub(crate) fn backward(&self, loss: &Tensor) {
        (loss * self.get()).backward();
    }

    /// Divides all gradients by the scale. Returns 1, as f32 `[1]`, if one of them is not finite, otherwise 0.
    pub(crate) fn unscale(&self, params: &Params) -> Tensor {
        let gradients = params.trained().map(|entry| entry.tensor.grad());
        let gradients: Vec<Tensor> = gradients.filter(Tensor::defined).collect();
        let device = gradients.first().map_or(Device::Cpu, Tensor::device);
        let inverse = Tensor::full([1], self.get().recip(), (Kind::Float, device));
        let overflow = Tensor::zeros([1], (Kind::Float, device));
        tch::no_grad(|| shim::unscale_(&gradients, &overflow, &inverse));
        overflow
    }

    /// Records whether the gradients overflowed.
    pub(crate) const fn observe(&mut self, overflow: bool) {
        self.overflow = overflow;
    }

    /// Adapts the scale; returns whether the step may update parameters.
    pub(crate) fn accepts(&mut self) -> bool {
        if self.overflow {
            self.exponent -= 1;
            self.skipped += 1;
            self.updates = 0;
        } else {
            self.updates += 1;
            if self.updates == INTERVAL {
                self.exponent += 1;
                self.updates = 0;
            }
        }
        !self.overflow
    }

    /// Returns the state as a named tensor, i64 `[3]`.
    pub(crate) fn state(&self) -> (String, Tensor) {
        let state = [self.exponent.into(), self.updates.cast_signed(), self.skipped.cast_signed()];
        (STATE.to_owned(), Tensor::from_slice(&state))
    }

    /// Restores what [`LossScale::state`] returned; returns `false` if it is missing or has another shape.
    pub(crate) fn restore(&mut self, find: impl FnOnce(&str) -> Option<Tensor>) -> bool {
        let Some(state) = find(STATE).map(|state| to_host::<i64>(&state)) else { return false };
        let &[exponent, updates, skipped] = &state[..] else { return false };
        let Ok(exponent) = i32::try_from(exponent) else { return false };
        let [updates, skipped] = [updates, skipped].map(i64::cast_unsigned);
        *self = Self { exponent, updates, skipped, overflow: false };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{init::Init, params::Builder};
    use reprise_base::scalar::Seed;

    /// A parameter `[2]` of zeros.
    fn parameter() -> (Tensor, Params) {
        let builder = Builder::new(Seed(1), Kind::Float, Device::Cpu);
        let p = builder.module("m").parameter("weight", &[2], Init::Constant(0.0));
        (p, builder.finish())
    }

    #[test]
    fn gradients_are_those_of_the_loss() {
        let (p, params) = parameter();
        let scale = LossScale::default();
        scale.backward(&(&p * 3.0).sum(Kind::Float));
        assert_eq!(to_host::<f32>(&p.grad()), [3.0 * 65536.0; 2]);
        assert_eq!(to_host::<f32>(&scale.unscale(&params)), [0.0]);
        assert_eq!(to_host::<f32>(&p.grad()), [3.0; 2]);
    }

    #[test]
    fn an_infinite_gradient_is_seen() {
        let (p, params) = parameter();
        let scale = LossScale::default();
        scale.backward(&(&p * Tensor::from_slice(&[1.0_f32, f32::MAX])).sum(Kind::Float));
        assert_eq!(to_host::<f32>(&scale.unscale(&params)), [1.0]);
    }

    /// Steps as `torch.amp.GradScaler` takes them: halved at once, doubled after 2000 updates in a row.
    #[test]
    fn the_scale_follows_the_overflows() {
        let mut scale = LossScale::default();
        let mut step = |overflow| {
            scale.observe(overflow);
            (scale.accepts(), scale.get(), scale.skipped())
        };
        assert_eq!(step(true), (false, 32768.0, 1));
        for _ in 0..1999 {
            assert_eq!(step(false), (true, 32768.0, 1));
        }
        assert_eq!(step(true), (false, 16384.0, 2));
        for _ in 0..1999 {
            assert_eq!(step(false), (true, 16384.0, 2));
        }
        assert_eq!(step(false), (true, 32768.0, 2));
    }

    #[test]
    fn the_state_survives_a_checkpoint() {
        let mut scale = LossScale::default();
        for overflow in [true, false, false] {
            scale.observe(overflow);
            scale.accepts();
        }
        let (name, state) = scale.state();
        let mut restored = LossScale::default();
        assert!(restored.restore(|it| (it == name).then_some(state)));
        assert_eq!((restored.exponent, restored.updates, restored.skipped), (15, 2, 1));
        assert!(!restored.restore(|_| None));
        assert!(!restored.restore(|_| Some(Tensor::from_slice(&[1_i64]))));
    }
}
