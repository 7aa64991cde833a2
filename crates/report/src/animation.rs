//! Animations: the truth and every arm's prediction side by side, or rows of videos.

use gif::{Encoder, EncodingError, Frame, Repeat};

use super::strip::Strip;

pub(super) const FRAMES_PER_SECOND: u16 = 5;
/// GIF delays are in hundredths of a second.
const DELAY: u16 = 100 / FRAMES_PER_SECOND;
/// Gap between videos in pixels.
const GAP: usize = 2;
/// Height of the bar below the frames in pixels.
const BAR: usize = 3;
/// Colour of gaps, and of the bar below context frames.
const GREY: [u8; 3] = [0x80, 0x80, 0x80];
/// Colour of the bar below predicted frames.
const PREDICTED: [u8; 3] = [0xD5, 0x5E, 0x00];
/// The quantizer samples every fifth pixel.
const SAMPLING: i32 = 5;

/// An encoded animation with its size in pixels.
#[derive(Clone, Debug)]
pub(super) struct Animation {
    pub(super) bytes: Vec<u8>,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// Encodes a strip as an endless GIF with one palette for all frames. A bar below the frames is grey in the
/// context and orange after it.
pub(super) fn encode(strip: &Strip<'_>) -> Result<Animation, EncodingError> {
    let predictions =
        strip.predictions.iter().map(|prediction| &prediction.sequence.prediction[..]);
    let row = std::iter::once(strip.truth).chain(predictions).collect();
    let bar = |frame| if frame < strip.context_frames { GREY } else { PREDICTED };
    encode_rows(strip.shape, &[row], Some(&bar))
}

/// Encodes rows with the same number of videos as an endless GIF with one palette for all frames.
pub(super) fn grid(shape: [usize; 4], rows: &[Vec<&[u8]>]) -> Result<Animation, EncodingError> {
    encode_rows(shape, rows, None)
}

/// Colour of the bar below a frame.
type BarColour<'a> = &'a dyn Fn(usize) -> [u8; 3];

fn encode_rows(
    shape: [usize; 4],
    rows: &[Vec<&[u8]>],
    bar: Option<BarColour<'_>>,
) -> Result<Animation, EncodingError> {
    let [frames, frame_height, frame_width, _] = shape;
    let columns = rows.first().map_or(1, Vec::len);
    let width = columns * (frame_width + GAP) - GAP;
    let height = rows.len() * (frame_height + GAP) - GAP + bar.map_or(0, |_| BAR);

    // All frames are quantized as one tall image: one palette, no flicker.
    let mut pixels = Vec::with_capacity(frames * height * width * 3);
    for frame in 0..frames {
        for (number, row) in rows.iter().enumerate() {
            if number > 0 {
                pixels.extend(std::iter::repeat_n(GREY, GAP * width).flatten());
            }
            push_row(&mut pixels, shape, row, frame);
        }
        let colour = bar.map(|bar| bar(frame));
        pixels.extend(
            colour.into_iter().flat_map(|it| std::iter::repeat_n(it, BAR * width)).flatten(),
        );
    }
    let size = |pixels: usize| u16::try_from(pixels).unwrap_or(u16::MAX);
    let tall = Frame::from_rgb_speed(size(width), size(frames * height), &pixels, SAMPLING);
    let palette = tall.palette.as_deref().unwrap_or_default();

    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, size(width), size(height), palette)?;
    encoder.set_repeat(Repeat::Infinite)?;
    for indices in tall.buffer.chunks_exact(width * height) {
        let mut frame = Frame::from_indexed_pixels(size(width), size(height), indices, None);
        frame.delay = DELAY;
        encoder.write_frame(&frame)?;
    }
    drop(encoder);
    Ok(Animation { bytes, width, height })
}

/// Appends one frame of videos side by side.
fn push_row(pixels: &mut Vec<u8>, shape: [usize; 4], videos: &[&[u8]], frame: usize) {
    let [_, height, width, channels] = shape;
    for y in 0..height {
        for (column, video) in videos.iter().enumerate() {
            if column > 0 {
                pixels.extend(std::iter::repeat_n(GREY, GAP).flatten());
            }
            let start = (frame * height + y) * width * channels;
            for pixel in video[start..start + width * channels].chunks_exact(channels) {
                // Repeats a grey value three times.
                pixels.extend(pixel.iter().cycle().take(3));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rollouts::RolloutSequence, strip::ArmPrediction};

    #[test]
    fn every_step_is_a_frame_of_a_fifth_of_a_second() {
        let sequence =
            RolloutSequence { name: "a".to_owned(), truth: vec![], prediction: vec![9; 3 * 4 * 5] };
        let strip = Strip {
            shape: [3, 4, 5, 1],
            context_frames: 1,
            truth: &[200; 3 * 4 * 5],
            predictions: vec![ArmPrediction { label: "arm", position: 0, sequence: &sequence }],
        };
        let animation = encode(&strip).expect("the frames are encoded");
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(&animation.bytes[..]).expect("a GIF");
        assert_eq!(decoder.repeat(), Repeat::Infinite);
        let mut delays = Vec::new();
        while let Some(frame) = decoder.read_next_frame().expect("a frame") {
            assert_eq!((frame.width, frame.height), (5 + 2 + 5, 4 + 3));
            assert_eq!(frame.buffer[..3], [200; 3]);
            delays.push(frame.delay);
        }
        assert_eq!(delays, [20; 3]);
    }
}
