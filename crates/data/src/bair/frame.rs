//! One frame.

use crate::{
    image_file::{self, ImageError, ImageKind, SIDE_MAX},
    rgb_image::{CHANNELS, RgbImage},
    scale::Scale,
    sequence::HwcShape,
};

/// Largest file of a frame: twice the pixels of the largest frame.
pub(super) const FILE_BYTES_MAX: u64 = 2 * CHANNELS as u64 * (SIDE_MAX as u64).pow(2);

/// What is wrong with a frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error("it has {width}x{height} pixels, expected at most {SIDE_MAX}x{SIDE_MAX}")]
    TooLarge { width: u32, height: u32 },
    #[error("it has {width}x{height} pixels, but the frames before it have {}x{}", expected[1], expected[0])]
    Size { width: u32, height: u32, expected: HwcShape },
}

impl FrameError {
    pub(super) const fn hint(&self) -> &'static str {
        match self {
            Self::Image(error) => error.hint(),
            Self::TooLarge { .. } => "scale all frames to the same size",
            Self::Size { .. } => {
                "scale all frames to the same size, for example with \
                 `--set data.dataset.bair.resize.side=64`"
            }
        }
    }
}

/// Decodes a frame and appends its pixels, `[H, W, C]`, to `pixels`; returns its shape and its kind.
///
/// With `expected`, a frame of any other shape is refused. After an error `pixels` is unchanged.
pub(super) fn decode(
    file: &[u8],
    scale: Option<Scale>,
    expected: Option<HwcShape>,
    pixels: &mut Vec<u8>,
) -> Result<(HwcShape, ImageKind), FrameError> {
    let accept = |width, height| {
        if width > SIDE_MAX || height > SIDE_MAX {
            return Err(FrameError::TooLarge { width, height });
        }
        let shape = [height as usize, width as usize, CHANNELS];
        match expected.filter(|&expected| scale.is_none() && expected != shape) {
            Some(expected) => Err(FrameError::Size { width, height, expected }),
            None => Ok(()),
        }
    };
    let (image, kind) = image_file::decode(file, accept)?;
    let RgbImage { height, width, pixels: decoded } = match scale {
        Some(scale) => scale.apply(&image),
        None => image,
    };
    pixels.extend(decoded);
    Ok(([height, width, CHANNELS], kind))
}

#[cfg(test)]
mod tests {
    use png::{BitDepth, ColorType};
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
        let fault = decode(file, None, expected, &mut pixels).expect_err("the frame is refused");
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
            let file = encode(width, height, &pixels);
            let (shape, kind) = decode(&file, None, None, &mut decoded).unwrap();
            prop_assert_eq!(shape, [height as usize, width as usize, 3]);
            prop_assert_eq!((decoded, kind), (pixels, ImageKind::Rgb));
        }

        #[test]
        fn a_flipped_byte_never_panics_and_never_changes_pixels_undetected(
            at in 0_usize..100, flip in 1_u8..=255
        ) {
            let mut file = encode(4, 4, &[50; 48]);
            let at = at % file.len();
            file[at] ^= flip;
            let mut decoded = Vec::new();
            if decode(&file, None, Some([4, 4, 3]), &mut decoded).is_ok() {
                prop_assert_eq!(decoded, vec![50; 48]);
            }
        }
    }
}
