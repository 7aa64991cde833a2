//! The training objective (`train` of the original; sections on the fixed prior and "Implement
//! learned prior").
//!
//! ```text
//! L = Σ_t mean((x_t − x̂_t)²) + β Σ_t KL(q(z_t) ‖ p(z_t)) / B        t = 1 … T − 1
//! ```
//! T is the length of the sequences, B the batch size, β the KL weight.

use tch::{Kind, Reduction, Tensor};

use super::{Cvae, gaussian_lstm::Gaussian, vgg::Skip};
use crate::{
    models::{NoisePurpose, NoiseSource},
    nn::Mode,
};
use reprise_base::config::model::cvae::SkipRule;

/// Variance of the posterior mean above which a dimension of z counts as active.
const ACTIVE_VARIANCE: f64 = 0.01;

/// A batch of sequences, time first as in the original.
#[derive(Debug)]
pub struct ConditionedBatch {
    /// Frames `[T, B, C, H, W]` in [0, 1].
    pub frames: Tensor,
    /// Action ⊕ position `[T, B, A]`.
    pub condition: Tensor,
}

/// The previous frame that the next time step reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// The true frame (teacher forcing).
    TrueFrame,
    /// The prediction, with gradient.
    Prediction,
}

/// Intermediate results at time step t.
#[derive(Debug)]
pub struct StepTrace {
    /// Code of the true frame `x_t`, input of the posterior.
    pub h_target: Tensor,
    /// `q(z_t)`.
    pub posterior: Gaussian,
    /// Sample of the posterior.
    pub z: Tensor,
    /// Code of the previous frame, true or predicted.
    pub h_input: Tensor,
    /// The learned prior `p(z_t)` with its unused sample.
    pub prior: Option<(Gaussian, Tensor)>,
    /// Predicted code.
    pub g: Tensor,
    /// Predicted frame `[B, C, H, W]`.
    pub prediction: Tensor,
}

/// The two terms of the objective, summed over time, with intermediate results.
#[derive(Debug)]
pub struct CvaeObjective {
    /// `Σ_t mean((x_t − x̂_t)²)`.
    pub mse: Tensor,
    /// `Σ_t KL / B`.
    pub kld: Tensor,
    /// One entry for each t = 1 … T − 1.
    pub steps: Vec<StepTrace>,
}

impl CvaeObjective {
    /// Computes the differentiated loss `mse + β · kld`.
    pub fn loss(&self, kl_weight: f64) -> Tensor {
        &self.mse + &self.kld * kl_weight
    }

    /// Counts the dimensions of z that carry information about the frames: those whose posterior mean has a variance
    /// above 0.01 over the sequences and time steps of the batch. After Burda, Grosse & Salakhutdinov 2016
    /// (arXiv:1509.00519, section 5.1), who take the variance over a whole data set.
    ///
    /// ```text
    /// #{ d : Var_{b,t}( E[z_{b,t,d}] ) > 0.01 }
    /// ```
    pub fn active_units(&self) -> Tensor {
        let means: Vec<Tensor> = self.steps.iter().map(|step| step.posterior.mu.detach()).collect();
        let means = Tensor::cat(&means, 0).to_kind(Kind::Float); // [(T − 1) B, z]
        let variances = means.var_dim(0, false, false);
        variances.gt(ACTIVE_VARIANCE).sum(Kind::Float)
    }
}

/// Which frames provide the decoder's skip connections.
#[derive(Clone, Copy, Debug)]
pub struct SkipPolicy {
    pub rule: SkipRule,
    /// `n_past`.
    pub context_frames: i64,
}

impl SkipPolicy {
    /// Returns whether the skip connections are refreshed at t: `last_frame_skip or t <= n_past`
    /// (SVG: `<`).
    pub(super) fn refreshes(self, t: i64) -> bool {
        match self.rule {
            SkipRule::LastGroundTruth => t <= self.context_frames,
            SkipRule::LastFrame => true,
            SkipRule::None => false,
        }
    }
}

/// Encodes and decodes frames in training mode.
pub(super) trait FrameCoder {
    /// Skip connections in the form that the decoder takes.
    type Skip;

    /// Returns the code of the true frame `x_t`.
    fn encode_target(&mut self, x_t: &Tensor) -> Tensor;

    /// Returns the code and the activations of the previous frame, true or predicted.
    fn encode_input(&mut self, previous: &Tensor) -> (Tensor, Skip);

    /// Converts activations to skip connections.
    fn skip(&self, activations: Skip) -> Self::Skip;

    /// Returns the frame of a code; `skip` is absent with [`SkipRule::None`].
    fn decode(&self, g: &Tensor, skip: Option<&Self::Skip>) -> Tensor;
}

/// The original's operations in its order.
struct Exact<'a>(&'a Cvae);

impl FrameCoder for Exact<'_> {
    type Skip = Skip;

    fn encode_target(&mut self, x_t: &Tensor) -> Tensor {
        self.0.encoder.forward(x_t, Mode::Train).0
    }

    fn encode_input(&mut self, previous: &Tensor) -> (Tensor, Skip) {
        self.0.encoder.forward(previous, Mode::Train)
    }

    fn skip(&self, activations: Skip) -> Skip {
        activations
    }

    fn decode(&self, g: &Tensor, skip: Option<&Skip>) -> Tensor {
        self.0.decoder.forward(g, skip, Mode::Train)
    }
}

/// Computes the terms of the objective for a batch in training mode.
pub fn objective(
    model: &Cvae,
    batch: &ConditionedBatch,
    feedback: Feedback,
    skips: SkipPolicy,
    noise: &mut dyn NoiseSource,
) -> CvaeObjective {
    objective_by(&mut Exact(model), model, batch, feedback, skips, noise)
}

