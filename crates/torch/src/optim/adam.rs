//! Adam (Kingma & Ba 2015, arXiv:1412.6980, Algorithm 1) in the arithmetic of three frameworks.
//!
//! p is a parameter and g its gradient, m and v are the moments, t counts updates from 1, α is the
//! learning rate, λ the weight decay.
//!
//! PyTorch (`_single_tensor_adam`):
//! ```text
//! g ← g + λ p                                            (if λ > 0)
//! p ← (1 − α λ) p                                        (instead, if the decay is decoupled: AdamW)
//! m ← lerp(m, g, 1 − β₁)
//! v ← β₂ v + (1 − β₂) g²
//! p ← p − α/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
//! ```
//! TensorFlow 1 (`ApplyAdam`) and Chainer 2 (`AdamRule.update_core_cpu`), where ε is added to the
//! uncorrected moment (the paper's remark before section 2.1):
//! ```text
//! m ← m + (1 − β₁)(g − m)
//! v ← v + (1 − β₂)(g² − v)
//! p ← p − α √(1 − β₂ᵗ)/(1 − β₁ᵗ) · m / (√v + ε)
//! ```
//! The order of operations is that of the framework, because the last bits depend on it.

use tch::{Kind, Tensor};

use super::tensorflow::single;
use crate::{
    libtorch::shim::{self, AdamTensors, addcdiv_, addcmul_, fused_adam_},
    nn::params::{NamedTensor, Params},
};
use reprise_base::config::optim::{AdamForm, AdamSpec, WeightDecay};

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

/// Adam for all parameters of a model, or for those of one module.
#[derive(Debug)]
pub struct AdamOptimizer {
    spec: AdamSpec,
    pub(super) learning_rate: f64,
    /// Prefix of the names of its parameters.
    prefix: String,
    updates: u64,
    moments: Vec<Moments>,
}

impl AdamOptimizer {
    /// Creates zero moments for all parameters.
    pub fn new(spec: AdamSpec, params: &Params) -> Self {
        Self::with_prefix(spec, params, String::new())
    }

    /// Creates zero moments for the parameters of the top-level module `module`.
    pub fn of_module(spec: AdamSpec, params: &Params, module: &str) -> Self {
        Self::with_prefix(spec, params, format!("{module}."))
    }

    fn with_prefix(spec: AdamSpec, params: &Params, prefix: String) -> Self {
        let moments = trained(params, &prefix)
            .map(|entry| Moments {
                name: entry.name.clone(),
                m: entry.tensor.zeros_like().detach(),
                v: entry.tensor.zeros_like().detach(),
            })
            .collect();
        Self { spec, learning_rate: spec.learning_rate.get(), prefix, updates: 0, moments }
    }

    /// Returns the number of updates.
    pub const fn updates(&self) -> u64 {
        self.updates
    }

    /// Returns the moments as named tensors, `exp_avg/NAME` and `exp_avg_sq/NAME`.
    pub fn state(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.moments.iter().flat_map(|Moments { name, m, v }| {
            [(format!("exp_avg/{name}"), m), (format!("exp_avg_sq/{name}"), v)]
        })
    }

    /// Restores the tensors that [`AdamOptimizer::state`] returned after `updates` updates; returns
    /// `false` if one is missing or has another shape.
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

    /// Updates every parameter that has a gradient.
    pub fn step(&mut self, params: &Params) {
        self.updates += 1;
        tch::no_grad(|| {
            for (entry, moments) in trained(params, &self.prefix).zip(&mut self.moments) {
                let mut g = entry.tensor.grad();
                if !g.defined() {
                    continue;
                }
                let p = entry.tensor.shallow_clone();
                let (alpha, lambda) = (self.learning_rate, self.spec.weight_decay.get());
                match self.spec.decay {
                    WeightDecay::L2 if lambda > 0.0 => g = shim::add_scaled(&g, &p, lambda),
                    WeightDecay::Decoupled if lambda > 0.0 => decay(&p, alpha * lambda),
                    WeightDecay::L2 | WeightDecay::Decoupled => {}
                }
                match self.spec.form {
                    AdamForm::PyTorch => corrected(self.spec, alpha, self.updates, &p, &g, moments),
                    AdamForm::TensorFlow => {
                        let rates = Rates::tensorflow(self.spec, alpha, self.updates, p.kind());
                        uncorrected(rates, p, &g, moments);
                    }
                    AdamForm::Chainer => {
                        let rates = Rates::chainer(self.spec, alpha, self.updates);
                        uncorrected(rates, p, &g, moments);
                    }
                }
            }
        });
    }

