//! Loss and peak signal-to-noise ratio (`Model` of both originals).

use tch::{Reduction, Tensor};

use super::sequence::{Prediction, Sequences};

/// The loss and its parts; entry i of each list belongs to frame `context_frames + i`.
#[derive(Debug)]
pub struct Objective {
    /// `mean((x − x̂)²)` (`recon_cost`).
    pub reconstruction: Vec<Tensor>,
    /// `10 log₁₀(1 / mse)` in dB, with the mean over the whole batch (`psnr`).
    pub psnr: Vec<Tensor>,
    /// `state_weight · mean((s − ŝ)²)` (`state_cost`).
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
pub fn objective(
    batch: &Sequences,
    prediction: &Prediction,
    context_frames: usize,
    state_weight: f64,
) -> Objective {
    let Prediction { images, states } = prediction;
    let (mut reconstruction, mut psnr, mut state) = (Vec::new(), Vec::new(), Vec::new());
    // Entry t is the prediction of frame t + 1.
    for (t, image) in images.iter().enumerate().skip(context_frames - 1) {
        let mse = mean_squared_error(&frame(&batch.images, t + 1), image);
        psnr.push(peak_signal_to_noise_ratio(&mse));
        reconstruction.push(mse);
    }
    for (t, predicted) in states.iter().enumerate().skip(context_frames - 1) {
        state.push(mean_squared_error(&frame(&batch.states, t + 1), predicted) * state_weight);
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

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    #[test]
    fn the_state_counts_by_its_weight() {
        let full =
            |shape: &[i64], value: f64| Tensor::full(shape, value, (Kind::Double, Device::Cpu));
        let batch = Sequences {
            images: full(&[2, 1, 1, 2, 2], 0.5),
            actions: full(&[2, 1, 1], 0.0),
            states: full(&[2, 1, 3], 1.0),
        };
        let prediction = Prediction {
            images: vec![full(&[1, 1, 2, 2], 0.25)],
            states: vec![full(&[1, 3], 3.0)],
        };
        let loss = |weight: f64| objective(&batch, &prediction, 1, weight).loss.double_value(&[]);
        // Squared errors: 1/16 of the frame, 4 of the state.
        for (weight, expected) in [(0.0, 0.0625), (1.0, 4.0625), (0.25, 1.0625)] {
            assert!((loss(weight) - expected).abs() < 1e-12, "{weight}");
        }
    }
}
