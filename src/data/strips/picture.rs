//! One strip: a PNG that is cut into its frames.

use std::path::Path;

use super::error::{PictureFault, StripError};
use crate::{
    data::{
        CHANNELS,
        rgb_png::{self, SIDE_MAX},
    },
    fs,
};

/// Most bytes of the pixels of one clip.
pub(super) const CLIP_BYTES_MAX: u64 = 32 << 20;
/// Largest file of a strip: what its pixels may take, and as much again.
const FILE_BYTES_MAX: u64 = 2 * CLIP_BYTES_MAX;

/// A decoded strip.
#[derive(Debug)]
pub(super) struct Picture {
    /// Height and width of a frame.
    pub(super) side: usize,
    /// Number of frames.
    pub(super) frames: usize,
    /// Pixels, `[T, S, S, 3]`.
    pub(super) pixels: Vec<u8>,
}

impl Picture {
    /// Returns whether a file's name says that it is a picture; a JPEG is refused, not passed over.
    pub(super) fn is_named(path: &Path) -> bool {
        let extension = path.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| {
            ["png", "jpg", "jpeg"].iter().any(|known| extension.eq_ignore_ascii_case(known))
        })
    }
}

/// Reads and cuts a strip.
pub(super) fn read(path: &Path) -> Result<Picture, StripError> {
    let file = fs::read(path, FILE_BYTES_MAX)?;
    decode(&file).map_err(|fault| StripError::Picture { path: path.to_owned(), fault })
}

/// Decodes the file of a strip.
fn decode(file: &[u8]) -> Result<Picture, PictureFault> {
    let mut decoder = rgb_png::decoder(file);
    let header = decoder.read_header_info().map_err(PictureFault::Png)?;
    let (width, height) = header.size();
    if !rgb_png::is_rgb(header) {
        return Err(PictureFault::NotRgb);
    }
    let (side, longer) = (width.min(height), width.max(height));
    if side > SIDE_MAX {
        return Err(PictureFault::SideTooLarge { side });
    }
    if u64::from(width) * u64::from(height) * CHANNELS as u64 > CLIP_BYTES_MAX {
        return Err(PictureFault::TooLong { width, height });
    }
    if !longer.is_multiple_of(side) {
        return Err(PictureFault::PartOfAFrame { width, height });
    }
    if longer == side {
        return Err(PictureFault::OneFrame { side });
    }

    let mut picture = vec![0; width as usize * height as usize * CHANNELS];
    rgb_png::decode(decoder, &mut picture).map_err(PictureFault::Png)?;
    let (side, frames) = (side as usize, (longer / side) as usize);
    let pixels = if width > height { columns(&picture, side, frames) } else { picture };
    Ok(Picture { side, frames, pixels })
}

/// Cuts frames that stand side by side; those below one another are in order already.
fn columns(picture: &[u8], side: usize, frames: usize) -> Vec<u8> {
    let row = side * CHANNELS;
    let mut pixels = Vec::with_capacity(picture.len());
    for frame in 0..frames {
        for line in picture.chunks(row * frames) {
            pixels.extend_from_slice(&line[frame * row..(frame + 1) * row]);
        }
    }
    pixels
}
