//! One strip: a PNG that is cut into its frames.

use std::path::Path;

use super::error::{STRIP_BYTES_MAX, StripError, StripFormatError};
use crate::{
    rgb_image::CHANNELS,
    rgb_png::{self, SIDE_MAX},
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

/// Returns whether a file has the extension of an image. A JPEG counts, so that it is refused instead
/// of skipped.
pub(super) fn is_image(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| {
        ["png", "jpg", "jpeg"].iter().any(|known| extension.eq_ignore_ascii_case(known))
    })
}

/// Reads and cuts a strip.
pub(super) fn read(path: &Path) -> Result<DecodedStrip, StripError> {
    let file = fs::read(path, FILE_BYTES_MAX)?;
    decode(&file).map_err(|source| StripError::Strip { path: path.to_owned(), source })
}

/// Decodes the file of a strip.
fn decode(file: &[u8]) -> Result<DecodedStrip, StripFormatError> {
    let mut decoder = rgb_png::decoder(file);
    let header = decoder.read_header_info().map_err(StripFormatError::Png)?;
    let (width, height) = header.size();
    if !rgb_png::is_rgb(header) {
        return Err(StripFormatError::NotRgb);
    }
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

    let mut image = vec![0; width as usize * height as usize * CHANNELS];
    rgb_png::decode(decoder, &mut image).map_err(StripFormatError::Png)?;
    let (side, frames) = (side as usize, (longer / side) as usize);
    let pixels = if width > height { columns(&image, side, frames) } else { image };
    Ok(DecodedStrip { side, frames, pixels })
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
