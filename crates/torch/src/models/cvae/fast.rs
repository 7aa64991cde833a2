//! The training objective with fewer operations: equal to
//! [`training::objective`](super::training::objective) up to rounding.
//!
//! - A true frame is the target of step t and, with teacher forcing, the input of step t + 1. The
//!   original encodes it twice with equal results, because BatchNorm in training uses only the
//!   batch. Here it is encoded once; the running statistics are still updated twice, with the
//!   original's values in the original's order.
//! - The decoder gets the same skip connections in many steps. Their part of its convolutions is
//!   computed once, and the rest without up-sampled copies
//!   ([`JoinedConv`](crate::nn::joined::JoinedConv)).
//! - Frames are stored with the channels of a pixel adjacent, for which convolutions are faster.

use tch::Tensor;

use super::{
    Cvae,
    training::{ConditionedBatch, CvaeObjective, Feedback, FrameCoder, SkipPolicy, objective_by},
    vgg::{SharedDecoder, SharedSkip, Skip, VggEncoder},
};
use crate::{
    models::NoiseSource,
    nn::layers::{BatchMoments, BatchNorm, channels_last},
};

/// Code and activations of a frame, and the batch statistics of its encoding.
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

/// Encodes each true frame once and shares skip connections.
struct Fast<'a> {
    encoder: &'a VggEncoder,
    decoder: SharedDecoder<'a>,
    feedback: Feedback,
    /// The true frame of step t.
    target: Option<Encoded<'a>>,
    /// The true frame of step t − 1.
    previous: Option<Encoded<'a>>,
}

