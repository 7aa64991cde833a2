//! Structural similarity (Wang et al. 2004) in the two forms of the CVAE original.
//!
//! [`ssim`] is `finn_ssim` as averaged by `finn_eval_seq`; records contain this one. [`skimage_ssim`] is
//! `structural_similarity` of scikit-image as called by `eval_seq`. They differ in window, covariance
//! and default data range, so their values cannot be compared.

use super::{FrameShape, Pixel, assert_frames, filter};

/// Stabilizer of the luminance term, as a share of the data range.
const K1: f64 = 0.01;
/// Stabilizer of the contrast term, as a share of the data range.
const K2: f64 = 0.03;
/// Side of the Gaussian window of `finn_ssim`.
pub const GAUSSIAN_SIDE: usize = 11;
/// Standard deviation of that window.
const GAUSSIAN_SIGMA: f64 = 1.5;
/// The score of a plane whose similarity is NaN, as in `finn_eval_seq`.
const NAN_SCORE: f64 = -1.0;

/// Similarity at every position where the window fits, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct SsimMap {
    /// Luminance, contrast and structure together.
    pub similarity: Vec<f64>,
    /// Contrast and structure alone (`cs_map`).
    pub contrast: Vec<f64>,
    pub height: usize,
    pub width: usize,
}

/// Returns the structural similarity of a frame: the mean of [`finn_ssim_map`] for each channel,
/// where NaN counts as −1, then the mean over channels.
///
/// # Panics
/// If the length of a slice does not fit `shape`, or the frame is smaller than 11×11.
pub fn ssim<T: Pixel>(truth: &[T], prediction: &[T], shape: FrameShape) -> f64 {
    mean_over_planes(truth, prediction, shape, |x, y| {
        let score = mean(&finn_ssim_map(x, y, shape.width, 1.0).similarity);
        if score.is_nan() { NAN_SCORE } else { score }
    })
}

/// Returns `finn_ssim(truth, prediction, data_range, cs_map=True)` of one plane of `width` columns;
/// the original uses a data range of 1.
///
/// With weighted sums over an 11×11 Gaussian window of σ 1.5 (mean μ, population variance σ²,
/// covariance), `C₁ = (0.01 data_range)²` and `C₂ = (0.03 data_range)²`, all in `f64`:
/// ```text
/// similarity = (2 μx μy + C1)(2 σxy + C2) / ((μx² + μy² + C1)(σx² + σy² + C2))
/// contrast   = (2 σxy + C2) / (σx² + σy² + C2)
/// ```
///
/// # Panics
/// If the planes differ in length, have no whole rows, or are smaller than 11×11.
pub fn finn_ssim_map<T: Pixel>(
    truth: &[T],
    prediction: &[T],
    width: usize,
    data_range: f64,
) -> SsimMap {
    let centre = (GAUSSIAN_SIDE / 2) as f64;
    let weights: [f64; GAUSSIAN_SIDE] = std::array::from_fn(|i| {
        let distance = i as f64 - centre;
        libm::exp(-distance * distance / (2.0 * GAUSSIAN_SIGMA * GAUSSIAN_SIGMA))
    });
    let sum: f64 = weights.iter().sum();
    let window = weights.map(|weight| weight / sum);
    let constants = SsimConstants {
        side: GAUSSIAN_SIDE,
        stabilizers: [K1 * data_range, K2 * data_range],
        covariance_factor: 1.0,
    };
    map(truth, prediction, width, &constants, |plane| filter::valid(plane, width, &window))
}

/// Arguments of `structural_similarity` of scikit-image, whose window is uniconstants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SkimageSsim {
    /// Side of the window (`win_size`).
    pub side: usize,
    /// Difference between the largest and the smallest possible pixel (`data_range`): 1 for images in
    /// [0, 1]; 2 was the default of scikit-image up to 0.19 for floating-point images.
    pub data_range: f64,
    /// Stabilizer of the luminance term, as a share of the data range (`K1`).
    pub k1: f64,
    /// Stabilizer of the contrast term, as a share of the data range (`K2`).
    pub k2: f64,
    /// `use_sample_covariance`.
    pub covariance: Covariance,
}

/// The divisor of a sum of products of deviations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covariance {
    /// The number of pixels.
    Population,
    /// The number of pixels minus 1.
    Sample,
}

