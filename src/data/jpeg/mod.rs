//! JPEG pictures, decoded to the same bits as TensorFlow's `decode_jpeg`.
//!
//! TensorFlow calls libjpeg-turbo, by default with its fast integer DCT, whose pixels differ by up to
//! 3 of 255 from the accurate one's; no decoder written in Rust computes either to the bit. Baseline
//! and progressive pictures with 8-bit samples in one or three components are read; arithmetic
//! coding, 12-bit samples and CMYK are refused. Unlike libjpeg, which fills what a damaged picture
//! lacks with grey, this refuses it. Start from [`decode`].
//!
//! Sources: ITU-T T.81 for the format; libjpeg-turbo 2.0 for DCT, upsampling and colours.

use std::fmt;

mod entropy;
mod idct;
mod segments;
mod upsample;

/// Most pixels of a picture; a frame of the Google data set has 640×512.
pub const PIXELS_MAX: u64 = 1 << 20;

/// Which inverse DCT turns coefficients into samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dct {
    /// The fast one (`JDCT_IFAST`), TensorFlow's default.
    #[default]
    Fast,
    /// The accurate one (`JDCT_ISLOW`), the default of everybody else.
    Accurate,
}

/// An RGB picture.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// Red, green and blue, `[H, W, 3]`.
    pub pixels: Vec<u8>,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { height, width, pixels: _ } = self;
        write!(f, "Picture({width}x{height})")
    }
}

/// Why bytes are no picture that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JpegFault {
    /// There is nothing.
    #[error("it is empty")]
    Empty,
    /// The first bytes are not those of a JPEG.
    #[error("it does not begin as a JPEG does")]
    NotJpeg,
    /// The bytes end before the picture does.
    #[error("it ends before the picture does")]
    Truncated,
    /// Coded pixels end before the picture is complete, or are no code at all.
    #[error("its coded pixels are damaged")]
    Coded,
    /// Bytes stand where a marker is due.
    #[error("there is no marker at byte {offset}")]
    NoMarker {
        /// Where the marker is due.
        offset: usize,
    },
    /// A segment contradicts itself or the ones before it.
    #[error("its {segment} is not valid")]
    Segment {
        /// What the segment holds.
        segment: &'static str,
    },
    /// A kind of JPEG that is not read.
    #[error("it is {what}, which is not read")]
    Unsupported {
        /// The kind.
        what: &'static str,
    },
    /// More pixels than any frame has.
    #[error("it is {width}x{height} pixels; at most {PIXELS_MAX} pixels are read")]
    TooLarge {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
}

/// Decodes a picture; one of a single component becomes grey in three channels.
pub fn decode(file: &[u8], dct: Dct) -> Result<Picture, JpegFault> {
    let image = segments::read(file)?;
    let planes: Vec<_> = image
        .components
        .iter()
        .map(|component| upsample::full_size(&image, component, &idct::samples(component, dct)))
        .collect();
    let pixels = upsample::colours(&planes, image.colours);
    Ok(Picture { height: image.height, width: image.width, pixels })
}

#[cfg(test)]
mod tests;
