//! Adam (Kingma & Ba 2015, arXiv:1412.6980) in the arithmetic of `torch.optim.Adam` on one tensor.
//!
//! ```text
//! m ← lerp(m, g, 1 − β₁)
//! v ← β₂ v + (1 − β₂) g²
//! p ← p − α/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
//! ```
//!
//! The order of operations is PyTorch's (`_single_tensor_adam`), because the last bits depend on it.

use tch::Tensor;

use crate::{
    config::optim::AdamSpec,
    libtorch::shim::{AdamTensors, addcdiv_, addcmul_, fused_adam_},
    nn::params::Params,
};

/// Moments of one parameter.
#[derive(Debug)]
struct Moments {
    /// Name of the parameter.
    name: String,
    /// Running mean of the gradient.
    m: Tensor,
    /// Running mean of the squared gradient.
    v: Tensor,
}

/// Adam over all parameters of a model.
#[derive(Debug)]
pub struct Adam {
    spec: AdamSpec,
    /// Updates taken so far.
    updates: u64,
    moments: Vec<Moments>,
}

impl Adam {
    /// Starts with zero moments.
    pub fn new(spec: AdamSpec, params: &Params) -> Self {
        let moments = params
            .trained()
            .map(|entry| Moments {
                name: entry.name.clone(),
                m: entry.tensor.zeros_like().detach(),
                v: entry.tensor.zeros_like().detach(),
            })
            .collect();
        Self { spec, updates: 0, moments }
    }

    /// Returns the number of updates taken so far.
    pub const fn updates(&self) -> u64 {
        self.updates
    }

    /// Returns the moments as named tensors, `exp_avg/NAME` and `exp_avg_sq/NAME`.
    pub fn state(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.moments.iter().flat_map(|Moments { name, m, v }| {
            [(format!("exp_avg/{name}"), m), (format!("exp_avg_sq/{name}"), v)]
        })
    }

    /// Takes up a state that [`Adam::state`] gave after `updates` updates.
    pub fn restore(&mut self, updates: u64, mut find: impl FnMut(&str) -> Option<Tensor>) -> bool {
        let mut complete = true;
        tch::no_grad(|| {
            for Moments { name, m, v } in &mut self.moments {
                for (tensor, key) in
                    [(m, format!("exp_avg/{name}")), (v, format!("exp_avg_sq/{name}"))]
                {
                    match find(&key) {
                        Some(value) if value.size() == tensor.size() => tensor.copy_(&value),
                        Some(_) | None => complete = false,
                    }
                }
            }
        });
        self.updates = updates;
        complete
    }

    /// Moves every parameter that has a gradient.
    pub fn step(&mut self, params: &Params) {
        self.updates += 1;
        let AdamSpec { learning_rate, beta1, beta2, epsilon } = self.spec;
        let (alpha, beta1, beta2, epsilon) =
            (learning_rate.get(), beta1.get(), beta2.get(), epsilon.get());
        let t = self.updates as f64;
        let step_size = alpha / (1.0 - beta1.powf(t));
        let correction2_sqrt = (1.0 - beta2.powf(t)).sqrt();
        tch::no_grad(|| {
            for (entry, Moments { m, v, .. }) in params.trained().zip(&mut self.moments) {
                let g = entry.tensor.grad();
                if !g.defined() {
                    continue;
                }
                let _m = m.lerp_(&g, 1.0 - beta1);
                let _v = v.g_mul_scalar_(beta2);
                addcmul_(v, &g, &g, 1.0 - beta2);
                let denominator = v.sqrt().g_div_scalar_(correction2_sqrt).g_add_scalar_(epsilon);
                addcdiv_(&entry.tensor, m, &denominator, -step_size);
            }
        });
    }

    /// Moves every parameter as [`Adam::step`] does, but for the last bits, in one pass over memory
    /// (`torch.optim.Adam(fused=True)`).
    pub fn step_fused(&mut self, params: &Params) {
        self.updates += 1;
        let AdamSpec { learning_rate, beta1, beta2, epsilon } = self.spec;
        let rates = [learning_rate.get(), beta1.get(), beta2.get(), epsilon.get()];
        let step = Tensor::from(self.updates as f32);
        tch::no_grad(|| {
            for (entry, Moments { m, v, .. }) in params.trained().zip(&self.moments) {
                let (p, g) = (&entry.tensor, entry.tensor.grad());
                if g.defined() {
                    fused_adam_(AdamTensors { p, g: &g, m, v, step: &step }, rates);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::{
        nn::{init::Init, params::Builder},
        scalar::Seed,
    };

    #[test]
    fn the_fused_pass_takes_the_same_steps_up_to_rounding() {
        let steps: [fn(&mut Adam, &Params); 2] = [Adam::step, Adam::step_fused];
        let [single, fused] = steps.map(|step| {
            let builder = Builder::new(Seed(1), Kind::Double, Device::Cpu);
            let p =
                builder.module("m").parameter("weight", &[40, 30], Init::Uniform { bound: 1.0 });
            let mut params = builder.finish();
            let mut adam = Adam::new(AdamSpec::default(), &params);
            for _ in 0..5 {
                params.zero_grad();
                (p.sin() * &p).sum(Kind::Double).backward();
                step(&mut adam, &params);
            }
            assert_eq!(adam.updates(), 5);
            p.detach()
        });
        let start = Builder::new(Seed(1), Kind::Double, Device::Cpu);
        let start = start.module("m").parameter("weight", &[40, 30], Init::Uniform { bound: 1.0 });
        let difference = |a: &Tensor, b: &Tensor| (a - b).abs().max().double_value(&[]);
        assert!(difference(&single, &start) > 1e-3, "the parameters move");
        assert!(difference(&single, &fused) < 1e-14, "{:e}", difference(&single, &fused));
    }
}
