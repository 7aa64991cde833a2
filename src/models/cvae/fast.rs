//! The training objective in fewer operations: the same real numbers as
//! [`training::objective`](super::training::objective), other last bits.
//!
//! - A true frame is the target of step t and, with teacher forcing, the input of step t + 1. The
//!   original encodes it twice, with equal results, since BatchNorm in training looks at the batch
//!   only. Here it is encoded once. The running statistics move twice all the same, with the original's
//!   values in the original's order.
//! - The skip connections that the decoder gets are the same in many steps; their share of the
//!   decoder's convolutions is computed once, and the rest without enlarged copies
//!   ([`JoinedConv`](crate::nn::joined::JoinedConv)).
//! - Frames lie in memory with the channels of a pixel side by side, which convolutions prefer.

use tch::{Reduction, Tensor};

use super::{
    Cvae,
    training::{Feedback, Objective, Sequences, SkipPolicy, StepTrace, divergence, sample},
    vgg::{SharedDecoder, Skip, VggEncoder},
};
use crate::{
    models::{NoisePurpose, NoiseSource},
    nn::{
        Mode,
        layers::{BatchMoments, BatchNorm, channels_last},
    },
};

/// A frame's code and activations, and what encoding it once more does to the running statistics.
struct Encoded<'a> {
    h: Tensor,
    activations: Skip,
    observed: Vec<(&'a BatchNorm, BatchMoments)>,
}

impl<'a> Encoded<'a> {
    fn new(encoder: &'a VggEncoder, x: &Tensor) -> Self {
        let mut observed = Vec::new();
        let (h, activations) = encoder.forward_with(x, &mut |norm, x| {
            let (y, moments) = norm.forward_with_moments(x);
            observed.push((norm, moments));
            y
        });
        Self { h, activations, observed }
    }

    fn encode_again(&self) {
        for (norm, moments) in &self.observed {
            norm.observe(moments);
        }
    }
}

/// The frame that a step starts from.
enum Previous<'a> {
    Frame(Tensor),
    Encoded(Encoded<'a>),
}