/// Computes the objective with the given encoding and decoding of frames.
///
/// As in the original, `x_t` is encoded before the previous frame, so the running statistics of
/// BatchNorm are updated twice per time step in this order.
pub(super) fn objective_by<C: FrameCoder>(
    coder: &mut C,
    model: &Cvae,
    batch: &ConditionedBatch,
    feedback: Feedback,
    skips: SkipPolicy,
    noise: &mut dyn NoiseSource,
) -> CvaeObjective {
    let x = &batch.frames;
    let frames = x.size()[0];
    let first = x.get(0);
    let mut predictor_states = model.frame_predictor.zero_states(&first);
    let mut posterior_states = model.posterior.zero_states(&first);
    let mut prior = model.prior.as_ref().map(|prior| (prior, prior.zero_states(&first)));

    let mut skip = None;
    let mut previous = first;
    let zero = || Tensor::zeros([], (x.kind(), x.device()));
    let (mut mse, mut kld) = (zero(), zero());
    let mut steps = Vec::new();
    for t in 1..frames {
        let x_t = x.get(t);
        let h_target = coder.encode_target(&x_t);
        let posterior = model.posterior.step(&h_target, &mut posterior_states);
        let z = sample(&posterior, NoisePurpose::Posterior, t, noise);

        let (h_input, activations) = coder.encode_input(&previous);
        if skips.refreshes(t) {
            skip = Some(coder.skip(activations));
        }
        let prior = prior.as_mut().map(|(prior, states)| {
            let prior = prior.step(&h_input, states);
            let unused = sample(&prior, NoisePurpose::Prior, t, noise);
            (prior, unused)
        });

        let info = Tensor::cat(&[&batch.condition.get(t - 1), &h_input, &z], 1);
        let g = model.frame_predictor.step(&info, &mut predictor_states, Mode::Train);
        let prediction = coder.decode(&g, skip.as_ref());

        previous = match feedback {
            Feedback::TrueFrame => x_t.shallow_clone(),
            Feedback::Prediction => prediction.shallow_clone(),
        };
        mse += x_t.mse_loss(&prediction, Reduction::Mean);
        kld += divergence(&posterior, prior.as_ref().map(|(prior, _)| prior));
        steps.push(StepTrace { h_target, posterior, z, h_input, prior, g, prediction });
    }
    CvaeObjective { mse, kld, steps }
}

fn sample(
    gaussian: &Gaussian,
    purpose: NoisePurpose,
    t: i64,
    noise: &mut dyn NoiseSource,
) -> Tensor {
    let (rows, columns) = gaussian.mu.size2().expect("mu is [B, z]");
    let draw = u64::try_from(t).expect("time steps count from 1");
    gaussian.sample(&noise.standard_normal(purpose, draw, &[rows, columns], &gaussian.mu))
}

fn divergence(posterior: &Gaussian, prior: Option<&Gaussian>) -> Tensor {
    match prior {
        None => kl_to_standard_normal(posterior),
        Some(prior) => kl_between(posterior, prior),
    }
}

/// Computes KL(N(μ, σ²) ‖ N(0, I)) / B, summed over batch and elements (`kl_criterion`).
///
/// ```text
/// −½ Σ (1 + log σ² − μ² − exp(log σ²)) / B
/// ```
pub fn kl_to_standard_normal(q: &Gaussian) -> Tensor {
    let terms: Tensor = 1.0 + &q.logvar - q.mu.pow_tensor_scalar(2) - q.logvar.exp();
    terms.sum(q.mu.kind()) * -0.5 / q.mu.size()[0] as f64
}

/// Computes KL(N(μ₁, σ₁²) ‖ N(μ₂, σ₂²)) / B, summed over batch and elements (`kl_divergence`).
///
/// ```text
/// Σ [ log(σ₂ / σ₁) + (exp(log σ₁²) + (μ₁ − μ₂)²) / (2 exp(log σ₂²)) − ½ ] / B
/// ```
pub fn kl_between(q: &Gaussian, p: &Gaussian) -> Tensor {
    let sigma1 = (&q.logvar * 0.5).exp();
    let sigma2 = (&p.logvar * 0.5).exp();
    let squared = (&q.mu - &p.mu).pow_tensor_scalar(2);
    let terms = (sigma2 / sigma1).log() + (q.logvar.exp() + squared) / (p.logvar.exp() * 2.0) - 0.5;
    terms.sum(q.mu.kind()) / q.mu.size()[0] as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_active_if_its_mean_depends_on_the_frames() {
        let scalar = || Tensor::zeros([], (Kind::Float, tch::Device::Cpu));
        let step = |mu: [f32; 8]| {
            let mu = Tensor::from_slice(&mu).view([2, 4]);
            let posterior =
                Gaussian { mu, logvar: Tensor::zeros([2, 4], (Kind::Float, tch::Device::Cpu)) };
            let [h_target, z, h_input, g, prediction] = std::array::from_fn(|_| scalar());
            StepTrace { h_target, posterior, z, h_input, prior: None, g, prediction }
        };
        // Constant; different between sequences; between time steps; too little (variance 0.0064).
        let steps = vec![
            step([3.0, 1.0, 0.5, 0.08, 3.0, 2.0, 0.5, -0.08]),
            step([3.0, 1.0, 0.9, 0.08, 3.0, 2.0, 0.9, -0.08]),
        ];
        let objective = CvaeObjective { mse: scalar(), kld: scalar(), steps };
        assert_eq!(f64::try_from(objective.active_units()).ok(), Some(2.0));
    }
}
