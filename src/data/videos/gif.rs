//! Animated GIF files: every frame as a viewer shows it.

use std::num::NonZeroU64;

use gif::{ColorOutput, DecodeOptions, DecodingError, DisposalMethod, Frame, MemoryLimit};

use crate::data::{
    CHANNELS,
    jpeg::{PIXELS_MAX, Picture},
};

/// Red, green, blue, and whether it is seen at all.
const RGBA: usize = 4;

/// What is wrong with a GIF file.
#[derive(Debug, thiserror::Error)]
pub enum GifFault {
    /// The file is no GIF, damaged or cut off.
    #[error("it is not an intact GIF")]
    Gif(#[source] DecodingError),
    /// More pixels than any frame has, or none.
    #[error("it is {width}x{height} pixels; at least one and at most {PIXELS_MAX} pixels are read")]
    Size {
        /// Width in pixels.
        width: u16,
        /// Height in pixels.
        height: u16,
    },
    /// A frame that is damaged.
    #[error("frame {frame} is damaged")]
    Frame {
        /// Number of the frame from 0.
        frame: usize,
        /// What the decoder says.
        #[source]
        source: DecodingError,
    },
    /// There are no frames.
    #[error("it has no frames")]
    NoFrames,
}

/// Decodes all frames one after the other; `each` may end the reading by an error of its own.
///
/// A frame is drawn over the ones before it, which stay, vanish or come back as they say themselves.
/// What nothing was drawn on is black.
pub(super) fn read<E: From<GifFault>>(
    file: &[u8],
    mut each: impl FnMut(Picture) -> Result<(), E>,
) -> Result<(), E> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    options.check_frame_consistency(true);
    let limit = PIXELS_MAX.saturating_mul(RGBA as u64);
    options.set_memory_limit(MemoryLimit::Bytes(
        NonZeroU64::new(limit).expect("a picture may have pixels"),
    ));
    let mut decoder = options.read_info(file).map_err(GifFault::Gif)?;
    let (width, height) = (decoder.width(), decoder.height());
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > PIXELS_MAX {
        return Err(GifFault::Size { width, height }.into());
    }
    let (width, height) = (usize::from(width), usize::from(height));
    let mut canvas = Picture { height, width, pixels: vec![0; width * height * CHANNELS] };
    for frame in 0.. {
        let next = decoder.read_next_frame();
        let Some(drawn) = next.map_err(|source| GifFault::Frame { frame, source })? else {
            return if frame == 0 { Err(GifFault::NoFrames.into()) } else { Ok(()) };
        };
        let before = (drawn.dispose == DisposalMethod::Previous).then(|| canvas.clone());
        draw(&mut canvas, drawn);
        each(canvas.clone())?;
        match before {
            Some(before) => canvas = before,
            None if drawn.dispose == DisposalMethod::Background => erase(&mut canvas, drawn),
            None => {}
        }
    }
    Ok(())
}

/// Draws the opaque pixels of a frame; the decoder has checked that they lie within the picture.
fn draw(canvas: &mut Picture, frame: &Frame<'_>) {
    for (at, pixel) in places(canvas.width, frame).zip(frame.buffer.chunks_exact(RGBA)) {
        if let &[red, green, blue, u8::MAX] = pixel {
            canvas.pixels[at..at + CHANNELS].copy_from_slice(&[red, green, blue]);
        }
    }
}

/// Blackens the rectangle of a frame.
fn erase(canvas: &mut Picture, frame: &Frame<'_>) {
    for at in places(canvas.width, frame) {
        canvas.pixels[at..at + CHANNELS].fill(0);
    }
}

/// Returns where each pixel of a frame lies in a picture of this width, row by row.
fn places(picture_width: usize, frame: &Frame<'_>) -> impl Iterator<Item = usize> + use<> {
    let [left, top, width, height] =
        [frame.left, frame.top, frame.width, frame.height].map(usize::from);
    (top..top + height)
        .flat_map(move |y| (left..left + width).map(move |x| (y * picture_width + x) * CHANNELS))
}
