//! Prediction of future frames (`utils.py:pred` of the original).

use tch::Tensor;

use super::{
    Cvae,
    gaussian_lstm::GaussianLstm,
    training::{ConditionedBatch, SkipPolicy},
};
use crate::{
    models::{NoisePurpose, NoiseSource},
    nn::{Mode, layers::LstmState},
};
use reprise_base::config::protocol::{Latent, RolloutFeedback};

/// How frames are predicted.
#[derive(Clone, Copy, Debug)]
pub struct RolloutPolicy {
    /// Distribution of z: N(0, I), or the learned prior if the model has one; or the posterior given the current input
    /// frame (`posterior=True`).
    pub latent: Latent,
    /// What the model reads after the context. The original always reads its predictions.
    pub feedback: RolloutFeedback,
    pub skips: SkipPolicy,
}

/// Rolls the model out in evaluation mode and returns `[T, B, C, H, W]`.
///
/// The first `context_frames` entries are the true frames. The model runs on them to advance its
/// states; its predictions there are dropped. `batch.frames` needs only the frames that are read; T is the
/// length of `batch.condition`.
pub fn rollout(
    model: &Cvae,
    batch: &ConditionedBatch,
    policy: RolloutPolicy,
    noise: &mut dyn NoiseSource,
) -> Tensor {
    let RolloutPolicy { latent, feedback, skips } = policy;
    tch::no_grad(|| {
        let frames = batch.condition.size()[0];
        let mut x_t = batch.frames.get(0);
        let mut predictor_states = model.frame_predictor.zero_states(&x_t);
        let mut source = LatentSource::new(model, latent, &x_t);
        let mut skip = None;
        let mut sequence = vec![x_t.shallow_clone()];
        for t in 1..frames {
            let (h, activations) = model.encoder.forward(&x_t, Mode::Eval);
            if skips.refreshes(t) {
                skip = Some(activations);
            }
            let z = source.sample(&h, t, noise);
            let info = Tensor::cat(&[&batch.condition.get(t - 1), &h, &z], 1);
            let g = model.frame_predictor.step(&info, &mut predictor_states, Mode::Eval);
            let prediction = model.decoder.forward(&g, skip.as_ref(), Mode::Eval);
            let is_given = t < skips.context_frames;
            x_t = match feedback {
                RolloutFeedback::FreeRunning if !is_given => prediction.shallow_clone(),
                RolloutFeedback::FreeRunning | RolloutFeedback::TeacherForced => {
                    batch.frames.get(t)
                }
            };
            sequence.push(if is_given { x_t.shallow_clone() } else { prediction });
        }
        Tensor::stack(&sequence, 0)
    })
}

/// The distribution of z with its recurrent state.
enum LatentSource<'a> {
    StandardNormal { z: i64 },
    Recurrent { gaussian: &'a GaussianLstm, states: Vec<LstmState> },
}

impl<'a> LatentSource<'a> {
    fn new(model: &'a Cvae, latent: Latent, like: &Tensor) -> Self {
        let gaussian = match (latent, &model.prior) {
            (Latent::Posterior, _) => &model.posterior,
            (Latent::Prior, Some(prior)) => prior,
            (Latent::Prior, None) => return Self::StandardNormal { z: model.posterior.z_size() },
        };
        Self::Recurrent { gaussian, states: gaussian.zero_states(like) }
    }

    fn sample(&mut self, h: &Tensor, t: i64, noise: &mut dyn NoiseSource) -> Tensor {
        let draw = u64::try_from(t).expect("time steps count from 1");
        let batch = h.size()[0];
        match self {
            Self::StandardNormal { z } => {
                noise.standard_normal(NoisePurpose::Rollout, draw, &[batch, *z], h)
            }
            Self::Recurrent { gaussian, states } => {
                let distribution = gaussian.step(h, states);
                let shape = [batch, gaussian.z_size()];
                let epsilon = noise.standard_normal(NoisePurpose::Rollout, draw, &shape, h);
                distribution.sample(&epsilon)
            }
        }
    }
}
