//! `.npy` files beside a `map.csv`, one sequence per row.

use std::{io, path::Path};

use super::{
    error::PushingError,
    item::{DecodedSequence, SIDE, SourceItem, Visit},
};
use crate::{
    error::DataError,
    findings::Findings,
    map_csv,
    npy::{self, ArrayData, AxisLength, Dtype, ExpectedArray, NpyError, PixelArray},
    rgb_image::CHANNELS,
    sequence::SequenceBuffer,
    source_files::source,
};
use reprise_base::config::data::Split;

/// Largest array: 1365 frames.
const BYTES_MAX: u64 = 64 << 20;

/// Sizes that all sequences share with the first: frames, numbers of an action and of a state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CommonSizes(Option<[usize; 3]>);

/// Lists the sequences of a folder in the order of its list, which is a source file of the first one.
pub(super) fn list(root: &Path, folder: &str) -> Result<Vec<SourceItem>, PushingError> {
    let path = root.join(folder);
    let mut items = Vec::new();
    for entry in map_csv::read(&path)? {
        let mut files: Vec<_> =
            entry.arrays().iter().map(|name| format!("{folder}/{name}")).collect();
        if items.is_empty() {
            files.push(format!("{folder}/{}", map_csv::FILE));
        }
        items.push(SourceItem {
            split: Split::Train,
            files,
            name: format!("{folder}/{}", entry.id),
        });
    }
    Ok(items)
}

/// Reads the arrays of one sequence; all of them are read, even after an error.
pub(super) fn item(
    root: &Path,
    item: &SourceItem,
    common: &mut CommonSizes,
    findings: &mut Findings,
    each: Visit<'_>,
) -> io::Result<()> {
    let before = findings.error_count();
    let [images, actions, states, ..] = &item.files[..] else {
        unreachable!("an item of arrays has at least three files")
    };
    let [frames, action_size, state_size] =
        common.0.map_or([AxisLength::Any; 3], |sizes| sizes.map(AxisLength::Exactly));
    let axes = [
        frames,
        AxisLength::Exactly(SIDE),
        AxisLength::Exactly(SIDE),
        AxisLength::Exactly(CHANNELS),
    ];
    let pixels = findings.keep(pixels(root, images, &axes));
    let frames = pixels.as_ref().map_or(frames, |read| AxisLength::Exactly(read.shape[0]));
    let actions = findings.keep(array(root, actions, &[frames, action_size]));
    let states = findings.keep(array(root, states, &[frames, state_size]));
    let sources: Vec<_> =
        item.files.iter().filter_map(|file| findings.keep(source(&root.join(file)))).collect();
    let (Some(read), Some((action_shape, actions)), Some((state_shape, positions))) =
        (pixels, actions, states)
    else {
        return Ok(());
    };
    let sizes = [read.shape[0], action_shape[1], state_shape[1]];
    if read.shape[0] == 1 {
        findings.error(DataError::SingleFrame { path: root.join(images) });
    }
    if findings.error_count() > before {
        return Ok(());
    }
    common.0 = Some(sizes);
    let buffer = SequenceBuffer { frames: read.pixels, actions, positions, sources };
    each(DecodedSequence {
        split: item.split,
        name: item.name.clone(),
        buffer: &buffer,
        sizes: [sizes[1], sizes[2]],
        files: item.files.clone(),
    })
}

/// Reads an array of finite numbers.
fn array(
    root: &Path,
    file: &str,
    axes: &[AxisLength],
) -> Result<(Vec<usize>, Vec<f32>), PushingError> {
    let path = root.join(file);
    let array = npy::read(&path, &ExpectedArray { dtype: Dtype::F32, axes, bytes_max: BYTES_MAX })?;
    let ArrayData::F32(values) = array.elements else { unreachable!("`read` checks the type") };
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(PushingError::NotFinite { path, index, value: values[index] }),
        None => Ok((array.shape, values)),
    }
}

/// Reads frames whose numbers are bytes, whole or divided by 255.
fn pixels(root: &Path, file: &str, axes: &[AxisLength]) -> Result<PixelArray, PushingError> {
    let path = root.join(file);
    let read = npy::read_pixels(&path)?;
    npy::check_axes(&read.shape, axes).map_err(|source| NpyError::Array { path, source })?;
    Ok(read)
}
