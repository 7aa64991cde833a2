//! An image file as RGB: PNG of any colour type, or JPEG, known by its first bytes and not by its name.
//!
//! ```text
//! grey, palette, 1 to 4 bits per sample, interlaced     expanded
//! alpha channel                                         dropped if every pixel is opaque
//! JPEG                                                  as libjpeg's accurate integer DCT
//! ```
//! Refused: 16 bits per sample and transparent pixels, because either would lose information.
//!
//! Files are untrusted. The size is read before memory is allocated for pixels. Checksums are verified,
//! text and colour-profile chunks are not decompressed, and the memory of the decoder is limited.

use std::io::Cursor;

use png::{BitDepth, ColorType, DecodeOptions, Decoder, DecodingError, Limits, Transformations};

use super::{
    jpeg::{self, Dct, JpegError},
    rgb_image::{CHANNELS, RgbImage},
    signature,
};

/// Longest side of a frame in pixels.
pub(super) const SIDE_MAX: u32 = 1024;

/// Memory limit of the decoder in bytes, without the image itself.
const DECODER_BYTES_MAX: usize = 8 << 20;

/// Extensions of image files, in lower case.
const EXTENSIONS: [&str; 3] = ["png", "jpg", "jpeg"];

/// Splits the name of an image file into stem and extension; returns nothing for other files.
pub(super) fn split_name(name: &str) -> Option<(&str, &str)> {
    let (stem, extension) = name.rsplit_once('.')?;
    let is_image = EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known));
    is_image.then_some((stem, extension))
}

/// How an image is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ImageKind {
    Rgb,
    Grey,
    Palette,
    /// With an alpha channel in which every pixel is opaque.
    Opaque,
    Jpeg,
}

impl ImageKind {
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::Rgb => "RGB PNG",
            Self::Grey => "grey PNG",
            Self::Palette => "palette PNG",
            Self::Opaque => "PNG with an opaque alpha channel, which was dropped",
            Self::Jpeg => "JPEG",
        }
    }
}

/// Why a file cannot be used as an image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error("it is not an intact PNG")]
    Png(#[source] DecodingError),
    #[error("it is not an intact JPEG")]
    Jpeg(#[source] JpegError),
    #[error("it is {}, not a PNG or JPEG", what.unwrap_or("a file of an unknown kind"))]
    NotImage {
        /// What the file is, if known.
        what: Option<&'static str>,
    },
    #[error("its pixel x = {x}, y = {y} has colour {index} of a palette of {colours}")]
    NoColour { x: usize, y: usize, index: u8, colours: usize },
    #[error("it has 16 bits per sample, expected 8")]
    SixteenBits,
    #[error("its pixel x = {x}, y = {y} is transparent (alpha {alpha} of 255)")]
    Transparent { x: usize, y: usize, alpha: u8 },
}

impl ImageError {
    pub(super) const fn hint(&self) -> &'static str {
        match self {
            Self::Png(_) | Self::NoColour { .. } | Self::NotImage { .. } => {
                "copy or render the image again"
            }
            Self::Jpeg(JpegError::Unsupported { .. } | JpegError::TooLarge { .. }) => {
                "convert it without loss: `ffmpeg -i IN.jpg OUT.png`"
            }
            Self::Jpeg(_) => "copy the image again",
            Self::SixteenBits => "scale its values to 8 bits with the range that your data have",
            Self::Transparent { .. } => {
                "place the images on a background of your choice, for example with \
                 `magick IN.png -background black -flatten OUT.png`"
            }
        }
    }
}

