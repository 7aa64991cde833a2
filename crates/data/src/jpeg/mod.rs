//! JPEG images, decoded to the same bits as TensorFlow's `decode_jpeg`.
//!
//! TensorFlow uses libjpeg-turbo, by default with its fast integer DCT, whose pixels differ from those
//! of the accurate one by up to 3 of 255. No decoder written in Rust computes either of them bit for
//! bit. Supported: baseline and progressive images with 8-bit samples in one or three components. Not
//! supported: arithmetic coding, 12-bit samples and CMYK. libjpeg fills the missing parts of a damaged
//! image with grey; this decoder returns an error. Start from [`decode`].
//!
//! Sources: ITU-T T.81 for the format; libjpeg-turbo 2.0 for DCT, upsampling and colours.

use super::rgb_image::RgbImage;

mod coefficients;
mod entropy;
mod error;
mod huffman;
mod idct;
mod segments;
mod standard;
mod upsample;

pub use error::{JpegError, PIXELS_MAX};
pub use idct::Dct;

/// Decodes an image; a grey one becomes RGB with three equal channels.
pub fn decode(file: &[u8], dct: Dct) -> Result<RgbImage, JpegError> {
    let image = segments::read(file)?;
    let planes: Vec<_> = image
        .components
        .iter()
        .map(|component| upsample::full_size(&image, component, &idct::samples(component, dct)))
        .collect();
    let pixels = upsample::interleave(&planes, image.colour_space);
    Ok(RgbImage { height: image.height, width: image.width, pixels })
}

#[cfg(test)]
mod tests;