impl SkimageSsim {
    /// Returns scikit-image's defaults for this data range: a 7×7 window and sample covariance.
    pub const fn of_range(data_range: f64) -> Self {
        Self { side: 7, data_range, k1: K1, k2: K2, covariance: Covariance::Sample }
    }
}

/// Returns `structural_similarity` of scikit-image, the mean over the positions where the window fits, for
/// each channel, then the mean over channels: the `ssim` of `eval_seq`.
///
/// # Panics
/// If the length of a slice does not fit `shape`, or the frame is smaller than the window.
pub fn skimage_ssim<T: Pixel>(
    truth: &[T],
    prediction: &[T],
    shape: FrameShape,
    arguments: &SkimageSsim,
) -> f64 {
    let SkimageSsim { side, data_range, k1, k2, covariance } = *arguments;
    let pixels = (side * side) as f64;
    let constants = SsimConstants {
        side,
        stabilizers: [k1 * data_range, k2 * data_range],
        covariance_factor: match covariance {
            Covariance::Population => 1.0,
            Covariance::Sample => pixels / (pixels - 1.0),
        },
    };
    let local_mean = |plane: &[f64]| filter::valid_means(plane, shape.width, side);
    mean_over_planes(truth, prediction, shape, |x, y| {
        mean(&map(x, y, shape.width, &constants, local_mean).similarity)
    })
}

/// Constants of one form of the index; the weights of the window are separate.
struct SsimConstants {
    /// Side of the window.
    side: usize,
    /// Roots of C₁ and C₂.
    stabilizers: [f64; 2],
    /// 1 for population covariance, n / (n − 1) for sample covariance.
    covariance_factor: f64,
}

fn map<T: Pixel>(
    truth: &[T],
    prediction: &[T],
    width: usize,
    constants: &SsimConstants,
    local_mean: impl Fn(&[f64]) -> Vec<f64>,
) -> SsimMap {
    let side = constants.side;
    assert_eq!(truth.len(), prediction.len(), "both planes have the same shape");
    assert!(width >= side && truth.len() / width >= side, "the window fits into the plane");
    assert_eq!(truth.len() % width, 0, "a plane has whole rows");

    let x: Vec<f64> = truth.iter().copied().map(Into::into).collect();
    let y: Vec<f64> = prediction.iter().copied().map(Into::into).collect();
    let product =
        |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a * b).collect() };
    let (mu_x, mu_y) = (local_mean(&x), local_mean(&y));
    let (mean_xx, mean_yy) = (local_mean(&product(&x, &x)), local_mean(&product(&y, &y)));
    let mean_xy = local_mean(&product(&x, &y));

    let [c1, c2] = constants.stabilizers.map(|root| root * root);
    let mut similarity = Vec::with_capacity(mu_x.len());
    let mut contrast = Vec::with_capacity(mu_x.len());
    for i in 0..mu_x.len() {
        let (mu_xx, mu_yy, mu_xy) = (mu_x[i] * mu_x[i], mu_y[i] * mu_y[i], mu_x[i] * mu_y[i]);
        let sigma_xx = constants.covariance_factor * (mean_xx[i] - mu_xx);
        let sigma_yy = constants.covariance_factor * (mean_yy[i] - mu_yy);
        let sigma_xy = constants.covariance_factor * (mean_xy[i] - mu_xy);
        let luminance = (2.0 * mu_xy + c1, mu_xx + mu_yy + c1);
        let structure = (2.0 * sigma_xy + c2, sigma_xx + sigma_yy + c2);
        similarity.push(luminance.0 * structure.0 / (luminance.1 * structure.1));
        contrast.push(structure.0 / structure.1);
    }
    let height = truth.len() / width + 1 - side;
    SsimMap { similarity, contrast, height, width: width + 1 - side }
}

