//! Grids of videos for people to look at: animations, strips and contact sheets.

use std::iter;

use png::{BitDepth, ColorType, Encoder, EncodingError};

use super::canvas::{Canvas, Yx, Zoom};

/// Frames per second of animations.
pub const FRAMES_PER_SECOND: u16 = 5;
/// GIF delays are in hundredths of a second.
const GIF_DELAY: u16 = 100 / FRAMES_PER_SECOND;
/// Gap between videos in pixels.
const GAP: usize = 2;
/// Gap between the strips of a contact sheet.
const STRIP_GAP: usize = 10;
/// Height of the bar at the frames in pixels.
const BAR: usize = 3;
/// Colour of the gaps of strips.
const WHITE: [u8; 3] = [0xFF; 3];
/// Colour of the gaps of animations, and of the bar at context frames.
const GREY: [u8; 3] = [0x80, 0x80, 0x80];
/// Colour of the bar at predicted frames.
const PREDICTED: [u8; 3] = [0xD5, 0x5E, 0x00];
/// GIF's quantizer samples every fifth pixel.
const SAMPLING: i32 = 5;

/// Why a picture could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    #[error("failed to encode a PNG image of {height}x{width} pixels")]
    Png { height: usize, width: usize, source: EncodingError },
    #[error("failed to encode a GIF of {height}x{width} pixels")]
    Gif { height: usize, width: usize, source: gif::EncodingError },
    #[error("{height}x{width} pixels are too large for a GIF, which has at most 65535x65535")]
    GifSize { height: usize, width: usize },
}

/// Rows of videos, all of the same shape, and as many in each row.
#[derive(Clone, Debug)]
pub struct VideoGrid<'a> {
    /// Frames, height, width, channels (1 or 3) of each video.
    pub shape: [usize; 4],
    /// Videos `[T, H, W, C]`.
    pub rows: Vec<Vec<&'a [u8]>>,
    /// Number of leading frames that were given to a model. If set, a bar shows which frames these are.
    pub context: Option<usize>,
}

/// An encoded animation with its size in pixels.
#[derive(Clone, Debug)]
pub struct Animation {
    pub bytes: Vec<u8>,
    pub width: usize,
    pub height: usize,
}

impl<'a> VideoGrid<'a> {
    /// Encodes the grid as an endless GIF with one palette for all frames.
    ///
    /// # Errors
    /// If the grid is too large for a GIF.
    pub fn gif(&self) -> Result<Animation, PictureError> {
        let [height, width] = self.extent();
        let [Ok(rows), Ok(columns)] = [height, width].map(u16::try_from) else {
            return Err(PictureError::GifSize { height, width });
        };
        // All frames are quantized as one tall image: one palette, no flicker.
        let mut pixels: Vec<u8> =
            (0..self.shape[0]).flat_map(|frame| self.frame(frame).pixels).collect();
        let area = pixels.len() / 3;
        let [tall, wide] = if let Ok(tall) = u16::try_from(self.shape[0] * height) {
            [tall, columns]
        } else {
            // Another form of the same pixels, filled up with the last one.
            let tall = area.div_ceil(usize::from(u16::MAX));
            let padding: [u8; 3] = pixels.last_chunk().copied().unwrap_or(GREY);
            let missing = tall * usize::from(u16::MAX) - area;
            pixels.extend(iter::repeat_n(padding, missing).flatten());
            let tall = u16::try_from(tall);
            [tall.map_err(|_| PictureError::GifSize { height, width })?, u16::MAX]
        };
        let quantized = gif::Frame::from_rgb_speed(wide, tall, &pixels, SAMPLING);
        let palette = quantized.palette.as_deref().unwrap_or_default();
        let encode = || -> Result<Vec<u8>, gif::EncodingError> {
            let mut bytes = Vec::new();
            let mut encoder = gif::Encoder::new(&mut bytes, columns, rows, palette)?;
            encoder.set_repeat(gif::Repeat::Infinite)?;
            for indices in quantized.buffer[..area].chunks_exact(width * height) {
                let mut frame = gif::Frame::from_indexed_pixels(columns, rows, indices, None);
                frame.delay = GIF_DELAY;
                encoder.write_frame(&frame)?;
            }
            drop(encoder);
            Ok(bytes)
        };
        let bytes = encode().map_err(|source| PictureError::Gif { height, width, source })?;
        Ok(Animation { bytes, width, height })
    }

