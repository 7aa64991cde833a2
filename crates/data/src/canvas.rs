//! An RGB image that is put together from frames.

use png::{ColorType, EncodingError};

use super::{png_file::smallest_png, sequence::HwcShape};

/// A place or a size in pixels: y, then x.
pub(super) type Yx = [usize; 2];

/// Pixels `[H, W, 3]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Canvas {
    pub(super) extent: Yx,
    pub(super) pixels: Vec<u8>,
}

/// A whole factor by which frames are enlarged or shrunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Zoom {
    pub(super) enlarge: usize,
    pub(super) shrink: usize,
}

impl Zoom {
    /// Leaves frames as they are.
    pub(super) const NONE: Self = Self { enlarge: 1, shrink: 1 };

    /// Returns height and width of a frame on the canvas.
    pub(super) fn extent(self, [height, width, _]: HwcShape) -> Yx {
        [height, width].map(|side| (side * self.enlarge).div_ceil(self.shrink))
    }
}

impl Canvas {
    /// Creates a canvas of one colour.
    pub(super) fn new(extent: Yx, colour: [u8; 3]) -> Self {
        Self { extent, pixels: colour.repeat(extent[0] * extent[1]) }
    }

    /// Sets a pixel.
    pub(super) fn set(&mut self, [y, x]: Yx, colour: [u8; 3]) {
        let at = (y * self.extent[1] + x) * colour.len();
        self.pixels[at..at + colour.len()].copy_from_slice(&colour);
    }

    /// Fills a rectangle.
    pub(super) fn fill(&mut self, [top, left]: Yx, [height, width]: Yx, colour: [u8; 3]) {
        for y in top..top + height {
            for x in left..left + width {
                self.set([y, x], colour);
            }
        }
    }

    /// Copies a frame `[H, W, C]` of one or three channels.
    pub(super) fn paste(&mut self, [top, left]: Yx, frame: &[u8], shape: HwcShape, zoom: Zoom) {
        let [_, width, channels] = shape;
        let [rows, columns] = zoom.extent(shape);
        for y in 0..rows {
            for x in 0..columns {
                let [row, column] = [y, x].map(|at| at * zoom.shrink / zoom.enlarge);
                let pixel = &frame[(row * width + column) * channels..][..channels];
                // A grey value stands for all three colours.
                self.set([top + y, left + x], std::array::from_fn(|c| pixel[c.min(channels - 1)]));
            }
        }
    }

    /// Marks a place within a frame by a small cross, cut at the border of the frame.
    pub(super) fn cross(&mut self, [top, left]: Yx, [height, width]: Yx, at: Yx, colour: [u8; 3]) {
        let [y, x] = at;
        for (dy, dx) in [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)] {
            let (Some(y), Some(x)) = ((y + dy).checked_sub(1), (x + dx).checked_sub(1)) else {
                continue;
            };
            if y < height && x < width {
                self.set([top + y, left + x], colour);
            }
        }
    }

    /// Returns the canvas as a PNG file.
    ///
    /// # Errors
    /// If it is empty or too large for a PNG file.
    pub(super) fn png(&self) -> Result<Vec<u8>, EncodingError> {
        smallest_png(&self.pixels, self.extent, ColorType::Rgb)
    }
}
