//! The training objective (`MovingMNISTLightning.training_step`).

use tch::{Reduction, Tensor};

use super::ConvLstm;

/// How a sequence is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameSplit {
    /// Frames that are given (`n_steps_past`).
    pub context_frames: i64,
    /// Frames that are predicted (`n_steps_ahead`).
    pub predicted_frames: i64,
}

/// The objective of a batch.
#[derive(Debug)]
pub struct ConvLstmObjective {
    /// `mean((x̂ − x)²)` over all pixels of all predicted frames.
    pub loss: Tensor,
    /// Predicted frames as the original compares them: `[B, horizon, H, W]` without the axes of
    /// length 1, so `[horizon, H, W]` for a batch of one.
    pub prediction: Tensor,
}

/// Predicts the end of each sequence from its beginning and compares.
///
/// `frames` is `[B, T, 1, H, W]` in [0, 1] with T of at least context and horizon together.
///
/// Prediction `[B, 1, n, H, W]` and truth `[B, n, 1, H, W]` have the same elements in the same order;
/// the original makes their shapes equal by `squeeze`, which also removes a batch axis of length 1.
/// The mean does not notice.
///
/// # Panics
/// If frames have more than one channel, for which the original compares unlike shapes.
pub fn objective(model: &ConvLstm, frames: &Tensor, horizon: FrameSplit) -> ConvLstmObjective {
    let FrameSplit { context_frames, predicted_frames } = horizon;
    assert_eq!(frames.size()[2], 1, "frames are [B, T, 1, H, W]");
    let x = frames.narrow(1, 0, context_frames);
    let y = frames.narrow(1, context_frames, predicted_frames).squeeze();
    let y_hat = model.forward(&x, predicted_frames).frames.squeeze();
    let loss = y_hat.mse_loss(&y, Reduction::Mean);
    ConvLstmObjective { loss, prediction: y_hat }
}