    /// Encodes the grid as an endless APNG, which keeps all colours.
    ///
    /// # Errors
    /// If the grid is too large for a PNG file.
    pub fn apng(&self) -> Result<Vec<u8>, PictureError> {
        let [height, width] = self.extent();
        let size = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        let encode = || -> Result<Vec<u8>, EncodingError> {
            let mut bytes = Vec::new();
            let mut encoder = Encoder::new(&mut bytes, size(width), size(height));
            encoder.set_color(ColorType::Rgb);
            encoder.set_depth(BitDepth::Eight);
            encoder.set_animated(size(self.shape[0]), 0)?;
            encoder.set_frame_delay(1, FRAMES_PER_SECOND)?;
            let mut writer = encoder.write_header()?;
            for frame in 0..self.shape[0] {
                writer.write_image_data(&self.frame(frame).pixels)?;
            }
            writer.finish()?;
            Ok(bytes)
        };
        encode().map_err(|source| PictureError::Png { height, width, source })
    }

    /// Encodes a row of the grid as a strip: a line per video, a column per frame.
    ///
    /// # Errors
    /// If the strip is too large for a PNG file.
    pub fn strip(&self, row: usize) -> Result<Vec<u8>, PictureError> {
        let lines = &self.rows[row];
        let mut canvas = Canvas::new(self.strip_extent(lines.len()), WHITE);
        self.draw_strip(&mut canvas, 0, lines);
        png(&canvas)
    }

    /// Encodes the strips of all rows, one below the other.
    ///
    /// # Errors
    /// If the sheet is too large for a PNG file.
    pub fn sheet(&self) -> Result<Vec<u8>, PictureError> {
        let [height, width] = self.strip_extent(self.columns());
        let rows = self.rows.len();
        let mut canvas = Canvas::new([rows * (height + STRIP_GAP) - STRIP_GAP, width], WHITE);
        for (number, row) in self.rows.iter().enumerate() {
            self.draw_strip(&mut canvas, number * (height + STRIP_GAP), row);
        }
        png(&canvas)
    }

    /// Encodes a single frame of a video.
    ///
    /// # Errors
    /// If the frame is too large for a PNG file.
    pub fn picture(&self, video: &[u8], frame: usize) -> Result<Vec<u8>, PictureError> {
        let [_, height, width, channels] = self.shape;
        let mut canvas = Canvas::new([height, width], GREY);
        canvas.paste([0, 0], self.frame_of(video, frame), [height, width, channels], Zoom::NONE);
        png(&canvas)
    }

    fn columns(&self) -> usize {
        self.rows.first().map_or(1, Vec::len)
    }

    /// Returns height and width of an animation.
    fn extent(&self) -> Yx {
        let [_, height, width, _] = self.shape;
        let bar = self.context.map_or(0, |_| BAR);
        [self.rows.len() * (height + GAP) - GAP + bar, self.columns() * (width + GAP) - GAP]
    }

    fn strip_extent(&self, lines: usize) -> Yx {
        let [frames, height, width, _] = self.shape;
        let bar = self.context.map_or(0, |_| BAR + GAP);
        [bar + lines * (height + GAP) - GAP, frames * (width + GAP) - GAP]
    }

    /// Returns the colour of the bar at a frame.
    fn bar(&self, frame: usize) -> Option<[u8; 3]> {
        self.context.map(|context| if frame < context { GREY } else { PREDICTED })
    }

    fn frame_of<'v>(&self, video: &'v [u8], frame: usize) -> &'v [u8] {
        let bytes: usize = self.shape[1..].iter().product();
        &video[frame * bytes..][..bytes]
    }

    /// Draws one frame of all videos.
    fn frame(&self, frame: usize) -> Canvas {
        let [_, height, width, channels] = self.shape;
        let extent = self.extent();
        let mut canvas = Canvas::new(extent, GREY);
        for (row, videos) in self.rows.iter().enumerate() {
            for (column, video) in videos.iter().enumerate() {
                let at = [row * (height + GAP), column * (width + GAP)];
                let shape = [height, width, channels];
                canvas.paste(at, self.frame_of(video, frame), shape, Zoom::NONE);
            }
        }
        if let Some(colour) = self.bar(frame) {
            canvas.fill([extent[0] - BAR, 0], [BAR, extent[1]], colour);
        }
        canvas
    }

    /// Draws a strip whose upper edge is at `top`, with the bar above its frames.
    fn draw_strip(&self, canvas: &mut Canvas, top: usize, lines: &[&'a [u8]]) {
        let [frames, height, width, channels] = self.shape;
        for frame in 0..frames {
            let left = frame * (width + GAP);
            let mut y = top;
            if let Some(colour) = self.bar(frame) {
                canvas.fill([y, left], [BAR, width], colour);
                y += BAR + GAP;
            }
            for (line, video) in lines.iter().enumerate() {
                let at = [y + line * (height + GAP), left];
                let shape = [height, width, channels];
                canvas.paste(at, self.frame_of(video, frame), shape, Zoom::NONE);
            }
        }
    }
}

