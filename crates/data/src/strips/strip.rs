//! One strip: an image that is cut into its frames.

use std::path::Path;

use super::error::{STRIP_BYTES_MAX, StripError, StripFormatError};
use crate::{
    image_file::{self, ImageKind, SIDE_MAX},
    rgb_image::{CHANNELS, RgbImage},
    scale::Scale,
};
use reprise_base::fs;

/// Largest file of a strip: twice the size of the largest pixels.
const FILE_BYTES_MAX: u64 = 2 * STRIP_BYTES_MAX;

/// A decoded strip.
#[derive(Debug)]
pub(super) struct DecodedStrip {
    /// Height and width of a frame.
    pub(super) side: usize,
    pub(super) frames: usize,
    /// Pixels, `[T, S, S, 3]`.
    pub(super) pixels: Vec<u8>,
}

/// Reads and cuts a strip; returns how it was stored, too.
pub(super) fn read(
    path: &Path,
    scale: Option<Scale>,
) -> Result<(DecodedStrip, ImageKind), StripError> {
    let file = fs::read(path, FILE_BYTES_MAX)?;
    let refused = |source| StripError::Strip { path: path.to_owned(), source };
    let (strip, kind) = decode(&file).map_err(refused)?;
    let strip = match scale {
        Some(scale) => scaled(&strip, scale),
        None => strip,
    };
    Ok((strip, kind))
}

/// Scales each frame.
fn scaled(strip: &DecodedStrip, scale: Scale) -> DecodedStrip {
    let DecodedStrip { side, frames, pixels } = strip;
    let frame = |pixels: &[u8]| {
        let image = RgbImage { height: *side, width: *side, pixels: pixels.to_vec() };
        scale.apply(&image).pixels
    };
    let pixels = pixels.chunks_exact(side * side * CHANNELS).flat_map(frame).collect();
    DecodedStrip { side: scale.side(), frames: *frames, pixels }
}

/// Decodes the file of a strip.
fn decode(file: &[u8]) -> Result<(DecodedStrip, ImageKind), StripFormatError> {
    let (image, kind) = image_file::decode(file, accept)?;
    let RgbImage { height, width, pixels } = image;
    let (side, longer) = (width.min(height), width.max(height));
    let frames = longer / side;
    let pixels = if width > height { columns(&pixels, side, frames) } else { pixels };
    Ok((DecodedStrip { side, frames, pixels }, kind))
}

/// Refuses sizes that are not at least two square frames.
fn accept(width: u32, height: u32) -> Result<(), StripFormatError> {
    let (side, longer) = (width.min(height), width.max(height));
    if side > SIDE_MAX {
        return Err(StripFormatError::SideTooLarge { side });
    }
    if u64::from(width) * u64::from(height) * CHANNELS as u64 > STRIP_BYTES_MAX {
        return Err(StripFormatError::TooLong { width, height });
    }
    if !longer.is_multiple_of(side) {
        return Err(StripFormatError::PartialFrame { width, height });
    }
    if longer == side {
        return Err(StripFormatError::SingleFrame { side });
    }
    Ok(())
}

/// Cuts frames that are side by side; frames below one another are in order already.
fn columns(image: &[u8], side: usize, frames: usize) -> Vec<u8> {
    let row = side * CHANNELS;
    let mut pixels = Vec::with_capacity(image.len());
    for frame in 0..frames {
        for line in image.chunks(row * frames) {
            pixels.extend_from_slice(&line[frame * row..(frame + 1) * row]);
        }
    }
    pixels
}