/// Decodes an image file. `accept` is called with width and height before the pixels of a PNG are decoded,
/// and refuses sizes.
pub(super) fn decode<E: From<ImageError>>(
    file: &[u8],
    accept: impl FnOnce(u32, u32) -> Result<(), E>,
) -> Result<(RgbImage, ImageKind), E> {
    if file.starts_with(b"\xff\xd8\xff") {
        let image = jpeg::decode(file, Dct::Accurate).map_err(ImageError::Jpeg)?;
        let [width, height] =
            [image.width, image.height].map(|side| u32::try_from(side).unwrap_or(u32::MAX));
        accept(width, height)?;
        return Ok((image, ImageKind::Jpeg));
    }
    if !file.starts_with(b"\x89PNG") {
        return Err(ImageError::NotImage { what: signature::describe(file) }.into());
    }
    let mut decoder = decoder(file, Transformations::EXPAND);
    let header = decoder.read_header_info().map_err(ImageError::Png)?;
    let ((width, height), depth, stored) = (header.size(), header.bit_depth, header.color_type);
    accept(width, height)?;
    if depth == BitDepth::Sixteen {
        return Err(ImageError::SixteenBits.into());
    }
    let [height, width] = [height as usize, width as usize];
    if stored == ColorType::Indexed {
        check_palette(file, width, depth)?;
    }
    let (pixels, channels) = samples(decoder).map_err(ImageError::Png)?;
    let opaque = |index: usize| pixels[(index + 1) * channels - 1] == u8::MAX;
    let has_alpha = matches!(channels, 2 | 4);
    if let Some(at) = (0..height * width).filter(|_| has_alpha).find(|&index| !opaque(index)) {
        let (x, y, alpha) = (at % width, at / width, pixels[(at + 1) * channels - 1]);
        return Err(ImageError::Transparent { x, y, alpha }.into());
    }
    let kind = match stored {
        ColorType::Indexed => ImageKind::Palette,
        ColorType::Grayscale => ImageKind::Grey,
        _ if has_alpha => ImageKind::Opaque,
        _ => ImageKind::Rgb,
    };
    let pixels = match channels {
        CHANNELS => pixels,
        1 | 2 => pixels.chunks_exact(channels).flat_map(|pixel| [pixel[0]; CHANNELS]).collect(),
        _ => pixels.chunks_exact(channels).flat_map(|pixel| &pixel[..CHANNELS]).copied().collect(),
    };
    Ok((RgbImage { height, width, pixels }, kind))
}

/// Refuses a pixel whose colour the palette does not have: decoders show it as black.
fn check_palette(file: &[u8], width: usize, depth: BitDepth) -> Result<(), ImageError> {
    let mut reader =
        decoder(file, Transformations::IDENTITY).read_info().map_err(ImageError::Png)?;
    let colours = reader.info().palette.as_ref().map_or(0, |palette| palette.len() / CHANNELS);
    let bits = depth as usize;
    let mut rows = vec![0; reader.output_buffer_size().unwrap_or(0)];
    reader.next_frame(&mut rows).map_err(ImageError::Png)?;
    for (y, row) in rows.chunks_exact((width * bits).div_ceil(8)).enumerate() {
        for x in 0..width {
            // The first pixel of a byte is in its highest bits.
            let shift = 8 - bits - x * bits % 8;
            let index = row[x * bits / 8] >> shift & (u8::MAX >> (8 - bits));
            if usize::from(index) >= colours {
                return Err(ImageError::NoColour { x, y, index, colours });
            }
        }
    }
    Ok(())
}

fn decoder(file: &[u8], transformations: Transformations) -> Decoder<Cursor<&[u8]>> {
    let mut options = DecodeOptions::default();
    options.set_ignore_checksums(false);
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(file), options);
    decoder.set_limits(Limits { bytes: DECODER_BYTES_MAX });
    // EXPAND: palettes, few bits and transparent colours become 8-bit samples, if need be with alpha.
    decoder.set_transformations(transformations);
    decoder
}

/// Returns the samples, `[H, W, channels]`, and the channels, and reads the file to its end.
fn samples(decoder: Decoder<Cursor<&[u8]>>) -> Result<(Vec<u8>, usize), DecodingError> {
    let mut reader = decoder.read_info()?;
    let size = reader.output_buffer_size().ok_or(DecodingError::LimitsExceeded)?;
    let mut pixels = vec![0; size];
    reader.next_frame(&mut pixels)?;
    let channels = reader.output_color_type().0.samples();
    reader.finish()?;
    Ok((pixels, channels))
}

