//! Strips of frames: the truth, the prediction of each arm and the difference, one column per frame.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use png::{ColorType, EncodingError};

use super::{
    palette::{self, BASELINE, Ink, MUTED, PAPER, TEXT},
    rollouts::RolloutSequence,
    svg::{Drawing, escape},
};
use reprise_data::png_file::smallest_png;

/// Differences are multiplied by this.
pub(super) const MAGNIFICATION: usize = 4;

/// Width of a frame, in units.
pub(super) const FRAME: usize = 76;
/// Gap between frames, in units and in pixels of the image.
pub(super) const GAP: usize = 2;
pub(super) const LABEL_HEIGHT: usize = 17;
const HEAD_HEIGHT: usize = 38;
/// An image of at most this width in pixels is shown at twice its size.
const SMALL_WIDTH_MAX: usize = 300;
pub(super) const ROW_GAP: usize = 5;

/// A test sequence with the predictions of several arms.
#[derive(Clone, Debug)]
pub(super) struct Strip<'a> {
    /// Frames, height, width, channels.
    pub(super) shape: [usize; 4],
    /// Number of leading frames given to the models.
    pub(super) context_frames: usize,
    pub(super) truth: &'a [u8],
    pub(super) predictions: Vec<ArmPrediction<'a>>,
}

/// The prediction of one arm.
#[derive(Clone, Debug)]
pub(super) struct ArmPrediction<'a> {
    /// The arm's label.
    pub(super) label: &'a str,
    /// The arm's position, which decides its colour.
    pub(super) position: usize,
    pub(super) sequence: &'a RolloutSequence,
}

/// Draws the strip: a row of frames for the truth, and for each arm one for its prediction and one for
/// the absolute difference.
pub(super) fn draw(strip: &Strip<'_>) -> Result<Drawing, EncodingError> {
    let [frames, height, width, channels] = strip.shape;
    let mut rows = vec![("truth".to_owned(), TEXT, png(strip.truth, strip.shape)?)];
    for prediction in &strip.predictions {
        let ink = palette::arm(prediction.position);
        let difference = difference(strip.truth, &prediction.sequence.prediction, channels);
        let label = prediction.label;
        rows.push((label.to_owned(), ink, png(&prediction.sequence.prediction, strip.shape)?));
        rows.push((
            format!("|truth \u{2212} {label}| \u{d7} {MAGNIFICATION}"),
            ink,
            png(&difference, [frames, height, width, 1])?,
        ));
    }

    let mut elements = String::new();
    if strip.context_frames > 0 {
        context_bar(&mut elements, strip.context_frames);
    }
    predicted_bar(&mut elements, frames, strip.context_frames);
    Ok(stacked(&elements, rows, strip.shape))
}

/// Draws one row of frames per video, with its label.
pub(super) fn draw_rows(
    rows: &[(String, Ink, &[u8])],
    shape: [usize; 4],
) -> Result<Drawing, EncodingError> {
    let encoded =
        rows.iter().map(|(label, ink, video)| Ok((label.clone(), *ink, png(video, shape)?)));
    Ok(stacked("", encoded.collect::<Result<_, EncodingError>>()?, shape))
}

/// Draws frame numbers, the elements of `above`, and encoded rows below them.
fn stacked(
    above: &str,
    rows: Vec<(String, Ink, Vec<u8>)>,
    [frames, height, width, _]: [usize; 4],
) -> Drawing {
    let frame_height = FRAME * height / width;
    let total_width = frames * (FRAME + GAP) - GAP;
    let mut elements = String::new();
    frame_numbers(&mut elements, frames);
    elements.push_str(above);
    let mut y = HEAD_HEIGHT;
    for (label, ink, picture) in rows {
        text(&mut elements, [11, y + 12], TEXT, &label, "start");
        rectangle(&mut elements, [0, y + 3, 6, 10], ink);
        y += LABEL_HEIGHT;
        image(&mut elements, [0, y, total_width, frame_height], &picture);
        y += frame_height + ROW_GAP;
    }
    on_paper(&elements, [total_width, y])
}

/// Returns elements of this size on the background colour of the page.
pub(super) fn on_paper(elements: &str, [width, height]: [usize; 2]) -> Drawing {
    let mut all = String::new();
    rectangle(&mut all, [0, 0, width, height], PAPER);
    all += elements;
    let size = |units: usize| u32::try_from(units).unwrap_or(u32::MAX);
    Drawing { width: size(width), height: size(height), scale: 1, elements: all }
}

