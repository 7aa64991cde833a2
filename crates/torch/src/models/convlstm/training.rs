//! The training objective (`MovingMNISTLightning.training_step`).

use tch::{Reduction, Tensor};

use super::ConvLstm;

/// Division of a sequence into context and predicted frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameSplit {
    /// `n_steps_past`.
    pub context_frames: i64,
    /// `n_steps_ahead`.
    pub predicted_frames: i64,
}

/// The objective of a batch.
#[derive(Debug)]
pub struct ConvLstmObjective {
    /// `mean((x̂ − x)²)` over all pixels of all predicted frames.
    pub loss: Tensor,
    /// Predicted frames in the shape in which the original compares them: `[B, horizon, H, W]`
    /// without axes of length 1, hence `[horizon, H, W]` for a batch of one.
    pub prediction: Tensor,
}

/// Predicts the frames after the context and computes the loss.
///
/// `frames` is `[B, T, 1, H, W]` in [0, 1], where T is at least the sum of context and horizon.
///
/// Prediction `[B, 1, n, H, W]` and truth `[B, n, 1, H, W]` have the same elements in the same
/// order. The original makes their shapes equal with `squeeze`, which also removes a batch axis of
/// length 1; the mean is unaffected.
///
/// # Panics
/// If frames have more than one channel, for which the original compares tensors of different shapes.
pub fn objective(model: &ConvLstm, frames: &Tensor, split: FrameSplit) -> ConvLstmObjective {
    let FrameSplit { context_frames, predicted_frames } = split;
    assert_eq!(frames.size()[2], 1, "frames are [B, T, 1, H, W]");
    let x = frames.narrow(1, 0, context_frames);
    let y = frames.narrow(1, context_frames, predicted_frames).squeeze();
    let y_hat = model.forward(&x, predicted_frames).frames.squeeze();
    let loss = y_hat.mse_loss(&y, Reduction::Mean);
    ConvLstmObjective { loss, prediction: y_hat }
}