/// Rolls the model through a batch in training mode and returns the terms of the objective.
pub fn objective(
    model: &Cvae,
    batch: &Sequences,
    feedback: Feedback,
    skips: SkipPolicy,
    noise: &mut dyn NoiseSource,
) -> Objective {
    let x = &batch.frames;
    let frames = x.size()[0];
    let first = channels_last(&x.get(0));
    let mut predictor_states = model.frame_predictor.zero_states(&first);
    let mut posterior_states = model.posterior.zero_states(&first);
    let mut prior = model.prior.as_ref().map(|prior| (prior, prior.zero_states(&first)));

    let decoder = SharedDecoder::new(&model.decoder);
    let mut skip = None;
    let mut previous = Previous::Frame(first);
    let zero = || Tensor::zeros([], (x.kind(), x.device()));
    let (mut mse, mut kld) = (zero(), zero());
    let mut steps = Vec::new();
    for t in 1..frames {
        let x_t = channels_last(&x.get(t));
        let target = Encoded::new(&model.encoder, &x_t);
        let posterior = model.posterior.step(&target.h, &mut posterior_states);
        let z = sample(&posterior, NoisePurpose::Posterior, t, noise);

        let input = match previous {
            Previous::Frame(frame) => Encoded::new(&model.encoder, &frame),
            Previous::Encoded(encoded) => {
                encoded.encode_again();
                encoded
            }
        };
        let h_input = input.h;
        if skips.refreshes(t) {
            skip = Some(decoder.skip(&input.activations));
        }
        let prior = prior.as_mut().map(|(prior, states)| {
            let prior = prior.step(&h_input, states);
            let thrown_away = sample(&prior, NoisePurpose::Prior, t, noise);
            (prior, thrown_away)
        });

        let info = Tensor::cat(&[&batch.condition.get(t - 1), &h_input, &z], 1);
        let g = model.frame_predictor.step(&info, &mut predictor_states, Mode::Train);
        let skip = skip.as_ref().expect("the first step refreshes the skip");
        let prediction = decoder.forward(&g, skip);

        let h_target = target.h.shallow_clone();
        previous = match feedback {
            Feedback::TrueFrame => Previous::Encoded(target),
            Feedback::Prediction => Previous::Frame(prediction.shallow_clone()),
        };
        mse += x_t.mse_loss(&prediction, Reduction::Mean);
        kld += divergence(&posterior, prior.as_ref().map(|(prior, _)| prior));
        steps.push(StepTrace { h_target, posterior, z, h_input, prior, g, prediction });
    }
    Objective { mse, kld, steps }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::{
        config::model::{
            CvaeSpec,
            cvae::{Prior, SkipRule},
        },
        models::cvae::training,
        nn::params::{Builder, Params, Role},
        scalar::{Count, Seed},
    };

    /// Far above the rounding of a step in f64, far below any difference in what is computed.
    const BOUND: f64 = 1e-12;
    const FRAMES: i64 = 5;
    const BATCH: i64 = 4;

    /// Waves in place of noise.
    struct Waves;

    impl NoiseSource for Waves {
        fn standard_normal(
            &mut self,
            purpose: NoisePurpose,
            draw: u64,
            shape: &[i64],
            like: &Tensor,
        ) -> Tensor {
            let phase = if purpose == NoisePurpose::Prior { 1.0 } else { 0.0 };
            waves(shape, 0.7 + draw as f64, phase).to_kind(like.kind())
        }
    }

    fn waves(shape: &[i64], frequency: f64, phase: f64) -> Tensor {
        let n = shape.iter().product::<i64>();
        (Tensor::arange(n, (Kind::Double, Device::Cpu)) * frequency + phase).sin().reshape(shape)
    }

    fn spec(prior: Prior, skip: SkipRule) -> CvaeSpec {
        let small = Count::literal(6);
        CvaeSpec {
            width: Count::literal(2),
            g_dim: small,
            z_dim: small,
            rnn_size: small,
            prior,
            skip,
            ..CvaeSpec::default()
        }
    }

    type ObjectiveOf =
        fn(&Cvae, &Sequences, Feedback, SkipPolicy, &mut dyn NoiseSource) -> Objective;

    /// Both terms, every gradient, and every buffer after the step, by name.
    fn step(
        spec: &CvaeSpec,
        feedback: Feedback,
        objective: ObjectiveOf,
        arrange: fn(&mut Params),
    ) -> Vec<(String, Tensor)> {
        let builder = Builder::new(Seed(5), Kind::Double, Device::Cpu);
        let model = Cvae::new(&builder, spec, 7);
        let mut params = builder.finish();
        arrange(&mut params);
        let frames = waves(&[FRAMES, BATCH, 3, 64, 64], 0.9, 0.0) * 0.5 + 0.5;
        let batch = Sequences { frames, condition: waves(&[FRAMES, BATCH, 7], 0.3, 0.0) };
        let skips = SkipPolicy { rule: spec.skip, context_frames: 2 };
        let found = objective(&model, &batch, feedback, skips, &mut Waves);
        found.loss(0.5).backward();
        let mut values =
            vec![("mse".to_owned(), found.mse.detach()), ("kld".to_owned(), found.kld.detach())];
        for entry in params.trained() {
            values.push((format!("grad/{}", entry.name), entry.tensor.grad().copy()));
        }
        let buffers = params.iter().filter(|entry| entry.role == Role::Buffer);
        values.extend(buffers.map(|entry| (entry.name.clone(), entry.tensor.copy())));
        values
    }

    #[track_caller]
    fn check(prior: Prior, skip: SkipRule, feedback: Feedback) {
        let spec = spec(prior, skip);
        let exact = step(&spec, feedback, training::objective, |_| {});
        let fast = step(&spec, feedback, objective, Params::store_channels_last);
        assert_eq!(exact.len(), fast.len());
        for ((name, exact), (_, fast)) in exact.iter().zip(&fast) {
            assert_eq!(exact.size(), fast.size(), "{name}");
            if exact.kind() == Kind::Int64 {
                assert!(exact == fast, "{name}: {exact:?} and {fast:?}");
                continue;
            }
            let error = (exact - fast).abs().max().double_value(&[]);
            let scale = exact.abs().max().double_value(&[]).max(1.0);
            assert!(error <= BOUND * scale, "{name}: {error:e}");
        }
    }

    #[test]
    fn teacher_forced_steps_equal_the_original_up_to_rounding() {
        check(Prior::Fixed, SkipRule::LastGroundTruth, Feedback::TrueFrame);
        check(Prior::Fixed, SkipRule::LastFrame, Feedback::TrueFrame);
    }

    #[test]
    fn steps_on_predictions_equal_the_original_up_to_rounding() {
        check(Prior::Fixed, SkipRule::LastGroundTruth, Feedback::Prediction);
        check(Prior::Fixed, SkipRule::LastFrame, Feedback::Prediction);
    }

    #[test]
    fn the_learned_prior_sees_the_same_codes() {
        let learned = Prior::Learned { layers: Count::literal(1) };
        check(learned, SkipRule::LastGroundTruth, Feedback::TrueFrame);
    }
}