impl FrameCoder for Fast<'_> {
    type Skip = SharedSkip;

    fn encode_target(&mut self, x_t: &Tensor) -> Tensor {
        let target = Encoded::new(self.encoder, x_t);
        let h_target = target.h.shallow_clone();
        self.previous = self.target.replace(target);
        h_target
    }

    fn encode_input(&mut self, previous: &Tensor) -> (Tensor, Skip) {
        let Encoded { h, activations, .. } = match (self.feedback, self.previous.take()) {
            (Feedback::TrueFrame, Some(encoded)) => {
                encoded.encode_again();
                encoded
            }
            _ => Encoded::new(self.encoder, previous),
        };
        (h, activations)
    }

    fn skip(&self, activations: Skip) -> SharedSkip {
        self.decoder.skip(&activations)
    }

    fn decode(&self, g: &Tensor, skip: Option<&SharedSkip>) -> Tensor {
        self.decoder.forward(g, skip)
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
    let ConditionedBatch { frames, condition } = batch;
    let time_and_batch = [frames.size()[0], frames.size()[1]]; // [T, B]
    let frames = channels_last(&frames.flatten(0, 1)).unflatten(0, time_and_batch);
    let batch = ConditionedBatch { frames, condition: condition.shallow_clone() };
    let (encoder, decoder) = (&model.encoder, SharedDecoder::new(&model.decoder, skips.rule));
    let mut coder = Fast { encoder, decoder, feedback, target: None, previous: None };
    objective_by(&mut coder, model, &batch, feedback, skips, noise)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::{
        models::{
            NoisePurpose,
            cvae::{CvaeDataSizes, training},
        },
        nn::params::{Builder, Params, TensorRole},
    };
    use reprise_base::{
        config::model::{
            CvaeSpec,
            cvae::{PredictorRecurrence, Prior, SkipRule},
        },
        scalar::{Count, Seed},
    };

    /// Far above the rounding errors of a step in f64, far below any difference in the computation.
    const TOLERANCE: f64 = 1e-12;
    const FRAMES: i64 = 5;
    const BATCH: i64 = 4;

    /// Deterministic values in place of noise.
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
        fn(&Cvae, &ConditionedBatch, Feedback, SkipPolicy, &mut dyn NoiseSource) -> CvaeObjective;

    /// Returns both terms, all gradients, and all buffers after the step, by name.
    fn step(
        spec: &CvaeSpec,
        feedback: Feedback,
        objective: ObjectiveOf,
        side: i64,
        arrange: fn(&mut Params),
    ) -> Vec<(String, Tensor)> {
        let builder = Builder::new(Seed(5), Kind::Double, Device::Cpu);
        let model =
            Cvae::new(&builder, spec, CvaeDataSizes { side, channels: 3, condition_size: 7 });
        let mut params = builder.finish();
        arrange(&mut params);
        let frames = waves(&[FRAMES, BATCH, 3, side, side], 0.9, 0.0) * 0.5 + 0.5;
        let batch = ConditionedBatch { frames, condition: waves(&[FRAMES, BATCH, 7], 0.3, 0.0) };
        let skips = SkipPolicy { rule: spec.skip, context_frames: 2 };
        let found = objective(&model, &batch, feedback, skips, &mut Waves);
        found.loss(0.5).backward();
        let mut values =
            vec![("mse".to_owned(), found.mse.detach()), ("kld".to_owned(), found.kld.detach())];
        for entry in params.trained() {
            values.push((format!("grad/{}", entry.name), entry.tensor.grad().copy()));
        }
        let buffers = params.iter().filter(|entry| entry.role == TensorRole::Buffer);
        values.extend(buffers.map(|entry| (entry.name.clone(), entry.tensor.copy())));
        values
    }

    #[track_caller]
    fn check(prior: Prior, skip: SkipRule, feedback: Feedback) {
        check_sized(&spec(prior, skip), feedback, 64);
    }

    #[track_caller]
    fn check_sized(spec: &CvaeSpec, feedback: Feedback, side: i64) {
        let exact = step(spec, feedback, training::objective, side, |_| {});
        let fast = step(spec, feedback, objective, side, Params::store_channels_last);
        assert_eq!(exact.len(), fast.len());
        for ((name, exact), (_, fast)) in exact.iter().zip(&fast) {
            assert_eq!(exact.size(), fast.size(), "{name}");
            if exact.kind() == Kind::Int64 {
                assert!(exact == fast, "{name}: {exact:?} and {fast:?}");
                continue;
            }
            let error = (exact - fast).abs().max().double_value(&[]);
            let scale = exact.abs().max().double_value(&[]).max(1.0);
            assert!(error <= TOLERANCE * scale, "{name}: {error:e}");
        }
    }

    #[test]
    fn teacher_forced_steps_equal_the_original_up_to_rounding() {
        check(Prior::Fixed, SkipRule::LastGroundTruth, Feedback::TrueFrame);
        check(Prior::Fixed, SkipRule::LastFrame, Feedback::TrueFrame);
        check(Prior::Fixed, SkipRule::None, Feedback::TrueFrame);
    }

    #[test]
    fn steps_on_predictions_equal_the_original_up_to_rounding() {
        check(Prior::Fixed, SkipRule::LastGroundTruth, Feedback::Prediction);
        check(Prior::Fixed, SkipRule::LastFrame, Feedback::Prediction);
    }

    #[test]
    fn frames_of_128_pixels_have_a_fast_step_too() {
        check_sized(&spec(Prior::Fixed, SkipRule::LastFrame), Feedback::TrueFrame, 128);
    }

    #[test]
    fn the_learned_prior_sees_the_same_codes() {
        let learned = Prior::Learned { layers: Count::literal(1) };
        check(learned, SkipRule::LastGroundTruth, Feedback::TrueFrame);
    }

    /// Without memory, the predictor's recurrent weights multiply zeros and get no gradient.
    #[test]
    fn a_predictor_without_recurrence_does_not_use_its_recurrent_weights() {
        let gradient = |predictor_recurrence| {
            let spec =
                CvaeSpec { predictor_recurrence, ..spec(Prior::Fixed, SkipRule::LastGroundTruth) };
            let values = step(&spec, Feedback::TrueFrame, training::objective, 64, |_| {});
            let name = "grad/frame_predictor.lstm.0.weight_hh";
            let (_, gradient) =
                values.into_iter().find(|(found, _)| found == name).expect("the cell has it");
            gradient.abs().max().double_value(&[])
        };
        assert!(gradient(PredictorRecurrence::Lstm) > 0.0);
        assert!(gradient(PredictorRecurrence::None) == 0.0);
    }
}
