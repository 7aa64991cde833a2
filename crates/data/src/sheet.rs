//! The contact sheet of a data set: its first sequences as one image, so that a person sees what a model
//! will learn from.
//!
//! ```text
//! sequences   one row each, frames at equal distances from the first to the last
//! images      as many in a row as a sequence has frames; four in a row if they have keypoints
//! ```
//! The splits follow each other from top to bottom, with a wider gap between them.

use super::{
    canvas::{Canvas, Yx, Zoom},
    error::DataError,
    pack::Pack,
};
use reprise_base::config::data::Split;

/// Width of the gap between frames, and of that between splits.
const GAP: usize = 2;
const SPLIT_GAP: usize = 10;
const GAP_COLOUR: [u8; 3] = [255; 3];

/// Frames are enlarged to at least this side, and shrunk to at most this one.
const SIDE_MIN: usize = 64;
const SIDE_MAX: usize = 128;

/// Images with keypoints are shown as a square grid with this side, at twice their size.
const KEYPOINT_GRID: usize = 4;
const KEYPOINT_ZOOM: usize = 2;
const KEYPOINT_COLOUR: [u8; 3] = [255, 40, 40];
/// Colour of predicted keypoints.
const PREDICTED_COLOUR: [u8; 3] = [40, 200, 255];

/// How much of a data set a sheet shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SheetSize {
    /// Sequences of each split.
    pub sequences: usize,
    /// Frames of each sequence.
    pub frames: usize,
}

impl Default for SheetSize {
    fn default() -> Self {
        Self { sequences: 3, frames: 10 }
    }
}

/// The first sequences of a data set as one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactSheet {
    /// From top to bottom; images from left to right.
    pub shown: Vec<ShownSequence>,
    canvas: Canvas,
}

/// Draws images of a split, four in a row, with their keypoints in red and the predicted ones in blue. Predictions are
/// in the units of a pack.
///
/// # Errors
/// If the sheet is empty or too large for a PNG file.
pub fn keypoint_sheet(
    pack: &Pack,
    split: Split,
    images: &[usize],
    predicted: &[Vec<f32>],
) -> Result<Vec<u8>, DataError> {
    let shape = pack.frame_shape();
    let extent = zoom(pack).extent(shape);
    let [height, width] = extent.map(|side| side + GAP);
    let columns = images.len().min(KEYPOINT_GRID);
    let rows = images.len().div_ceil(KEYPOINT_GRID);
    let mut canvas = Canvas::new([rows * height, columns * width], GAP_COLOUR);
    let keypoints = keypoints(pack);
    for (number, (&sequence, predicted)) in images.iter().zip(predicted).enumerate() {
        let at = [number / KEYPOINT_GRID * height, number % KEYPOINT_GRID * width];
        draw(&mut canvas, at, pack, split, SheetCell { sequence, frame: 0 });
        mark(&mut canvas, at, extent, &keypoints, predicted, PREDICTED_COLOUR);
    }
    canvas.png().map_err(DataError::Sheet)
}

/// A sequence on a sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownSequence {
    pub split: Split,
    pub name: String,
    /// Number of its frames.
    pub length: usize,
    /// Numbers of the frames on the sheet.
    pub frames: Vec<usize>,
    /// Smallest and largest value of all its frames.
    pub values: [u8; 2],
}

