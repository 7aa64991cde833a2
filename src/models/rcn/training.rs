//! The training objective, and prediction.

use tch::{Reduction, Tensor};

use super::{Activations, DropoutPass, Rcn};
use crate::config::model::rcn::HALF_SIDE;

/// A batch of pictures with their keypoints.
#[derive(Debug)]
pub struct KeypointBatch {
    /// Pictures `[B, C, H, W]` in [0, 1].
    pub images: Tensor,
    /// Coordinates `[B, coordinates]`, (pixel − 48) / 48.
    pub positions: Tensor,
}

/// The objective of a batch.
#[derive(Debug)]
pub struct RcnObjective {
    /// `mean((y − position)²)` over batch and coordinates.
    pub loss: Tensor,
    /// The way there.
    pub activations: Activations,
}

/// Predicts a batch and compares.
pub fn objective(model: &Rcn, batch: &KeypointBatch, dropout: &DropoutPass<'_>) -> RcnObjective {
    let activations = model.forward(&batch.images, dropout);
    let loss = activations.coordinates.mse_loss(&batch.positions, Reduction::Mean);
    RcnObjective { loss, activations }
}

/// Predicts coordinates `[B, coordinates]` of pictures `[B, C, H, W]` without gradient.
pub fn predict(model: &Rcn, images: &Tensor, dropout: &DropoutPass<'_>) -> Tensor {
    tch::no_grad(|| model.forward(images, dropout).coordinates)
}

/// Root of the mean squared error of a coordinate, in the scaled units of the objective.
///
/// The document's 0.03528 is this for the mean *training* loss of the last epoch, dropout included.
pub fn rmse(loss: f64) -> f64 {
    loss.sqrt()
}

/// The same in pixels; our definition, the original prints losses only.
pub fn rmse_pixels(loss: f64) -> f64 {
    HALF_SIDE * rmse(loss)
}
