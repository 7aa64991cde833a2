//! Animated GIF files: every frame as a viewer shows it.

use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, DecodingError, DisposalMethod, Frame, MemoryLimit};

use crate::{
    jpeg::PIXELS_MAX,
    rgb_image::{CHANNELS, RgbImage},
};

/// Channels of the decoder's output: red, green, blue and opacity.
const RGBA: usize = 4;

/// Why a GIF file cannot be decoded; frames count from 0.
#[derive(Debug, thiserror::Error)]
pub enum GifError {
    #[error("not a valid GIF")]
    Gif(#[source] DecodingError),
    #[error("{width}x{height} pixels; expected 1 to {PIXELS_MAX} pixels")]
    Size { width: u16, height: u16 },
    #[error("frame {frame} is damaged")]
    Frame { frame: usize, source: DecodingError },
    #[error("it has no frames")]
    NoFrames,
}

/// Decodes the frames in order and calls `each` with them and the hundredths of a second for which they are
/// shown; an error of `each` ends the reading.
///
/// A frame is drawn over the earlier ones, after each of which its disposal method was applied.
/// Pixels that no frame drew are black.
pub(super) fn read<E: From<GifError>>(
    file: &[u8],
    mut each: impl FnMut(RgbImage, u16) -> Result<(), E>,
) -> Result<(), E> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    options.check_frame_consistency(true);
    let limit = PIXELS_MAX.saturating_mul(RGBA as u64);
    options
        .set_memory_limit(MemoryLimit::Bytes(NonZeroU64::new(limit).expect("the limit is not 0")));
    let mut decoder = options.read_info(file).map_err(GifError::Gif)?;
    let (width, height) = (decoder.width(), decoder.height());
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > PIXELS_MAX {
        return Err(GifError::Size { width, height }.into());
    }
    let (width, height) = (usize::from(width), usize::from(height));
    let mut canvas = RgbImage { height, width, pixels: vec![0; width * height * CHANNELS] };
    for frame in 0.. {
        let next = decoder.read_next_frame();
        let Some(drawn) = next.map_err(|source| GifError::Frame { frame, source })? else {
            return if frame == 0 { Err(GifError::NoFrames.into()) } else { Ok(()) };
        };
        let drawn_delay = drawn.delay;
        let before = (drawn.dispose == DisposalMethod::Previous).then(|| canvas.clone());
        draw(&mut canvas, drawn);
        each(canvas.clone(), drawn_delay)?;
        match before {
            Some(before) => canvas = before,
            None if drawn.dispose == DisposalMethod::Background => erase(&mut canvas, drawn),
            None => {}
        }
    }
    Ok(())
}

/// Draws the opaque pixels of a frame; the decoder has checked that they lie within the canvas.
fn draw(canvas: &mut RgbImage, frame: &Frame<'_>) {
    for (at, pixel) in indices(canvas.width, frame).zip(frame.buffer.chunks_exact(RGBA)) {
        if let &[red, green, blue, u8::MAX] = pixel {
            canvas.pixels[at..at + CHANNELS].copy_from_slice(&[red, green, blue]);
        }
    }
}

/// Sets the rectangle of a frame to black.
fn erase(canvas: &mut RgbImage, frame: &Frame<'_>) {
    for at in indices(canvas.width, frame) {
        canvas.pixels[at..at + CHANNELS].fill(0);
    }
}

/// Returns the index of each pixel of a frame in a canvas of this width, row by row.
fn indices(canvas_width: usize, frame: &Frame<'_>) -> impl Iterator<Item = usize> + use<> {
    let [left, top, width, height] =
        [frame.left, frame.top, frame.width, frame.height].map(usize::from);
    (top..top + height)
        .flat_map(move |y| (left..left + width).map(move |x| (y * canvas_width + x) * CHANNELS))
}
