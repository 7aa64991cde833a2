//! One frame: an 8-bit RGB image in PNG.

use png::{ColorType, DecodingError};

use crate::{
    rgb_image::CHANNELS,
    rgb_png::{self, SIDE_MAX},
    sequence::HwcShape,
};

/// Largest PNG file of a frame: twice the pixels of the largest frame.
pub(super) const FILE_BYTES_MAX: u64 = 2 * CHANNELS as u64 * (SIDE_MAX as u64).pow(2);

/// What is wrong with a frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The file is not a PNG, damaged or truncated.
    #[error("it is not an intact PNG")]
    Png(#[source] DecodingError),
    #[error("it has {width}x{height} pixels, expected at most {SIDE_MAX}x{SIDE_MAX}")]
    TooLarge { width: u32, height: u32 },
    #[error("it is {depth}-bit {}, expected 8-bit RGB", color_name(*color))]
    NotRgb { depth: u8, color: ColorType },
    #[error("it has {width}x{height} pixels, but the frames before it have {}x{}", expected[1], expected[0])]
    Size { width: u32, height: u32, expected: HwcShape },
}

impl FrameError {
    pub(super) const fn hint(&self) -> &'static str {
        match self {
            Self::Png(_) => "copy or render the frame again",
            Self::NotRgb { .. } => "convert all frames to 8-bit RGB without transparency",
            Self::TooLarge { .. } | Self::Size { .. } => "scale all frames to the same size",
        }
    }
}

fn color_name(color: ColorType) -> &'static str {
    match color {
        ColorType::Grayscale => "grey",
        ColorType::GrayscaleAlpha => "grey with transparency",
        ColorType::Indexed => "palette",
        ColorType::Rgb => "RGB",
        ColorType::Rgba => "RGB with transparency",
    }
}

/// Decodes a frame and appends its pixels, `[H, W, C]`, to `pixels`; returns its shape.
///
/// With `expected`, a frame of any other shape is refused. After an error `pixels` is unchanged.
pub(super) fn decode(
    file: &[u8],
    expected: Option<HwcShape>,
    pixels: &mut Vec<u8>,
) -> Result<HwcShape, FrameError> {
    let start = pixels.len();
    decode_into(file, expected, pixels).inspect_err(|_| pixels.truncate(start))
}

fn decode_into(
    file: &[u8],
    expected: Option<HwcShape>,
    pixels: &mut Vec<u8>,
) -> Result<HwcShape, FrameError> {
    let mut decoder = rgb_png::decoder(file);
    let header = decoder.read_header_info().map_err(FrameError::Png)?;
    let (width, height) = header.size();
    if width > SIDE_MAX || height > SIDE_MAX {
        return Err(FrameError::TooLarge { width, height });
    }
    let shape = [height as usize, width as usize, CHANNELS];
    if !rgb_png::is_rgb(header) {
        let (depth, color) = (header.bit_depth as u8, header.color_type);
        return Err(FrameError::NotRgb { depth, color });
    }
    if let Some(expected) = expected.filter(|&expected| expected != shape) {
        return Err(FrameError::Size { width, height, expected });
    }

    let start = pixels.len();
    pixels.resize(start + shape.iter().product::<usize>(), 0);
    rgb_png::decode(decoder, &mut pixels[start..]).map_err(FrameError::Png)?;
    Ok(shape)
}

#[cfg(test)]
mod tests {
    use png::BitDepth;
    use proptest::prelude::*;

    use super::*;

    fn encode(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        file
    }

    #[track_caller]
    fn check_rejects(file: &[u8], expected: Option<HwcShape>, message: &str) {
        let mut pixels = vec![7];
        let fault = decode(file, expected, &mut pixels).expect_err("the frame is refused");
        assert!(fault.to_string().contains(message), "`{fault}` does not contain `{message}`");
        assert_eq!(pixels, [7], "a refused frame leaves no pixels behind");
    }

    #[test]
    fn a_frame_of_another_size_is_rejected_with_both_sizes() {
        let file = encode(3, 2, &[9; 18]);
        check_rejects(
            &file,
            Some([2, 2, 3]),
            "it has 3x2 pixels, but the frames before it have 2x2",
        );
    }

    #[test]
    fn a_frame_with_a_side_beyond_the_limit_is_rejected() {
        let width = SIDE_MAX + 1;
        check_rejects(&encode(width, 1, &vec![0; width as usize * 3]), None, "at most 1024x1024");
    }

    #[test]
    fn a_file_without_its_last_chunk_is_rejected() {
        let file = encode(2, 2, &[1; 12]);
        check_rejects(&file[..file.len() - 12], None, "not an intact PNG");
    }

    proptest! {
        #[test]
        fn pixels_survive_a_round_trip(
            (width, height, pixels) in (1_u32..20, 1_u32..20).prop_flat_map(|(w, h)| {
                (Just(w), Just(h), prop::collection::vec(any::<u8>(), (w * h * 3) as usize))
            })
        ) {
            let mut decoded = Vec::new();
            let shape = decode(&encode(width, height, &pixels), None, &mut decoded).unwrap();
            prop_assert_eq!(shape, [height as usize, width as usize, 3]);
            prop_assert_eq!(decoded, pixels);
        }

        #[test]
        fn a_flipped_byte_never_panics_and_never_changes_pixels_undetected(
            at in 0_usize..100, flip in 1_u8..=255
        ) {
            let mut file = encode(4, 4, &[50; 48]);
            let at = at % file.len();
            file[at] ^= flip;
            let mut decoded = Vec::new();
            if decode(&file, Some([4, 4, 3]), &mut decoded).is_ok() {
                prop_assert_eq!(decoded, vec![50; 48]);
            }
        }
    }
}