fn png(canvas: &Canvas) -> Result<Vec<u8>, PictureError> {
    let [height, width] = canvas.extent;
    canvas.png().map_err(|source| PictureError::Png { height, width, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of two grey videos of three frames, 4 × 5 pixels; a video has one value.
    const VALUES: [[u8; 2]; 2] = [[200, 9], [30, 40]];
    const BYTES: usize = 3 * 4 * 5;

    fn check(context: Option<usize>, of: impl Fn(&VideoGrid<'_>)) {
        let videos = VALUES.map(|row| row.map(|value| [value; BYTES]));
        let rows = videos.iter().map(|row| row.iter().map(|video| &video[..]).collect());
        of(&VideoGrid { shape: [3, 4, 5, 1], rows: rows.collect(), context });
    }

    /// Returns size and pixels of a PNG file.
    fn decoded(png: &[u8]) -> (Yx, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        ([info.height as usize, info.width as usize], pixels)
    }

    #[test]
    fn every_step_of_a_gif_is_a_frame_of_a_fifth_of_a_second() {
        check(Some(1), |grid| {
            let animation = grid.gif().expect("the frames are encoded");
            let mut options = gif::DecodeOptions::new();
            options.set_color_output(gif::ColorOutput::RGBA);
            let mut decoder = options.read_info(&animation.bytes[..]).expect("a GIF");
            assert_eq!(decoder.repeat(), gif::Repeat::Infinite);
            let mut delays = Vec::new();
            while let Some(frame) = decoder.read_next_frame().expect("a frame") {
                assert_eq!((frame.width, frame.height), (5 + 2 + 5, 4 + 2 + 4 + 3));
                assert_eq!(frame.buffer[..3], [200; 3]);
                let bar = if delays.is_empty() { GREY } else { PREDICTED };
                assert_eq!(frame.buffer[frame.buffer.len() - 4..][..3], bar);
                delays.push(frame.delay);
            }
            assert_eq!(delays, [20; 3]);
        });
    }

    #[test]
    fn a_gif_may_have_more_rows_of_pixels_than_a_gif_image_can() {
        let video = vec![7; 20_000 * 4 * 5];
        let grid =
            VideoGrid { shape: [20_000, 4, 5, 1], rows: vec![vec![&video[..]]], context: None };
        let animation = grid.gif().expect("the frames are encoded");
        let mut decoder = gif::Decoder::new(&animation.bytes[..]).expect("a GIF");
        let frames = iter::from_fn(|| decoder.read_next_frame().unwrap().map(|_| ()));
        assert_eq!(frames.count(), 20_000);
    }

    #[test]
    fn an_apng_has_a_frame_for_every_step_and_keeps_all_values() {
        check(None, |grid| {
            let bytes = grid.apng().unwrap();
            let mut reader =
                png::Decoder::new(std::io::Cursor::new(&bytes[..])).read_info().unwrap();
            let control = reader.info().animation_control().copied().unwrap();
            assert_eq!((control.num_frames, control.num_plays), (3, 0));
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            for _ in 0..3 {
                reader.next_frame(&mut pixels).unwrap();
                assert_eq!((pixels[0], pixels[pixels.len() - 1]), (200, 40));
            }
        });
    }

    #[test]
    fn a_strip_has_a_line_per_video_and_a_bar_above_its_frames() {
        check(Some(1), |grid| {
            let (extent, pixels) = decoded(&grid.strip(1).unwrap());
            assert_eq!(extent, [5 + 4 + 2 + 4, 3 * 7 - 2]);
            let at = |y: usize, x: usize| &pixels[(y * extent[1] + x) * 3..][..3];
            assert_eq!(
                [at(0, 0), at(0, 7), at(5, 0), at(11, 18)],
                [&GREY[..], &PREDICTED[..], &[30; 3][..], &[40; 3][..]]
            );
        });
    }

    #[test]
    fn a_sheet_has_the_strips_of_all_rows() {
        check(None, |grid| {
            let (extent, pixels) = decoded(&grid.sheet().unwrap());
            assert_eq!(extent, [10 + 10 + 10, 19]);
            assert_eq!((pixels[0], pixels[20 * 19 * 3]), (200, 30));
            assert_eq!(decoded(&grid.picture(grid.rows[0][1], 2).unwrap()), ([4, 5], vec![9; 60]));
        });
    }
}