/// Draws one image `[H, W, C]` at its own size, or at twice that if it is small.
pub(super) fn single(
    picture: &[u8],
    [height, width, channels]: [usize; 3],
) -> Result<Drawing, EncodingError> {
    let mut elements = String::new();
    let encoded = png(picture, [1, height, width, channels])?;
    let zoom = if width <= SMALL_WIDTH_MAX { 2 } else { 1 };
    let size = [zoom * width, zoom * height];
    image(&mut elements, [0, 0, size[0], size[1]], &encoded);
    Ok(on_paper(&elements, size))
}

fn frame_numbers(elements: &mut String, frames: usize) {
    for frame in 0..frames {
        let label = if frame == 0 { "t = 0".to_owned() } else { frame.to_string() };
        let middle = frame * (FRAME + GAP) + FRAME / 2;
        text(elements, [middle, 29], MUTED, &label, "middle");
    }
}

fn context_bar(elements: &mut String, context_frames: usize) {
    text(elements, [0, 10], MUTED, "context", "start");
    rectangle(elements, [0, 14, context_frames * (FRAME + GAP) - GAP, 2], BASELINE);
}

fn predicted_bar(elements: &mut String, frames: usize, context_frames: usize) {
    let context = context_frames * (FRAME + GAP);
    text(elements, [context, 10], MUTED, "predicted", "start");
    rectangle(elements, [context, 14, frames * (FRAME + GAP) - GAP - context, 2], MUTED);
}

/// Adds an image without smoothing its pixels.
pub(super) fn image(elements: &mut String, [x, y, width, height]: [usize; 4], picture: &[u8]) {
    let data = STANDARD.encode(picture);
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        elements,
        "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
         preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" \
         href=\"data:image/png;base64,{data}\"/>",
    );
}

/// Adds a filled rectangle: left, top, width, height.
pub(super) fn rectangle(elements: &mut String, [x, y, width, height]: [usize; 4], ink: Ink) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        elements,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{}\"/>",
        ink.hex()
    );
}

/// Adds a line of text; `anchor` is its SVG `text-anchor`.
pub(super) fn text(elements: &mut String, [x, y]: [usize; 2], ink: Ink, label: &str, anchor: &str) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        elements,
        "<text x=\"{x}\" y=\"{y}\" font-size=\"12\" font-family=\"sans-serif\" \
         text-anchor=\"{anchor}\" fill=\"{}\">{}</text>",
        ink.hex(),
        escape(label)
    );
}

/// Returns |truth − prediction| as grey frames: mean over channels, magnified, clipped at 255.
fn difference(truth: &[u8], prediction: &[u8], channels: usize) -> Vec<u8> {
    truth
        .chunks_exact(channels)
        .zip(prediction.chunks_exact(channels))
        .map(|(truth, prediction)| {
            let distances = truth.iter().zip(prediction).map(|(a, b)| usize::from(a.abs_diff(*b)));
            let magnified = distances.sum::<usize>() * MAGNIFICATION / channels;
            u8::try_from(magnified).unwrap_or(u8::MAX)
        })
        .collect()
}

/// Encodes frames `[T, H, W, C]` side by side with transparent gaps, with the filter that gives the smallest
/// file.
pub(super) fn png(
    frames: &[u8],
    [count, height, width, channels]: [usize; 4],
) -> Result<Vec<u8>, EncodingError> {
    let total_width = count * (width + GAP) - GAP;
    let mut pixels = vec![0; total_width * height * (channels + 1)];
    for (index, pixel) in frames.chunks_exact(channels).enumerate() {
        let (frame, y, x) = (index / (height * width), index / width % height, index % width);
        let at = (y * total_width + frame * (width + GAP) + x) * (channels + 1);
        pixels[at..at + channels].copy_from_slice(pixel);
        pixels[at + channels] = u8::MAX;
    }
    let color = if channels == 1 { ColorType::GrayscaleAlpha } else { ColorType::Rgba };
    smallest_png(&pixels, [height, total_width], color)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_magnified_and_clipped() {
        assert_eq!(difference(&[10, 200], &[13, 0], 1), [12, 255]);
        assert_eq!(difference(&[10, 10, 10], &[13, 10, 16], 3), [12]);
    }

    #[test]
    fn frames_are_side_by_side_with_a_transparent_gap() {
        let bytes = png(&[1, 2, 3, 4], [2, 2, 1, 1]).expect("the frames are encoded");
        let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        let mut reader = decoder.read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a small image")];
        reader.next_frame(&mut pixels).expect("a complete image");
        let row = |first, second| [first, 255, 0, 0, 0, 0, second, 255];
        assert_eq!(pixels, [row(1, 3), row(2, 4)].concat());
    }
}