impl ContactSheet {
    /// Draws the first sequences of every split.
    pub fn new(pack: &Pack, size: SheetSize) -> Self {
        let cells = cells(pack, size);
        let zoom = zoom(pack);
        let [height, width] = zoom.extent(pack.frame_shape());
        let columns = cells.iter().flatten().map(Vec::len).max().unwrap_or(0);
        let rows: usize = cells.iter().map(Vec::len).sum();
        let used = cells.iter().filter(|rows| !rows.is_empty()).count();
        let extent =
            [rows * (height + GAP) + used.saturating_sub(1) * SPLIT_GAP, columns * (width + GAP)];
        let mut canvas = Canvas::new(extent, GAP_COLOUR);
        let mut shown: Vec<ShownSequence> = Vec::new();
        let mut top = 0;
        for (split, rows) in Split::ALL.into_iter().zip(&cells).filter(|(_, it)| !it.is_empty()) {
            for row in rows {
                for (column, &SheetCell { sequence, frame }) in row.iter().enumerate() {
                    let at = [top, column * (width + GAP)];
                    draw(&mut canvas, at, pack, split, SheetCell { sequence, frame });
                    match shown.last_mut() {
                        Some(last) if last.is(pack, split, sequence) => last.frames.push(frame),
                        _ => shown.push(ShownSequence::new(pack, split, sequence, frame)),
                    }
                }
                top += height + GAP;
            }
            top += SPLIT_GAP;
        }
        Self { shown, canvas }
    }

    /// Returns the sheet as a PNG file.
    ///
    /// # Errors
    /// If the sheet is empty or too large for a PNG file.
    pub fn png(&self) -> Result<Vec<u8>, DataError> {
        self.canvas.png().map_err(DataError::Sheet)
    }
}

impl ShownSequence {
    fn new(pack: &Pack, split: Split, sequence: usize, frame: usize) -> Self {
        let name = pack.sequence_name(split, sequence).to_owned();
        let sequence = pack.sequence(split, sequence);
        let values = [sequence.frames.iter().min(), sequence.frames.iter().max()];
        let values = values.map(|value| value.copied().unwrap_or_default());
        Self { split, name, length: sequence.length, frames: vec![frame], values }
    }

    fn is(&self, pack: &Pack, split: Split, sequence: usize) -> bool {
        self.split == split && self.name == pack.sequence_name(split, sequence)
    }
}

/// A frame on the sheet.
#[derive(Clone, Copy)]
struct SheetCell {
    sequence: usize,
    frame: usize,
}

/// Returns the rows of each split.
fn cells(pack: &Pack, size: SheetSize) -> [Vec<Vec<SheetCell>>; 3] {
    Split::ALL.map(|split| {
        let of_split = pack.sequences(split);
        if pack.frames() > 1 {
            let row = |sequence| {
                let length = pack.sequence(split, sequence).length;
                let shown = size.frames.clamp(1, length);
                let step = |index| index * (length - 1) / (shown - 1).max(1);
                (0..shown).map(|index| SheetCell { sequence, frame: step(index) }).collect()
            };
            return (0..of_split.min(size.sequences)).map(row).collect();
        }
        let columns = if has_keypoints(pack) { KEYPOINT_GRID } else { size.frames.max(1) };
        let rows = if has_keypoints(pack) && split == Split::Train { KEYPOINT_GRID } else { 1 };
        let images: Vec<SheetCell> = (0..of_split.min(columns * rows))
            .map(|sequence| SheetCell { sequence, frame: 0 })
            .collect();
        images.chunks(columns).map(<[SheetCell]>::to_vec).collect()
    })
}

fn has_keypoints(pack: &Pack) -> bool {
    !pack.position_names().is_empty()
}

/// Returns the places of y and x of every keypoint among the numbers of a position.
fn keypoints(pack: &Pack) -> Vec<[usize; 2]> {
    let names = pack.position_names();
    let y_of = |x: &String| {
        let y = format!("{}_y", x.strip_suffix("_x")?);
        names.iter().position(|name| *name == y)
    };
    (0..).zip(names).filter_map(|(x, name)| Some([y_of(name)?, x])).collect()
}

/// Returns the factor by which frames are shown.
fn zoom(pack: &Pack) -> Zoom {
    let [height, width, _] = pack.frame_shape();
    let side = height.max(width);
    let enlarge = if has_keypoints(pack) { KEYPOINT_ZOOM } else { SIDE_MIN.div_ceil(side) };
    Zoom { enlarge, shrink: if enlarge > 1 { 1 } else { side.div_ceil(SIDE_MAX) } }
}

