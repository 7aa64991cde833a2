//! Bilinear resizing of grey images, bit-equal to Pillow's: in fixed point, on bytes.

/// Bits after the binary point of a weight (Pillow's `PRECISION_BITS` for 8-bit images).
const PRECISION_BITS: u32 = 32 - 8 - 2;

/// Half the width of the triangle filter in pixels of the smaller image.
const SUPPORT: f64 = 1.0;

/// The source pixels of one output pixel, and their weights in fixed point.
struct ResampleWindow {
    first: usize,
    weights: Vec<i32>,
}

/// Resizes an image from `size` to `target`, both `[height, width]`.
///
/// ```text
/// weight(x) = max(0, 1 − |x + ½ − centre| / scale)     centre = (i + ½) · old / new
/// ```
///
/// with scale = max(old / new, 1), normalized to a sum of 1 and rounded to 22 bits. Rows are resized
/// first and rounded to bytes, then columns.
///
/// # Panics
/// If the length of `pixels` does not fit `size`, or an extent is 0.
pub fn resize_bilinear(pixels: &[u8], size: [usize; 2], target: [usize; 2]) -> Vec<u8> {
    let ([height, width], [target_height, target_width]) = (size, target);
    assert_eq!(pixels.len(), height * width, "an image has height x width pixels");
    let across = windows(width, target_width);
    let rows: Vec<u8> = pixels
        .chunks_exact(width)
        .flat_map(|row| across.iter().map(|window| window.apply(|x| row[x])))
        .collect();
    let down = windows(height, target_height);
    let column = |window: &ResampleWindow, x: usize| window.apply(|y| rows[y * target_width + x]);
    down.iter().flat_map(|window| (0..target_width).map(move |x| column(window, x))).collect()
}

impl ResampleWindow {
    /// Returns the weighted sum, rounded and clipped to a byte.
    fn apply(&self, pixel: impl Fn(usize) -> u8) -> u8 {
        let terms =
            (self.first..).zip(&self.weights).map(|(x, w)| i64::from(pixel(x)) * i64::from(*w));
        let sum = terms.sum::<i64>() + (1 << (PRECISION_BITS - 1));
        (sum >> PRECISION_BITS).clamp(0, 255).to_le_bytes()[0]
    }
}

/// Returns the window of every output pixel along one axis (Pillow's `precompute_coeffs`).
fn windows(old: usize, new: usize) -> Vec<ResampleWindow> {
    let ratio = old as f64 / new as f64;
    let scale = ratio.max(1.0);
    (0..new)
        .map(|i| {
            let centre = (i as f64 + 0.5) * ratio;
            let first = floor_at_zero(centre - SUPPORT * scale + 0.5);
            let end = floor_at_zero(centre + SUPPORT * scale + 0.5).min(old);
            let triangle =
                |x: usize| (1.0 - ((x as f64 - centre + 0.5) * (1.0 / scale)).abs()).max(0.0);
            let weights: Vec<f64> = (first..end).map(triangle).collect();
            let sum: f64 = weights.iter().sum();
            ResampleWindow {
                first,
                weights: weights.iter().map(|weight| fixed(weight / sum)).collect(),
            }
        })
        .collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "pixel positions")]
fn floor_at_zero(x: f64) -> usize {
    x.max(0.0) as usize
}

#[expect(clippy::cast_possible_truncation, reason = "a weight is at most 1")]
fn fixed(weight: f64) -> i32 {
    (0.5 + weight * f64::from(1 << PRECISION_BITS)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pixels: &[u8], size: [usize; 2], target: [usize; 2], expected: &[u8]) {
        assert_eq!(resize_bilinear(pixels, size, target), expected);
    }

    #[test]
    fn an_image_of_the_target_size_is_unchanged() {
        check(&[1, 2, 3, 4, 5, 6], [2, 3], [2, 3], &[1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn larger_and_smaller_images_repeat_pillow() {
        check(&[0, 255, 100, 50], [2, 2], [3, 3], &[0, 128, 255, 50, 102, 153, 100, 75, 50]);
        check(&[0, 255, 7, 31, 100, 50, 200, 9], [2, 4], [1, 2], &[102, 75]);
        let image = [0, 255, 7, 31, 80, 100, 50, 200, 9, 1, 5, 5, 5, 255, 0];
        check(&image, [3, 5], [4, 3], &[109, 67, 59, 90, 103, 25, 51, 100, 43, 5, 61, 109]);
    }
}
