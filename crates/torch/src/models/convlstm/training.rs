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
    /// Predicted frames `[B, horizon, C, H, W]` in the shape in which the original compares them:
    /// without axes of length 1, hence `[B, horizon, H, W]` for grey frames.
    pub prediction: Tensor,
}

/// Predicts the frames after the context and computes the loss.
///
/// `frames` is `[B, T, C, H, W]` in [0, 1], where T is at least the sum of context and horizon.
///
/// The original makes the shapes of prediction `[B, 1, n, H, W]` and truth `[B, n, 1, H, W]` equal
/// with `squeeze`, which also removes a batch axis of length 1; the mean is unaffected. Deviation: it
/// is defined for grey frames only; here axes are exchanged first, which for grey frames moves no
/// element.
pub fn objective(model: &ConvLstm, frames: &Tensor, split: FrameSplit) -> ConvLstmObjective {
    let FrameSplit { context_frames, predicted_frames } = split;
    let x = frames.narrow(1, 0, context_frames);
    let y = frames.narrow(1, context_frames, predicted_frames).squeeze();
    let y_hat = model.forward(&x, predicted_frames).frames.transpose(1, 2).squeeze();
    let loss = y_hat.mse_loss(&y, Reduction::Mean);
    ConvLstmObjective { loss, prediction: y_hat }
}