/// Draws a frame with its keypoints.
fn draw(canvas: &mut Canvas, at: Yx, pack: &Pack, split: Split, cell: SheetCell) {
    let shape = pack.frame_shape();
    let sequence = pack.sequence(split, cell.sequence);
    let frame = &sequence.frames[cell.frame * shape.iter().product::<usize>()..];
    let zoom = zoom(pack);
    canvas.paste(at, frame, shape, zoom);
    if has_keypoints(pack) {
        mark(canvas, at, zoom.extent(shape), &keypoints(pack), sequence.positions, KEYPOINT_COLOUR);
    }
}

/// Marks keypoints; `positions` are in the units of a pack.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the position is clamped to the image"
)]
fn mark(
    canvas: &mut Canvas,
    at: Yx,
    extent: Yx,
    keypoints: &[[usize; 2]],
    positions: &[f32],
    colour: [u8; 3],
) {
    // A coordinate is (p - half a side) / half a side, where pixel 0 begins at p = -1/2.
    let place = |at: f32, end: usize| {
        let scaled = f32::midpoint(at, 1.0) * end as f32 + 0.5 * KEYPOINT_ZOOM as f32;
        scaled.clamp(0.0, end as f32 - 1.0) as usize
    };
    for &[y, x] in keypoints {
        let point = [place(positions[y], extent[0]), place(positions[x], extent[1])];
        canvas.cross(at, extent, point, colour);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{open, origin::Required};
    use reprise_base::{config::data::Dataset, scalar::Count};

    fn pack(dataset: &Dataset) -> Pack {
        let cache = tempfile::tempdir().unwrap();
        open(dataset, Required::AllSplits, cache.path(), &mut |_| {}).unwrap()
    }

    #[test]
    fn sequences_are_rows_of_frames_from_the_first_to_the_last() {
        let [sequences, frames] = [Count::literal(8), Count::literal(7)];
        let pack = pack(&Dataset::MovingSquare { sequences, frames });
        let sheet = ContactSheet::new(&pack, SheetSize { sequences: 3, frames: 4 });
        let splits: Vec<_> = sheet.shown.iter().map(|it| it.split.name()).collect();
        assert_eq!(splits, ["train", "train", "train", "validate", "validate", "test", "test"]);
        assert!(sheet.shown.iter().all(|it| it.frames == [0, 2, 4, 6] && it.length == 7));
        assert_eq!(sheet.canvas.extent, [7 * 66 + 2 * SPLIT_GAP, 4 * 66]);
        // The last frame of the first row is frame 6 of the first sequence, pixel by pixel.
        let frame = &pack.sequence(Split::Train, 0).frames[6 * 64 * 64 * 3..][..64 * 64 * 3];
        for (y, row) in frame.chunks_exact(64 * 3).enumerate() {
            let at = (y * 4 * 66 + 3 * 66) * 3;
            assert_eq!(&sheet.canvas.pixels[at..at + 64 * 3], row, "row {y}");
        }
    }

    #[test]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "inside the image")]
    fn images_with_keypoints_are_a_grid_with_their_points() {
        let pack = pack(&Dataset::FacialKeypoints);
        let sheet = ContactSheet::new(&pack, SheetSize::default());
        let train = sheet.shown.iter().filter(|it| it.split == Split::Train);
        assert_eq!(train.count(), KEYPOINT_GRID * KEYPOINT_GRID);
        let points = pack.sequence(Split::Train, 0).positions;
        let [x, y] = [points[0], points[1]].map(|at| ((at * 48.0 + 48.0 + 0.5) * 2.0) as usize);
        let at = (y * sheet.canvas.extent[1] + x) * 3;
        assert_eq!(sheet.canvas.pixels[at..at + 3], KEYPOINT_COLOUR);
        assert_eq!(&sheet.png().unwrap()[1..4], b"PNG");
    }
}
