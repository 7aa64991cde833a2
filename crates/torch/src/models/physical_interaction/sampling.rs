//! Scheduled sampling (Bengio et al. 2015, arXiv:1506.03099): the previous frame that a step after
//! the context reads.

use tch::{Kind, Tensor};

use crate::nn::Mode;
use reprise_base::{
    config::model::physical_interaction::Port,
    scalar::{Count, Step},
    schedule::ScheduledSampling,
};

/// Source of random permutations of a batch: a named stream in training, recorded ones in a reference
/// case.
pub trait ShuffleSource {
    /// Returns a permutation of `0..batch` for the `draw`-th step after the context.
    fn permutation(&mut self, draw: u64, batch: i64) -> Vec<i64>;
}

/// The previous frame of a step after the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduledFeedback {
    /// The model's own prediction, with gradient (`feedself`).
    Prediction,
    /// The true frame for `true_frames` sequences of the batch, chosen at every step; the
    /// prediction for the others.
    Mixture { true_frames: u64 },
}

impl ScheduledFeedback {
    /// Returns the feedback of an update or evaluation at `step`.
    ///
    /// 16: TensorFlow's validation model uses scheduled sampling, too; the last commit of the port to
    /// Chainer feeds back predictions in evaluation. Without a schedule (`k = -1`) all feed back
    /// predictions.
    pub fn at(
        sampling: ScheduledSampling,
        port: Port,
        batch: Count,
        step: Step,
        mode: Mode,
    ) -> Self {
        if (port, mode) == (Port::Chainer, Mode::Eval) {
            return Self::Prediction;
        }
        match sampling.true_frames(batch, step, port.schedule_arithmetic()) {
            None => Self::Prediction,
            Some(true_frames) => Self::Mixture { true_frames },
        }
    }
}

/// Mixes true and generated frames `[B, C, H, W]` (`scheduled_sample`); the first `true_frames`
/// sequences of `order` get the true frame.
pub fn mix(
    truth: &Tensor,
    generated: &Tensor,
    order: &[i64],
    true_frames: u64,
    port: Port,
) -> Tensor {
    let first = usize::try_from(true_frames).map_or(order.len(), |n| n.min(order.len()));
    let batch = i64::try_from(order.len()).expect("a batch fits an i64");
    let mut chosen = vec![false; order.len()];
    for &sequence in &order[..first] {
        chosen[usize::try_from(sequence).expect("the order is a permutation")] = true;
    }
    let chosen = Tensor::from_slice(&chosen).to_device(truth.device()).view([batch, 1, 1, 1]);
    debug_assert_eq!(chosen.kind(), Kind::Bool);
    let mixed = truth.where_self(&chosen, generated);
    match port {
        // 16: `tf.dynamic_stitch` passes the gradient to the generated frames.
        Port::Tensorflow(_) => mixed,
        // The port mixes NumPy copies, without gradient.
        Port::Chainer | Port::ChainerStateless => mixed.detach(),
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use reprise_base::config::model::physical_interaction::Version;

    const TENSORFLOW: Port = Port::Tensorflow(Version::V1);

    /// Mixes ones into zeros and returns which sequences are true.
    #[track_caller]
    fn check(order: &[i64], true_frames: u64, expected: &[f64]) {
        let batch = i64::try_from(order.len()).expect("a batch is small");
        let frames =
            |value: f64| Tensor::full([batch, 1, 1, 1], value, (Kind::Double, Device::Cpu));
        let mixed = mix(&frames(1.0), &frames(0.0), order, true_frames, TENSORFLOW);
        assert_eq!(mixed.flatten(0, -1), Tensor::from_slice(expected));
    }

    #[test]
    fn the_first_of_the_order_are_true() {
        check(&[2, 0, 1], 1, &[0.0, 0.0, 1.0]);
        check(&[2, 0, 1], 2, &[1.0, 0.0, 1.0]);
    }

    #[test]
    fn none_and_all_can_be_true() {
        check(&[1, 0], 0, &[0.0, 0.0]);
        check(&[1, 0], 2, &[1.0, 1.0]);
    }

    #[test]
    fn only_tensorflow_differentiates_through_the_mixture() {
        for (port, expected) in [(TENSORFLOW, true), (Port::Chainer, false)] {
            let generated = Tensor::zeros([2, 1, 1, 1], (Kind::Float, Device::Cpu));
            let generated = generated.set_requires_grad(true);
            let mixed = mix(&generated.detach(), &generated, &[0, 1], 1, port);
            assert_eq!(mixed.requires_grad(), expected, "{port:?}");
        }
    }

    #[test]
    fn the_last_commit_does_not_sample_when_it_evaluates() {
        let at = |port, mode| {
            let sampling = ScheduledSampling::default();
            ScheduledFeedback::at(sampling, port, Count::literal(4), Step(0), mode)
        };
        let all_true = ScheduledFeedback::Mixture { true_frames: 4 };
        assert_eq!(at(Port::Chainer, Mode::Eval), ScheduledFeedback::Prediction);
        assert_eq!(at(Port::Chainer, Mode::Train), all_true);
        assert_eq!(at(TENSORFLOW, Mode::Eval), all_true);
    }
}
