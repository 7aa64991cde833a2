//! Metrics of the pixel-wise error.

use super::{FrameShape, Pixel, assert_frames};

/// Returns the mean squared difference of two slices of equal length, in `f64`.
///
/// `mse_metric` of the CVAE original (`utils.py`) for a whole frame.
///
/// # Panics
/// If the lengths differ or are 0.
pub fn mse<T: Pixel>(truth: &[T], prediction: &[T]) -> f64 {
    mse_sum(truth, prediction) / truth.len() as f64
}

/// Returns the sum of squared differences of two slices of equal length, in `f64`.
///
/// The Moving MNIST literature averages it over frames and sequences and calls it MSE: `metric.MSE` of
/// OpenSTL (Tan et al. 2023, arXiv:2306.11249), after the code of PredRNN.
///
/// # Panics
/// If the lengths differ or are 0.
pub fn mse_sum<T: Pixel>(truth: &[T], prediction: &[T]) -> f64 {
    assert_eq!(truth.len(), prediction.len(), "both frames have the same shape");
    assert!(!truth.is_empty(), "a frame has pixels");
    let squares = truth.iter().zip(prediction).map(|(&x, &y)| {
        let difference = x.into() - y.into();
        difference * difference
    });
    squares.sum::<f64>()
}

/// Returns the peak signal-to-noise ratio in dB for a data range of 1: −10·log₁₀ of the
/// [`mse()`] of each channel, then the mean over channels.
///
/// `finn_psnr` within `finn_eval_seq` of the CVAE original (`utils.py`); `peak_signal_noise_ratio` of
/// scikit-image over planes in [0, 1] gives the same number. Returns `None` if a channel is predicted
/// exactly: its ratio is infinite, and the original fails with a domain error.
///
/// # Panics
/// If the length of a slice does not fit `shape`.
pub fn psnr<T: Pixel>(truth: &[T], prediction: &[T], shape: FrameShape) -> Option<f64> {
    psnr_in_range(truth, prediction, shape, 1.0)
}

/// Returns [`psnr()`] for another data range, which adds 20·log₁₀ of it.
///
/// # Panics
/// If the length of a slice does not fit `shape`.
pub fn psnr_in_range<T: Pixel>(
    truth: &[T],
    prediction: &[T],
    shape: FrameShape,
    data_range: f64,
) -> Option<f64> {
    assert_frames(truth, prediction, shape);
    let planes = truth.chunks_exact(shape.plane()).zip(prediction.chunks_exact(shape.plane()));
    let mut sum = 0.0;
    for (x, y) in planes {
        let mse = mse(x, y);
        if mse <= 0.0 {
            return None;
        }
        sum += 20.0 * libm::log10(data_range) - 10.0 * libm::log10(mse);
    }
    Some(sum / shape.channels as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHAPE: FrameShape = FrameShape { channels: 2, height: 2, width: 3 };

    #[track_caller]
    fn check(error: [f32; 2], expected: Option<f64>) {
        let truth = [0.25; 12];
        let mut prediction = truth;
        prediction[..6].iter_mut().for_each(|pixel| *pixel += error[0]);
        prediction[6..].iter_mut().for_each(|pixel| *pixel += error[1]);
        match (psnr(&truth, &prediction, SHAPE), expected) {
            (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-12, "{found}"),
            (found, expected) => assert_eq!(found, expected),
        }
    }

    #[test]
    fn the_ratio_is_the_mean_over_channels_of_decibels() {
        check([0.5, 0.125], Some(f64::midpoint(20.0 * 2_f64.log10(), 20.0 * 8_f64.log10())));
    }

    #[test]
    fn ten_times_the_data_range_is_twenty_decibels() {
        let frames = ([0.25; 12], [0.5; 12]);
        let ratio = |range| psnr_in_range(&frames.0, &frames.1, SHAPE, range).expect("they differ");
        assert!((ratio(10.0) - ratio(1.0) - 20.0).abs() < 1e-12);
        assert_eq!(Some(ratio(1.0)), psnr(&frames.0, &frames.1, SHAPE));
    }

    #[test]
    fn an_exactly_predicted_channel_has_no_ratio() {
        check([0.5, 0.0], None);
        check([0.0, 0.0], None);
    }

    #[test]
    fn the_summed_error_of_a_frame_is_the_mean_times_its_pixels() {
        let (truth, prediction) = ([0.0, 0.5, 1.0, 0.25], [0.5, 0.5, 0.0, 0.0]);
        assert_eq!(mse_sum(&truth, &prediction).to_bits(), 1.3125_f64.to_bits());
        assert_eq!(mse(&truth, &prediction).to_bits(), (1.3125_f64 / 4.0).to_bits());
    }

    #[test]
    #[should_panic(expected = "the predicted frame is [C, H, W]")]
    fn a_frame_of_another_shape_panics() {
        psnr(&[0.0; 12], &[0.0; 6], SHAPE);
    }

    proptest! {
        #[test]
        fn the_error_does_not_depend_on_which_frame_is_the_true_one(
            (x, y) in (prop::collection::vec(0.0_f32..1.0, 12), prop::collection::vec(0.0_f32..1.0, 12))
        ) {
            prop_assert_eq!(mse(&x, &y).to_bits(), mse(&y, &x).to_bits());
            prop_assert!((0.0..1.0).contains(&mse(&x, &y)));
        }
    }
}
