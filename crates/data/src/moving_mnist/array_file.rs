//! Grey videos in a `.npy` or `.npz` file.

use std::{ops::Range, path::Path};

use super::{
    error::MovingMnistError,
    layout::{ArrayLayout, LayoutError},
};
use crate::{
    npy::{self, PixelArray},
    npz,
};
use reprise_base::config::data::ArrayAxes;

/// Usual names of the array of videos in a `.npz` file, `input_raw_data` with `clips` beside it.
const NAMES: [&str; 8] =
    ["arr_0", "data", "videos", "sequences", "frames", "images", "test", INPUT];

/// Frames of all sequences, one after another, in the files of PredRNN and its successors.
const INPUT: &str = "input_raw_data";

/// First frame and number of frames of each clip in [`INPUT`], `[2, sequence, 2]`: clips that are given
/// to the model, and clips that it predicts.
const CLIPS: &str = "clips";

/// Largest array in bytes before its values become bytes: 2^30 values of 8 bytes.
const BYTES_MAX: u64 = 8 << 30;

/// How the frames of a file form sequences.
enum FilmOrder {
    /// As the shape says.
    Axes(ArrayLayout),
    /// Frames are stored one after another, and a table lists the frames of each sequence.
    Clips { side: usize, sequences: Vec<[Range<usize>; 2]> },
}

/// The videos of a file.
pub(super) struct Film<'a> {
    file: &'a Path,
    array: PixelArray,
    order: FilmOrder,
}

/// Reads the videos of a file; `key` is the name of an array in a `.npz` file.
pub(super) fn read<'a>(
    file: &'a Path,
    axes: Option<ArrayAxes>,
    key: Option<&str>,
) -> Result<Film<'a>, MovingMnistError> {
    let path = || file.to_owned();
    if !npz::is_zip(file).map_err(npy::NpyError::from)? {
        let array = npy::read_pixels(file)?;
        return film(file, axes, array);
    }
    let names = npz::names(file)?;
    let name = match (key, &names[..]) {
        (Some(key), _) if names.iter().any(|name| name == key) => key,
        (Some(key), _) => {
            let key = key.to_owned();
            return Err(MovingMnistError::ArrayMissing { path: path(), key, names });
        }
        (None, [only]) => only,
        (None, _) => {
            let mut usual = NAMES.into_iter().filter(|usual| names.iter().any(|n| n == usual));
            match (usual.next(), usual.next()) {
                (Some(name), None) => name,
                _ => return Err(MovingMnistError::ArrayName { path: path(), names }),
            }
        }
    };
    let array =
        npz::read_one(file, name, BYTES_MAX, |member, len| npy::decode_pixels(member, len))?;
    if name != INPUT || !names.iter().any(|name| name == CLIPS) {
        return film(file, axes, array);
    }
    let (shape, clips) =
        npz::read_one(file, CLIPS, BYTES_MAX, |member, len| npy::decode_integers(member, len))?;
    let order = clip_order(file, &array.shape, &shape, &clips)?;
    Ok(Film { file, array, order })
}

fn film(
    file: &Path,
    axes: Option<ArrayAxes>,
    array: PixelArray,
) -> Result<Film<'_>, MovingMnistError> {
    let failed = |error| {
        let (path, shape) = (file.to_owned(), array.shape.clone());
        match error {
            LayoutError::Shape => MovingMnistError::Shape { path, found: shape },
            LayoutError::Open => MovingMnistError::AxesOpen { path, shape },
        }
    };
    let order = FilmOrder::Axes(ArrayLayout::of(&array.shape, axes).map_err(failed)?);
    Ok(Film { file, array, order })
}

/// Returns the frames of each sequence: those of its first clip, then those of its second.
fn clip_order(
    file: &Path,
    frames: &[usize],
    shape: &[usize],
    clips: &[i64],
) -> Result<FilmOrder, MovingMnistError> {
    let path = || file.to_owned();
    let ([count, 1, side, width], [2, sequences, 2]) = (frames, shape) else {
        return Err(MovingMnistError::Shape { path: path(), found: frames.to_owned() });
    };
    if side != width {
        return Err(MovingMnistError::Shape { path: path(), found: frames.to_owned() });
    }
    let clip = |number: usize| {
        let [first, length] = [clips[2 * number], clips[2 * number + 1]].map(usize::try_from);
        let range = first.ok().zip(length.ok()).and_then(|(first, length)| {
            Some(first..first.checked_add(length).filter(|end| end <= count)?)
        });
        let outside = || MovingMnistError::Clip { path: path(), clip: number, frames: *count };
        range.ok_or_else(outside)
    };
    let pair = |number| Ok::<_, MovingMnistError>([clip(number)?, clip(sequences + number)?]);
    let sequences = (0..*sequences).map(pair).collect::<Result<_, _>>()?;
    Ok(FilmOrder::Clips { side: *side, sequences })
}

impl Film<'_> {
    /// Returns the number of sequences.
    pub(super) fn sequences(&self) -> usize {
        match &self.order {
            FilmOrder::Axes(layout) => layout.sequences,
            FilmOrder::Clips { sequences, .. } => sequences.len(),
        }
    }

    /// Returns height and width of a frame in pixels.
    pub(super) const fn side(&self) -> usize {
        match &self.order {
            FilmOrder::Axes(layout) => layout.side,
            FilmOrder::Clips { side, .. } => *side,
        }
    }

    /// Returns the number of frames of the shortest sequence, 0 without any.
    pub(super) fn shortest(&self) -> usize {
        match &self.order {
            FilmOrder::Axes(layout) => layout.frames,
            FilmOrder::Clips { sequences, .. } => {
                let lengths = sequences.iter().map(|[input, target]| input.len() + target.len());
                lengths.min().unwrap_or(0)
            }
        }
    }

    /// Describes what was read for people.
    pub(super) fn text(&self) -> String {
        let read_as = match &self.order {
            FilmOrder::Axes(ArrayLayout { frames, sequences, .. }) => {
                format!("{frames} frames of {sequences} sequences")
            }
            FilmOrder::Clips { sequences, .. } => {
                format!("frames of {} sequences, as `{CLIPS}` lists them", sequences.len())
            }
        };
        format!("{}, read as {read_as}", self.array.text())
    }

    /// Appends the frames of a sequence to `out`.
    pub(super) fn append(
        &self,
        sequence: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), MovingMnistError> {
        match &self.order {
            FilmOrder::Axes(layout) => {
                if !layout.append(&self.array.pixels, sequence, out) {
                    let path = self.file.to_owned();
                    return Err(MovingMnistError::NotGrey { path, sequence });
                }
            }
            FilmOrder::Clips { side, sequences } => {
                for clip in &sequences[sequence] {
                    let pixels = side * side;
                    out.extend(&self.array.pixels[clip.start * pixels..clip.end * pixels]);
                }
            }
        }
        Ok(())
    }
}