#[cfg(test)]
mod tests {
    use png::Encoder;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "`decode` takes a function that can refuse")]
    fn accept(_: u32, _: u32) -> Result<(), ImageError> {
        Ok(())
    }

    fn encoded(color: ColorType, depth: BitDepth, size: [u32; 2], data: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, size[0], size[1]);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            encoder.set_palette(vec![1, 2, 3, 40, 50, 60]);
        }
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(data).unwrap();
        writer.finish().unwrap();
        file
    }

    #[track_caller]
    fn check(color: ColorType, depth: BitDepth, data: &[u8], kind: ImageKind, pixels: [u8; 6]) {
        let file = encoded(color, depth, [2, 1], data);
        let (image, found) = decode(&file, accept).unwrap();
        assert_eq!((image.width, image.height, found), (2, 1, kind));
        assert_eq!(image.pixels, pixels);
    }

    #[test]
    fn every_kind_of_png_becomes_rgb() {
        let eight = BitDepth::Eight;
        check(ColorType::Rgb, eight, &[1, 2, 3, 4, 5, 6], ImageKind::Rgb, [1, 2, 3, 4, 5, 6]);
        check(ColorType::Grayscale, eight, &[7, 9], ImageKind::Grey, [7, 7, 7, 9, 9, 9]);
        let four = BitDepth::Four;
        check(ColorType::Grayscale, four, &[0x1f], ImageKind::Grey, [17, 17, 17, 255, 255, 255]);
        let one = BitDepth::One;
        check(ColorType::Grayscale, one, &[0x40], ImageKind::Grey, [0, 0, 0, 255, 255, 255]);
        check(ColorType::Indexed, one, &[0x40], ImageKind::Palette, [1, 2, 3, 40, 50, 60]);
        check(ColorType::Indexed, eight, &[1, 0], ImageKind::Palette, [40, 50, 60, 1, 2, 3]);
        let rgba = [1, 2, 3, 255, 4, 5, 6, 255];
        check(ColorType::Rgba, eight, &rgba, ImageKind::Opaque, [1, 2, 3, 4, 5, 6]);
        let grey = [7, 255, 9, 255];
        check(ColorType::GrayscaleAlpha, eight, &grey, ImageKind::Opaque, [7, 7, 7, 9, 9, 9]);
    }

    #[track_caller]
    fn check_refused(file: &[u8], message: &str) {
        assert_eq!(decode(file, accept).unwrap_err().to_string(), message);
    }

    #[test]
    fn what_would_lose_information_is_refused_with_the_pixel() {
        let half = encoded(
            ColorType::Rgba,
            BitDepth::Eight,
            [1, 3],
            &[1, 2, 3, 255, 1, 2, 3, 255, 4, 5, 6, 128],
        );
        check_refused(&half, "its pixel x = 0, y = 2 is transparent (alpha 128 of 255)");
        let deep = encoded(ColorType::Grayscale, BitDepth::Sixteen, [1, 1], &[1, 2]);
        check_refused(&deep, "it has 16 bits per sample, expected 8");
    }

    #[test]
    fn other_files_are_named() {
        check_refused(b"GIF89a", "it is a GIF file, not a PNG or JPEG");
        check_refused(b"hello", "it is a file of an unknown kind, not a PNG or JPEG");
        check_refused(b"\xff\xd8\xff", "it is not an intact JPEG");
    }

    #[test]
    fn a_palette_index_without_a_colour_and_a_cut_file_are_refused() {
        let file = encoded(ColorType::Indexed, BitDepth::Eight, [2, 1], &[1, 200]);
        check_refused(&file, "its pixel x = 1, y = 0 has colour 200 of a palette of 2");
        let file = encoded(ColorType::Indexed, BitDepth::Four, [2, 1], &[0x1e]);
        check_refused(&file, "its pixel x = 1, y = 0 has colour 14 of a palette of 2");
        let whole = encoded(ColorType::Rgb, BitDepth::Eight, [2, 1], &[1, 2, 3, 4, 5, 6]);
        for end in 0..whole.len() {
            assert!(decode(&whole[..end], accept).is_err(), "cut at {end}");
        }
    }
}