    /// Same as [`AdamOptimizer::step`] up to rounding, in one pass over memory
    /// (`torch.optim.Adam(fused=True)`). Forms other than PyTorch's are not fused.
    pub fn step_fused(&mut self, params: &Params) {
        let AdamSpec { beta1, beta2, epsilon, weight_decay, decay: kind, form, .. } = self.spec;
        if form != AdamForm::PyTorch {
            return self.step(params);
        }
        self.updates += 1;
        let (alpha, mut lambda) = (self.learning_rate, weight_decay.get());
        if kind == WeightDecay::Decoupled && lambda > 0.0 {
            tch::no_grad(|| {
                for entry in trained(params, &self.prefix).filter(|it| it.tensor.grad().defined()) {
                    decay(&entry.tensor, alpha * lambda);
                }
            });
            lambda = 0.0;
        }
        let rates = [alpha, beta1.get(), beta2.get(), epsilon.get(), lambda];
        let all = trained(params, &self.prefix).zip(&self.moments);
        let tensors: Vec<_> = all
            .map(|(entry, Moments { m, v, .. })| AdamTensors {
                p: &entry.tensor,
                g: entry.tensor.grad(),
                m,
                v,
            })
            .filter(|tensors| tensors.g.defined())
            .collect();
        let Some(first) = tensors.first() else { return };
        let step = Tensor::from(self.updates as f32).to_device(first.p.device());
        tch::no_grad(|| fused_adam_(&tensors, &step, rates));
    }
}

/// Returns the trained parameters whose names start with `prefix`.
fn trained<'a>(params: &'a Params, prefix: &'a str) -> impl Iterator<Item = &'a NamedTensor> {
    params.trained().filter(move |entry| entry.name.starts_with(prefix))
}

/// Multiplies a parameter by 1 − `share`.
fn decay(p: &Tensor, share: f64) {
    let _p = p.shallow_clone().g_mul_scalar_(1.0 - share);
}

/// Updates one parameter with ε added to the corrected second moment (PyTorch).
fn corrected(
    spec: AdamSpec,
    alpha: f64,
    updates: u64,
    p: &Tensor,
    g: &Tensor,
    moments: &mut Moments,
) {
    let AdamSpec { beta1, beta2, epsilon, .. } = spec;
    let (beta1, beta2) = (beta1.get(), beta2.get());
    let t = updates as f64;
    let step_size = alpha / (1.0 - beta1.powf(t));
    let correction2_sqrt = (1.0 - beta2.powf(t)).sqrt();
    let Moments { m, v, .. } = moments;
    let _m = m.lerp_(g, 1.0 - beta1);
    let _v = v.g_mul_scalar_(beta2);
    addcmul_(v, g, g, 1.0 - beta2);
    let denominator = v.sqrt().g_div_scalar_(correction2_sqrt).g_add_scalar_(epsilon.get());
    addcdiv_(p, m, &denominator, -step_size);
}

/// Updates one parameter with ε added to the uncorrected second moment (TensorFlow, Chainer).
fn uncorrected(rates: Rates, mut p: Tensor, g: &Tensor, moments: &mut Moments) {
    let Rates { first, second, step_size, epsilon } = rates;
    let Moments { m, v, .. } = moments;
    *m += (g - &*m) * first;
    *v += (g * g - &*v) * second;
    p -= (&*m * step_size) / (v.sqrt() + epsilon);
}

/// Coefficients of an update in TensorFlow's and Chainer's form.
#[derive(Clone, Copy)]
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
    /// TensorFlow keeps hyper-parameters and powers in f32 and computes the step size in the kind
    /// of the parameter.
    fn tensorflow(spec: AdamSpec, alpha: f64, updates: u64, kind: Kind) -> Self {
        let AdamSpec { beta1, beta2, epsilon, .. } = spec;
        let [alpha, beta1, beta2, epsilon] =
            [alpha, beta1.get(), beta2.get(), epsilon.get()].map(single);
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

    fn chainer(spec: AdamSpec, alpha: f64, updates: u64) -> Self {
        let AdamSpec { beta1, beta2, epsilon, .. } = spec;
        let (beta1, beta2) = (beta1.get(), beta2.get());
        let t = updates as f64;
        let step_size = alpha * (1.0 - beta2.powf(t)).sqrt() / (1.0 - beta1.powf(t));
        Self { first: 1.0 - beta1, second: 1.0 - beta2, step_size, epsilon: epsilon.get() }
    }
}

/// Computes βᵗ as TensorFlow does: an f32 that is multiplied by β once per update.
fn power(beta: f32, updates: u64) -> f32 {
    let mut power = 1.0;
    for _ in 0..updates {
        power *= beta;
        if power == 0.0 {
            break; // it remains 0
        }
    }
    power
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::nn::{init::Init, params::Builder};
    use reprise_base::scalar::Seed;

    #[test]
    fn the_fused_pass_takes_the_same_steps_up_to_rounding() {
        let steps: [fn(&mut AdamOptimizer, &Params); 2] =
            [AdamOptimizer::step, AdamOptimizer::step_fused];
        let [single, fused] = steps.map(|step| {
            let builder = Builder::new(Seed(1), Kind::Double, Device::Cpu);
            let p =
                builder.module("m").parameter("weight", &[40, 30], Init::Uniform { bound: 1.0 });
            let mut params = builder.finish();
            let mut adam = AdamOptimizer::new(AdamSpec::default(), &params);
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
        assert!(difference(&single, &start) > 1e-3, "the parameters change");
        assert!(difference(&single, &fused) < 1e-14, "{:e}", difference(&single, &fused));
    }
}
