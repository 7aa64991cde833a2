//! Cropping and scaling of images, bit-equal to the TensorFlow original.
//!
//! Images are `[H, W, 3]`, row by row. Sums are in single precision and in the original's order.

use super::rgb_image::{CHANNELS, RgbImage};

/// Entries of the weight table between two pixels (`kTableSize`).
const STEPS: u16 = 1 << 10;

/// Parameter of the cubic kernel.
const A: f64 = -0.75;

/// Factor from bytes to [0, 1]: TensorFlow turns `/ 255.0` into a multiplication.
const BYTE_SCALE: f32 = 1.0 / 255.0;

/// How an image is made square.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The central square is cut out, as in the original code of 2017.
    Crop,
    /// The aspect ratio changes, as in the original code of 2018.
    Stretch,
}

/// Returns an image as model input: scaled to `target`, values in [0, 1] up to overshoot.
pub fn frame(image: &RgbImage, fit: Fit, target: Extent) -> Vec<f32> {
    square(image, fit, target).into_iter().map(unit).collect()
}

/// Returns an image scaled to `target`, values in [0, 255] up to overshoot.
pub fn square(image: &RgbImage, fit: Fit, target: Extent) -> Vec<f32> {
    let extent = [image.height, image.width];
    match fit {
        Fit::Crop => {
            let side = image.height.min(image.width);
            let (square, extent) = central_crop(&image.pixels, extent, [side; 2]);
            bicubic(&square, extent, target)
        }
        Fit::Stretch => bicubic(&image.pixels, extent, target),
    }
}

/// Height and width of an image.
pub type Extent = [usize; 2];

/// Scales a value from [0, 255] to [0, 1].
pub const fn unit(byte: f32) -> f32 {
    byte * BYTE_SCALE
}

/// Cuts an image to `target` around its centre (`resize_image_with_crop_or_pad`); returns the new
/// extent.
///
/// An axis that is shorter than `target` is not cut. If the margin is odd, one pixel more is cut at the
/// end.
pub fn central_crop(pixels: &[u8], [height, width]: Extent, target: Extent) -> (Vec<u8>, Extent) {
    let [rows, columns] = [height.min(target[0]), width.min(target[1])];
    let [top, left] = [(height - rows) / 2, (width - columns) / 2];
    let cropped = (top..top + rows)
        .flat_map(|row| &pixels[(row * width + left) * CHANNELS..][..columns * CHANNELS])
        .copied()
        .collect();
    (cropped, [rows, columns])
}

/// The four source pixels of one output coordinate, and their weights.
#[derive(Clone, Copy, Debug)]
struct Tap {
    indices: [usize; 4],
    weights: [f32; 4],
}

/// Scales an image to `target` (`resize_bicubic`, `align_corners` off); values may leave [0, 255].
///
/// Source: `tensorflow/core/kernels/resize_bicubic_op.cc` of 1.15, "legacy" sampling:
/// ```text
/// s = target · (from / to)                        no half-pixel centre
/// w(x) = (A + 2) x³ - (A + 3) x² + 1              |x| ≤ 1
///      = A x³ - 5A x² + 8A x - 4A                 1 < |x| < 2,   x in steps of 1/1024
/// y = Σ_j w_j (Σ_i w_i pixel_ij)                  rows first; indices are clamped
/// ```
/// # Panics
/// If an extent of the image is 0.
pub fn bicubic(pixels: &[u8], from: Extent, target: Extent) -> Vec<f32> {
    let [rows, columns] = [0, 1].map(|axis| taps(from[axis], target[axis]));
    let width = from[1] * CHANNELS;
    let mut scaled = Vec::with_capacity(target[0] * target[1] * CHANNELS);
    for row in rows {
        let lines = row.indices.map(|y| &pixels[y * width..][..width]);
        for column in &columns {
            for channel in 0..CHANNELS {
                let vertical = column.indices.map(|x| {
                    let at = x * CHANNELS + channel;
                    mix(lines.map(|line| f32::from(line[at])), row.weights)
                });
                scaled.push(mix(vertical, column.weights));
            }
        }
    }
    scaled
}

fn mix(values: [f32; 4], weights: [f32; 4]) -> f32 {
    values[0] * weights[0]
        + values[1] * weights[1]
        + values[2] * weights[2]
        + values[3] * weights[3]
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "coordinates are not negative and below the extent of the image"
)]
fn taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = from as f32 / to as f32;
    let last = from - 1;
    let tap = |target: usize| {
        let position = target as f32 * scale;
        let floor = position.floor();
        let at = floor as usize;
        let step = ((position - floor) * f32::from(STEPS)).round_ties_even();
        let near = |step: f32| weight_near(step / f32::from(STEPS));
        let far = |step: f32| weight_far(step / f32::from(STEPS) + 1.0);
        let back = f32::from(STEPS) - step;
        Tap {
            indices: [at.saturating_sub(1), at, at + 1, at + 2].map(|index| index.min(last)),
            weights: [far(step), near(step), near(back), far(back)],
        }
    };
    (0..to).map(tap).collect()
}

/// Weight of a pixel at distance `x` ≤ 1, rounded once.
#[expect(clippy::cast_possible_truncation, reason = "the only rounding to single precision")]
fn weight_near(x: f32) -> f32 {
    let x = f64::from(x);
    (((A + 2.0) * x - (A + 3.0)) * x * x + 1.0) as f32
}

/// Weight of a pixel at distance `x` of 1 to 2, rounded once.
#[expect(clippy::cast_possible_truncation, reason = "the only rounding to single precision")]
fn weight_far(x: f32) -> f32 {
    let x = f64::from(x);
    (((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A) as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_odd_margin_is_cut_more_at_the_end() {
        let pixels: Vec<u8> = (0..6).flat_map(|x| [x; 3]).collect();
        let (cropped, extent) = central_crop(&pixels, [1, 6], [1, 3]);
        assert_eq!((cropped, extent), (vec![1, 1, 1, 2, 2, 2, 3, 3, 3], [1, 3]));
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "bytes are exact")]
    fn a_whole_factor_takes_single_pixels() {
        let pixels: Vec<u8> = (0..=250).cycle().step_by(7).take(16 * 16 * 3).collect();
        let scaled = bicubic(&pixels, [16, 16], [2, 2]);
        let at = |y: usize, x: usize| f32::from(pixels[(y * 16 + x) * 3]);
        assert_eq!(
            [scaled[0], scaled[3], scaled[6], scaled[9]],
            [at(0, 0), at(0, 8), at(8, 0), at(8, 8)]
        );
    }

    proptest! {
        #[test]
        fn a_flat_image_stays_flat(
            byte: u8, from in (1_usize..20, 1_usize..20), to in (1_usize..20, 1_usize..20)
        ) {
            let pixels = vec![byte; from.0 * from.1 * 3];
            for value in bicubic(&pixels, from.into(), to.into()) {
                prop_assert!((value - f32::from(byte)).abs() < 1e-3);
            }
        }
    }
}
