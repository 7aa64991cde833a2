//! What a step sees as its previous frame once the context is over.

use tch::{Kind, Tensor};

use crate::{
    config::model::physical_interaction::Port,
    nn::Mode,
    scalar::{Count, Step},
    schedule::ScheduledSampling,
};

/// Where the random order of a batch comes from: a named stream in training, a recording when the
/// model is held against a reference.
pub trait ShuffleSource {
    /// Returns a permutation of `0..batch` for the `draw`-th step after the context.
    fn permutation(&mut self, draw: u64, batch: i64) -> Vec<i64>;
}

/// What a step after the context sees as its previous frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feedback {
    /// The model's own prediction, with gradient (`feedself`).
    Prediction,
    /// For so many sequences of the batch, drawn anew at every step, the true frame.
    Mixture {
        /// Number of true frames, at most the batch size.
        true_frames: u64,
    },
}

impl Feedback {
    /// Returns the feedback of an update or evaluation at `step`.
    ///
    /// 16: TensorFlow's validation model samples, too; the last commit of the port to Chainer feeds
    /// predictions back when it evaluates. Without a schedule (`k = -1`) all feed predictions back.
    pub fn training(
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

/// Mixes true and generated frames `[B, C, H, W]` (`scheduled_sample`): the sequences that stand
/// first in `order` are true.
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
        // 16: `tf.dynamic_stitch` lets the gradient through to the generated frames.
        Port::Tensorflow(_) => mixed,
        // The port stitches NumPy copies.
        Port::Chainer | Port::ChainerStateless => mixed.detach(),
    }
}
