//! Adam (Kingma & Ba 2015, arXiv:1412.6980) in the arithmetic of the framework that its spec names.
//!
//! `PyTorch` (`_single_tensor_adam`):
//! ```text
//! m ← lerp(m, g, 1 − β₁)
//! v ← β₂ v + (1 − β₂) g²
//! p ← p − α/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
//! ```
//! TensorFlow 1 (`ApplyAdam`) and Chainer 2 (`AdamRule.update_core_cpu`):
//! ```text
//! m ← m + (1 − β₁)(g − m)
//! v ← v + (1 − β₂)(g² − v)
//! p ← p − α √(1 − β₂ᵗ)/(1 − β₁ᵗ) · m / (√v + ε)
//! ```
//! The order of operations is the framework's, because the last bits depend on it.

use tch::{Kind, Tensor};

use crate::{
    config::optim::{AdamForm, AdamSpec},
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
        tch::no_grad(|| {
            for (entry, moments) in params.trained().zip(&mut self.moments) {
                let g = entry.tensor.grad();
                if !g.defined() {
                    continue;
                }
                let p = entry.tensor.shallow_clone();
                match self.spec.form {
                    AdamForm::PyTorch => corrected(self.spec, self.updates, p, &g, moments),
                    AdamForm::TensorFlow => {
                        let rates = Rates::tensorflow(self.spec, self.updates, p.kind());
                        uncorrected(&rates, p, &g, moments);
                    }
                    AdamForm::Chainer => {
                        uncorrected(&Rates::chainer(self.spec, self.updates), p, &g, moments);
                    }
                }
            }
        });
    }
}

/// ε beside the corrected second moment.
fn corrected(spec: AdamSpec, updates: u64, mut p: Tensor, g: &Tensor, moments: &mut Moments) {
    let AdamSpec { learning_rate, beta1, beta2, epsilon, form: _ } = spec;
    let (alpha, beta1, beta2) = (learning_rate.get(), beta1.get(), beta2.get());
    let t = updates as f64;
    let step_size = alpha / (1.0 - beta1.powf(t));
    let correction2_sqrt = (1.0 - beta2.powf(t)).sqrt();
    let Moments { m, v, .. } = moments;
    // tch has no `value=`; scaling the gradient first gives the same bits.
    let _m = m.lerp_(g, 1.0 - beta1);
    let _v = v.g_mul_scalar_(beta2).addcmul_(&(g * (1.0 - beta2)), g);
    let denominator = v.sqrt() / correction2_sqrt + epsilon.get();
    let _p = p.addcdiv_(&(&*m * -step_size), &denominator);
}

/// ε beside the uncorrected second moment.
fn uncorrected(rates: &Rates, mut p: Tensor, g: &Tensor, moments: &mut Moments) {
    let &Rates { first, second, step_size, epsilon } = rates;
    let Moments { m, v, .. } = moments;
    *m += (g - &*m) * first;
    *v += (g * g - &*v) * second;
    p -= (&*m * step_size) / (v.sqrt() + epsilon);
}

/// The numbers of one update in TensorFlow's and Chainer's form.
struct Rates {
    /// 1 − β₁.
    first: f64,
    /// 1 − β₂.
    second: f64,
    /// α √(1 − β₂ᵗ)/(1 − β₁ᵗ).
    step_size: f64,
    epsilon: f64,
}

impl Rates {
    /// Hyper-parameters and powers are f32 variables; the step size has the parameter's kind.
    fn tensorflow(spec: AdamSpec, updates: u64, kind: Kind) -> Self {
        let AdamSpec { learning_rate, beta1, beta2, epsilon, form: _ } = spec;
        let [alpha, beta1, beta2, epsilon] =
            [learning_rate.get(), beta1.get(), beta2.get(), epsilon.get()].map(single);
        let (power1, power2) = (power(beta1, updates), power(beta2, updates));
        let step_size = if kind == Kind::Double {
            let [alpha, power1, power2] = [alpha, power1, power2].map(f64::from);
            alpha * (1.0 - power2).sqrt() / (1.0 - power1)
        } else {
            f64::from(alpha * (1.0 - power2).sqrt() / (1.0 - power1))
        };
        let [beta1, beta2, epsilon] = [beta1, beta2, epsilon].map(f64::from);
        Self { first: 1.0 - beta1, second: 1.0 - beta2, step_size, epsilon }
    }

    fn chainer(spec: AdamSpec, updates: u64) -> Self {
        let AdamSpec { learning_rate, beta1, beta2, epsilon, form: _ } = spec;
        let (alpha, beta1, beta2) = (learning_rate.get(), beta1.get(), beta2.get());
        let t = updates as f64;
        let step_size = alpha * (1.0 - beta2.powf(t)).sqrt() / (1.0 - beta1.powf(t));
        Self { first: 1.0 - beta1, second: 1.0 - beta2, step_size, epsilon: epsilon.get() }
    }
}

/// Returns βᵗ as TensorFlow keeps it: an f32 that is multiplied once per update.
fn power(beta: f32, updates: u64) -> f32 {
    let mut power = 1.0;
    for _ in 0..updates {
        power *= beta;
        if power == 0.0 {
            break; // zero stays zero
        }
    }
    power
}

#[expect(clippy::cast_possible_truncation, reason = "TensorFlow keeps these numbers as f32")]
const fn single(x: f64) -> f32 {
    x as f32
}
