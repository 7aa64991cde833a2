//! The training objective, and prediction.

use tch::{Reduction, Tensor};

use super::{Activations, DropoutPass, Rcn};
use reprise_base::config::model::rcn::HALF_SIDE;

/// A batch of images with their keypoints.
#[derive(Debug)]
pub struct KeypointBatch {
    /// Images `[B, C, H, W]` in [0, 1].
    pub images: Tensor,
    /// Coordinates `[B, coordinates]`, scaled as (pixel − 48) / 48.
    pub positions: Tensor,
}

/// The objective of a batch.
#[derive(Debug)]
pub struct RcnObjective {
    /// `mean((y − position)²)` over batch and coordinates.
    pub loss: Tensor,
    pub activations: Activations,
}

/// Computes the objective of a batch.
pub fn objective(model: &Rcn, batch: &KeypointBatch, dropout: &DropoutPass<'_>) -> RcnObjective {
    let activations = model.forward(&batch.images, dropout);
    let loss = activations.coordinates.mse_loss(&batch.positions, Reduction::Mean);
    RcnObjective { loss, activations }
}

/// Predicts coordinates `[B, coordinates]` of images `[B, C, H, W]` without gradient.
pub fn predict(model: &Rcn, images: &Tensor, dropout: &DropoutPass<'_>) -> Tensor {
    tch::no_grad(|| model.forward(images, dropout).coordinates)
}

/// Computes the root mean squared error of a coordinate in the units of the objective.
///
/// The original's 0.03528 is that of the mean *training* loss of the last epoch, with dropout.
pub fn rmse(loss: f64) -> f64 {
    loss.sqrt()
}

/// Same as [`rmse`] in pixels. Our definition; the original reports only losses.
pub fn rmse_pixels(loss: f64) -> f64 {
    HALF_SIDE * rmse(loss)
}
