//! The RGB image that the readers of images return.

use std::fmt;

/// Channels of an RGB image: red, green and blue.
pub const CHANNELS: usize = 3;

/// An RGB image.
#[derive(Clone, PartialEq, Eq)]
pub struct RgbImage {
    pub height: usize,
    pub width: usize,
    /// Red, green and blue, `[H, W, 3]`.
    pub pixels: Vec<u8>,
}

impl fmt::Debug for RgbImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { height, width, pixels: _ } = self;
        write!(f, "RgbImage({width}x{height})")
    }
}

/// Rounds a value to the nearest byte.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is clamped")]
pub fn nearest_byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}
