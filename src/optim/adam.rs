//! Adam (Kingma & Ba 2015, arXiv:1412.6980) in the arithmetic of `torch.optim.Adam` on one tensor.
//!
//! ```text
//! g ← g + λ p                                            (if there is weight decay)
//! m ← lerp(m, g, 1 − β₁)
//! v ← β₂ v + (1 − β₂) g²
//! p ← p − α/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
//! ```
//!
//! The order of operations is PyTorch's (`_single_tensor_adam`), because the last bits depend on it.

use tch::Tensor;

use crate::{
    config::optim::AdamSpec,
    libtorch::shim,
    nn::params::{NamedTensor, Params},
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

/// Adam over all parameters of a model, or over those of one of its modules.
#[derive(Debug)]
pub struct Adam {
    spec: AdamSpec,
    /// What the names of its parameters start with.
    prefix: String,
    /// Updates taken so far.
    updates: u64,
    moments: Vec<Moments>,
}

impl Adam {
    /// Starts with zero moments.
    pub fn new(spec: AdamSpec, params: &Params) -> Self {
        Self::with_prefix(spec, params, String::new())
    }

    /// Starts with zero moments for the parameters of the top-level module `module` alone.
    pub fn of_module(spec: AdamSpec, params: &Params, module: &str) -> Self {
        Self::with_prefix(spec, params, format!("{module}."))
    }

    fn with_prefix(spec: AdamSpec, params: &Params, prefix: String) -> Self {
        let moments = moved(params, &prefix)
            .map(|entry| Moments {
                name: entry.name.clone(),
                m: entry.tensor.zeros_like().detach(),
                v: entry.tensor.zeros_like().detach(),
            })
            .collect();
        Self { spec, prefix, updates: 0, moments }
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
        let AdamSpec { learning_rate, beta1, beta2, epsilon, weight_decay } = self.spec;
        let (alpha, beta1, beta2, epsilon) =
            (learning_rate.get(), beta1.get(), beta2.get(), epsilon.get());
        let t = self.updates as f64;
        let step_size = alpha / (1.0 - beta1.powf(t));
        let correction2_sqrt = (1.0 - beta2.powf(t)).sqrt();
        tch::no_grad(|| {
            for (entry, Moments { m, v, .. }) in moved(params, &self.prefix).zip(&mut self.moments)
            {
                let mut p = entry.tensor.shallow_clone();
                let mut g = p.grad();
                if !g.defined() {
                    continue;
                }
                if weight_decay.get() > 0.0 {
                    g = shim::add_scaled(&g, &p, weight_decay.get());
                }
                // tch has no `value=`; scaling the gradient first gives the same bits.
                let _m = m.lerp_(&g, 1.0 - beta1);
                let _v = v.g_mul_scalar_(beta2).addcmul_(&(&g * (1.0 - beta2)), &g);
                let denominator = v.sqrt() / correction2_sqrt + epsilon;
                let _p = p.addcdiv_(&(&*m * -step_size), &denominator);
            }
        });
    }
}

/// Returns the trained parameters whose names start with `prefix`.
fn moved<'a>(params: &'a Params, prefix: &'a str) -> impl Iterator<Item = &'a NamedTensor> {
    params.trained().filter(move |entry| entry.name.starts_with(prefix))
}
