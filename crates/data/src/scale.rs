//! Scales decoded frames to the size that a model takes, to the same bits as Pillow's `Image.resize`.
//!
//! Source: `src/libImaging/Resample.c` of Pillow 11: a separable filter, widened when an image is shrunk
//! (antialiasing), columns first, then rows, each pass rounded to bytes, weights in fixed point with 22
//! fractional bits.

use super::rgb_image::{CHANNELS, RgbImage};
use reprise_base::config::data::{FrameResize, ResizeFilter};

/// Fractional bits of a weight.
const BITS: u32 = 22;

/// The size and the filter to which frames are scaled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    side: usize,
    filter: ResizeFilter,
}

impl Scale {
    pub(super) const fn new(FrameResize { side, filter }: FrameResize) -> Self {
        Self { side: side.len(), filter }
    }

    /// Returns the side of a scaled frame.
    pub(super) const fn side(self) -> usize {
        self.side
    }

    /// Scales an image to a square; the aspect ratio may change.
    pub(super) fn apply(self, image: &RgbImage) -> RgbImage {
        let RgbImage { height, width, pixels } = image;
        let columns = self.weights(*width);
        let mut narrow = Vec::with_capacity(height * self.side * CHANNELS);
        for row in pixels.chunks_exact(width * CHANNELS) {
            for Window { start, weights } in &columns {
                for channel in 0..CHANNELS {
                    let samples = row[start * CHANNELS + channel..].iter().step_by(CHANNELS);
                    narrow.push(mix(samples, weights));
                }
            }
        }
        let stride = self.side * CHANNELS;
        let mut scaled = Vec::with_capacity(self.side * stride);
        for Window { start, weights } in self.weights(*height) {
            for column in 0..stride {
                let samples = narrow[start * stride + column..].iter().step_by(stride);
                scaled.push(mix(samples, &weights));
            }
        }
        RgbImage { height: self.side, width: self.side, pixels: scaled }
    }

    /// Returns the weights of each output coordinate along an axis of `from` pixels.
    ///
    /// ```text
    /// s = max(from / to, 1);   c = (i + 1/2) from / to
    /// w_j = f((j - c + 1/2) / s), normalized;   j from ⌊c - r s + 1/2⌋ to ⌊c + r s + 1/2⌋ - 1
    /// ```
    /// f is the filter and r its radius; j is clipped to the image.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "coordinates are clipped to the image; weights are below 2"
    )]
    fn weights(self, from: usize) -> Vec<Window> {
        let ratio = from as f64 / self.side as f64;
        let stretch = ratio.max(1.0);
        let radius = self.radius() * stretch;
        let window = |index: usize| {
            let centre = (index as f64 + 0.5) * ratio;
            let start = (centre - radius + 0.5).max(0.0) as usize;
            let end = ((centre + radius + 0.5) as usize).min(from);
            let raw: Vec<f64> = (start..end)
                .map(|at| self.filter((at as f64 - centre + 0.5) * (1.0 / stretch)))
                .collect();
            let total: f64 = raw.iter().sum();
            let fixed = |weight: &f64| {
                let scaled = weight * (1.0 / total) * f64::from(1 << BITS);
                (if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i32
            };
            Window { start, weights: raw.iter().map(fixed).collect() }
        };
        (0..self.side).map(window).collect()
    }

    const fn radius(self) -> f64 {
        match self.filter {
            ResizeFilter::Bilinear => 1.0,
            ResizeFilter::Bicubic => 2.0,
        }
    }

    fn filter(self, x: f64) -> f64 {
        let x = x.abs();
        match self.filter {
            ResizeFilter::Bilinear if x < 1.0 => 1.0 - x,
            // a = -1/2
            ResizeFilter::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            ResizeFilter::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5,
            _ => 0.0,
        }
    }
}

/// The pixels that an output pixel is made of.
struct Window {
    start: usize,
    weights: Vec<i32>,
}

fn mix<'a>(samples: impl Iterator<Item = &'a u8>, weights: &[i32]) -> u8 {
    let half = 1 << (BITS - 1);
    let sum =
        samples.zip(weights).fold(half, |sum, (&sample, weight)| sum + i32::from(sample) * weight);
    u8::try_from((sum >> BITS).clamp(0, 255)).expect("the value is clamped")
}

#[cfg(test)]
mod tests {
    use super::*;
    use reprise_base::scalar::Count;

    #[track_caller]
    fn check(side: u32, filter: ResizeFilter, pillow: &[u8]) {
        let pixels = (0..4)
            .flat_map(|y| (0..5).flat_map(move |x| (0..3).map(move |c| (y, x, c))))
            .map(|(y, x, c)| u8::try_from((7 * x + 31 * y * y + 90 * c) % 256).unwrap())
            .collect();
        let image = RgbImage { height: 4, width: 5, pixels };
        let scaled = Scale::new(FrameResize { side: Count::literal(side), filter }).apply(&image);
        assert_eq!(scaled.pixels, pillow);
    }

    #[test]
    fn scaled_images_have_the_bits_of_pillow() {
        use ResizeFilter::{Bicubic, Bilinear};
        check(2, Bilinear, &[38, 128, 181, 52, 142, 195, 74, 164, 145, 88, 178, 159]);
        check(
            3,
            Bilinear,
            &[
                12, 102, 192, 23, 113, 203, 34, 124, 214, 81, 171, 133, 92, 182, 144, 103, 193,
                155, 56, 146, 160, 67, 157, 171, 78, 168, 182,
            ],
        );
        check(2, Bicubic, &[34, 124, 184, 50, 140, 200, 77, 167, 140, 93, 183, 156]);
        check(
            3,
            Bicubic,
            &[
                4, 94, 199, 16, 106, 211, 28, 118, 223, 84, 174, 127, 96, 186, 139, 108, 198, 151,
                55, 145, 157, 67, 157, 169, 79, 169, 181,
            ],
        );
        let enlarged = &[
            0, 88, 178, 3, 93, 183, 9, 99, 189, 15, 105, 195, 21, 111, 201, 26, 116, 206, 9, 99,
            204, 14, 104, 209, 20, 110, 215, 26, 116, 221, 32, 122, 227, 37, 127, 232, 45, 135,
            191, 50, 140, 196, 56, 146, 202, 62, 152, 208, 68, 158, 214, 73, 163, 219, 119, 209,
            59, 124, 214, 64, 130, 220, 70, 136, 226, 76, 142, 232, 82, 147, 237, 87, 76, 166, 120,
            81, 171, 125, 87, 177, 131, 93, 183, 137, 99, 189, 143, 104, 194, 148, 16, 106, 213,
            21, 111, 218, 27, 117, 224, 33, 123, 230, 39, 129, 236, 44, 134, 241,
        ];
        check(6, Bicubic, enlarged);
    }
}
