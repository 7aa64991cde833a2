//! Loss and peak signal-to-noise ratio (`Model` of both originals).

use tch::{Reduction, Tensor};

use super::sequence::{Prediction, Sequences};

/// Weight of the state's error.
const STATE_WEIGHT: f64 = 1e-4;

/// The loss and its parts; entry i of each list belongs to frame `context_frames + i`.
#[derive(Debug)]
pub struct Objective {
    /// `mean((x − x̂)²)` (`recon_cost`).
    pub reconstruction: Vec<Tensor>,
    /// `10 log₁₀(1 / mse)` in dB, with the mean over the whole batch (`psnr`).
    pub psnr: Vec<Tensor>,
    /// `1e-4 · mean((s − ŝ)²)` (`state_cost`).
    pub state: Vec<Tensor>,
    /// `(Σ reconstruction + Σ state) / (T − context_frames)`.
    pub loss: Tensor,
    /// Sum of `psnr`, not its mean (`psnr_all`).
    pub psnr_sum: Tensor,
}

/// Computes the loss of predictions.
///
/// # Panics
/// If there is no frame after the context.
pub fn objective(batch: &Sequences, prediction: &Prediction, context_frames: usize) -> Objective {
    let Prediction { images, states } = prediction;
    let (mut reconstruction, mut psnr, mut state) = (Vec::new(), Vec::new(), Vec::new());
    // Entry t is the prediction of frame t + 1.
    for (t, image) in images.iter().enumerate().skip(context_frames - 1) {
        let mse = mean_squared_error(&frame(&batch.images, t + 1), image);
        psnr.push(peak_signal_to_noise_ratio(&mse));
        reconstruction.push(mse);
    }
    for (t, predicted) in states.iter().enumerate().skip(context_frames - 1) {
        state.push(mean_squared_error(&frame(&batch.states, t + 1), predicted) * STATE_WEIGHT);
    }
    let frames = reconstruction.len() as f64;
    let loss = sum(reconstruction.iter().chain(&state)) / frames;
    let psnr_sum = sum(&psnr);
    Objective { reconstruction, psnr, state, loss, psnr_sum }
}

/// Computes `mean((x − y)²)`.
pub fn mean_squared_error(truth: &Tensor, prediction: &Tensor) -> Tensor {
    truth.mse_loss(prediction, Reduction::Mean)
}

/// Computes `10 · ln(1 / mse) / ln 10`.
pub fn peak_signal_to_noise_ratio(mse: &Tensor) -> Tensor {
    mse.reciprocal().log() * 10.0 / std::f64::consts::LN_10
}

fn frame(sequence: &Tensor, t: usize) -> Tensor {
    sequence.get(i64::try_from(t).expect("a time fits an i64"))
}

fn sum<'a>(terms: impl IntoIterator<Item = &'a Tensor>) -> Tensor {
    let mut terms = terms.into_iter();
    let first = terms.next().expect("there is a frame after the context").shallow_clone();
    terms.fold(first, |sum, term| sum + term)
}
