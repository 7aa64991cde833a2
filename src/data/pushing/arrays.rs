//! `.npy` files beside a `map.csv`, one sequence a row.

use std::{io, path::Path};

use super::{Content, Each, Item, SIDE, source};
use crate::data::{
    CHANNELS, DataError, Split,
    bair::SequenceBuffer,
    error::Findings,
    map_csv,
    npy::{self, ArrayData, AxisLength, Dtype, ExpectedArray},
    resize::unit,
};

/// Largest array: more than 1000 frames.
const BYTES_MAX: u64 = 64 << 20;

/// What all sequences have in common with the first: frames, numbers of an action and of a state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Like(Option<[usize; 3]>);

/// Lists the sequences of a folder in the order of its list; the list belongs to the first.
pub(super) fn list(root: &Path, folder: &str) -> Result<Vec<Item>, DataError> {
    let path = root.join(folder);
    let mut items = Vec::new();
    for entry in map_csv::read(&path)? {
        let mut files: Vec<_> =
            entry.arrays().iter().map(|name| format!("{folder}/{name}")).collect();
        if items.is_empty() {
            files.push(format!("{folder}/{}", map_csv::FILE));
        }
        items.push(Item { split: Split::Train, files, name: format!("{folder}/{}", entry.id) });
    }
    Ok(items)
}

/// Reads the arrays of one sequence; all of them are read, however many are broken.
pub(super) fn item(
    root: &Path,
    item: &Item,
    like: &mut Like,
    findings: &mut Findings,
    each: Each<'_>,
) -> io::Result<()> {
    let before = findings.error_count();
    let [images, actions, states, ..] = &item.files[..] else {
        unreachable!("an item of arrays has three")
    };
    let [frames, action_size, state_size] =
        like.0.map_or([AxisLength::Any; 3], |sizes| sizes.map(AxisLength::Exactly));
    let axes = [
        frames,
        AxisLength::Exactly(SIDE),
        AxisLength::Exactly(SIDE),
        AxisLength::Exactly(CHANNELS),
    ];
    let pictures = findings.keep(array(root, images, &axes));
    let frames = pictures.as_ref().map_or(frames, |(shape, _)| AxisLength::Exactly(shape[0]));
    let actions = findings.keep(array(root, actions, &[frames, action_size]));
    let states = findings.keep(array(root, states, &[frames, state_size]));
    let sources: Vec<_> =
        item.files.iter().filter_map(|file| findings.keep(source(&root.join(file)))).collect();
    let (Some((shape, pixels)), Some((action_shape, actions)), Some((state_shape, positions))) =
        (pictures, actions, states)
    else {
        return Ok(());
    };
    let sizes = [shape[0], action_shape[1], state_shape[1]];
    if shape[0] == 1 {
        findings.error(DataError::SingleFrame { path: root.join(images) });
    }
    let frames = findings.keep(bytes(root, images, &pixels)).unwrap_or_default();
    if findings.error_count() > before {
        return Ok(());
    }
    like.0 = Some(sizes);
    let buffer = SequenceBuffer { frames, actions, positions, sources };
    each(Content {
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
) -> Result<(Vec<usize>, Vec<f32>), DataError> {
    let path = root.join(file);
    let array = npy::read(&path, &ExpectedArray { dtype: Dtype::F32, axes, bytes_max: BYTES_MAX })?;
    let ArrayData::F32(values) = array.elements else { unreachable!("the type is as it was due") };
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(DataError::Element { path, index, what: "it is not finite" }),
        None => Ok((array.shape, values)),
    }
}

/// Returns the bytes that frames were made from.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a value that comes from a byte gives it back, any other is refused"
)]
fn bytes(root: &Path, file: &str, values: &[f32]) -> Result<Vec<u8>, DataError> {
    let byte = |(index, &value): (usize, &f32)| {
        let byte = (value * 255.0).round() as u8;
        // A true division gives other last bits than the original's multiplication.
        let comes_from = [unit(f32::from(byte)), f32::from(byte) / 255.0].contains(&value);
        let what = "it is no byte divided by 255";
        if comes_from {
            Ok(byte)
        } else {
            Err(DataError::Element { path: root.join(file), index, what })
        }
    };
    values.iter().enumerate().map(byte).collect()
}