fn mean_over_planes<T: Pixel>(
    truth: &[T],
    prediction: &[T],
    shape: FrameShape,
    score: impl Fn(&[T], &[T]) -> f64,
) -> f64 {
    assert_frames(truth, prediction, shape);
    let planes = truth.chunks_exact(shape.plane()).zip(prediction.chunks_exact(shape.plane()));
    planes.map(|(x, y)| score(x, y)).sum::<f64>() / shape.channels as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHAPE: FrameShape = FrameShape { channels: 1, height: 12, width: 13 };

    /// Returns two planes of 12×13 bytes over 255 that agree in part.
    fn planes() -> (Vec<f32>, Vec<f32>) {
        let byte = |value: u16| f32::from(value % 256) / 255.0;
        let truth = (0..156).map(|i| byte(i * 37)).collect();
        let prediction = (0..156).map(|i| byte(i * 37 + i % 7 * 3)).collect();
        (truth, prediction)
    }

    /// Compares with a sum over whole windows, computed by separate code.
    #[track_caller]
    fn check(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-13, "{found} is not {expected}");
    }

    #[test]
    fn the_gaussian_form_is_the_mean_over_windows_that_fit() {
        let (truth, prediction) = planes();
        let map = finn_ssim_map(&truth, &prediction, 13, 1.0);
        assert_eq!((map.height, map.width, map.similarity.len()), (2, 3, 6));
        check(map.similarity[0], 0.414_132_359_929_517_3);
        check(map.contrast[0], 0.425_835_625_794_714_6);
        check(ssim(&truth, &prediction, SHAPE), 0.560_308_076_675_943_8);
    }

    #[test]
    fn the_uniform_form_depends_on_the_data_range() {
        let (truth, prediction) = planes();
        check(
            skimage_ssim(&truth, &prediction, SHAPE, &SkimageSsim::of_range(1.0)),
            0.641_613_098_719_360_2,
        );
        check(
            skimage_ssim(&truth, &prediction, SHAPE, &SkimageSsim::of_range(2.0)),
            0.646_937_593_881_440_6,
        );
    }

    #[test]
    fn other_arguments_of_scikit_image_are_used() {
        let (truth, prediction) = planes();
        let covariance = Covariance::Population;
        let arguments = SkimageSsim { side: 5, data_range: 1.0, k1: 0.02, k2: 0.05, covariance };
        check(skimage_ssim(&truth, &prediction, SHAPE, &arguments), 0.646_161_985_750_161_3);
        let bytes = SkimageSsim { data_range: 255.0, ..arguments };
        check(skimage_ssim(&truth, &prediction, SHAPE, &bytes), 0.999_533_954_181_246_8);
    }

    #[test]
    fn the_gaussian_form_supports_other_data_ranges() {
        let (truth, prediction) = planes();
        let map = finn_ssim_map(&truth, &prediction, 13, 2.0);
        check(map.similarity[0], 0.421_899_052_620_367_2);
        check(map.contrast[0], 0.433_812_620_769_240_3);
    }

    #[test]
    fn flat_planes_differ_in_luminance_alone() {
        let map = finn_ssim_map(&[0.25; 121], &[0.5; 121], 11, 1.0);
        check(map.contrast[0], 1.0);
        check(map.similarity[0], (0.25 + 1e-4) / (0.3125 + 1e-4));
    }

    #[test]
    fn a_plane_with_nan_counts_minus_one() {
        let (truth, mut prediction) = planes();
        prediction[80] = f32::NAN;
        check(ssim(&truth, &prediction, SHAPE), -1.0);
    }

    #[test]
    fn channels_are_averaged() {
        let (truth, prediction) = planes();
        let shape = FrameShape { channels: 2, ..SHAPE };
        let truths = [truth.clone(), truth.clone()].concat();
        let found = ssim(&truths, &[truth, prediction].concat(), shape);
        check(found, f64::midpoint(1.0, 0.560_308_076_675_943_8));
    }

    #[test]
    #[should_panic(expected = "the window fits into the plane")]
    fn a_frame_smaller_than_the_window_panics() {
        finn_ssim_map(&[0.0; 100], &[0.0; 100], 10, 1.0);
    }

    proptest! {
        #[test]
        fn similarity_is_symmetric_and_one_only_for_equal_frames(
            x in prop::collection::vec(0.0_f32..1.0, 156), y in prop::collection::vec(0.0_f32..1.0, 156)
        ) {
            prop_assert!((ssim(&x, &x, SHAPE) - 1.0).abs() < 1e-12);
            prop_assert!((ssim(&x, &y, SHAPE) - ssim(&y, &x, SHAPE)).abs() < 1e-12);
            prop_assert!(ssim(&x, &y, SHAPE) < 1.0);
        }
    }
}
