//! Limits of gradients, in the arithmetic of PyTorch.

use tch::Tensor;

use reprise_base::config::training::GradientClipping;

/// Added to the norm by `torch.nn.utils.clip_grad_norm_`.
const EPSILON: f64 = 1e-6;

/// Limits gradients in place.
///
/// ```text
/// norm:   g ← g · min(1, limit / (|(|g₁|, |g₂|, …)| + 1e-6))
/// value:  g ← min(max(g, −limit), limit)
/// ```
pub fn clip(clipping: GradientClipping, gradients: &[Tensor]) {
    let Some(first) = gradients.first() else { return };
    tch::no_grad(|| match clipping {
        GradientClipping::Norm(limit) => {
            let norms: Vec<Tensor> =
                gradients.iter().map(|g| g.norm().to_device(first.device())).collect();
            let total = Tensor::stack(&norms, 0).norm();
            // As `max_norm / (total_norm + 1e-6)` in Python: the reciprocal of a tensor times a number.
            let factor = (total + EPSILON).reciprocal() * limit.get();
            let factor = factor.clamp_max(1.0);
            for g in gradients {
                let _g = g.shallow_clone().g_mul_(&factor.to_device(g.device()));
            }
        }
        GradientClipping::Value(limit) => {
            for g in gradients {
                let _g = g.shallow_clone().clamp_(-limit.get(), limit.get());
            }
        }
    });
}
