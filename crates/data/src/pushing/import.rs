//! Converts TFRecord files into `.npy` files with a `map.csv`, as the importer of the Chainer port does.
//!
//! Two deviations: the importer asks for one record per file and so loses the others of files that hold
//! several; here all are imported. The images that it writes on request show nothing but noise, since it takes the
//! bytes of floats for pixels (`Image.fromarray`); here they show the frames.

use std::{ops::ControlFlow, path::Path};

use png::ColorType;

use super::{
    error::PushingError,
    item::SIDE,
    records::{self, FirstRecord, ReadRecord, RecordExtract, first_record},
};
use crate::{
    error::DataError,
    findings::Findings,
    listing::{SideFiles, list},
    map_csv::{self, FrameImages, MapEntry},
    npy::{self, Array, ArrayData},
    png_file::smallest_png,
    progress::{Progress, Watch},
    resize::{Fit, frame},
    rgb_image::{RgbImage, nearest_byte},
    tfrecord::{
        RecordLayout, RecordSequence, TfrecordError, for_each_record, sequence::padded_states,
    },
};
use reprise_base::{
    config::data::{Dataset, TestObjects},
    fs::{self, FileKind},
    scalar::Count,
};

/// What was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    pub layout: RecordLayout,
    pub sequences: usize,
    /// Frames of each sequence.
    pub frames: usize,
}

/// Imports all TFRecord files of a folder into the folder `out`, which is created if it is missing.
///
/// The layout is that of the first record; so is the number of frames, unless `frames` is given. The
/// list is written last, so that an interrupted import does not look like a data set.
pub fn import(
    folder: &Path,
    out: &Path,
    frames: Option<usize>,
    images: FrameImages,
    progress: Watch<'_>,
) -> Result<Imported, DataError> {
    let mut findings = Findings::default();
    let items = records::list(folder, ".", &mut findings)?;
    findings.fail_on_error()?;
    let files: Vec<_> = items.iter().map(|item| folder.join(&item.name)).collect();
    let (layout, found) = layout_of(&files[0])?;
    let frames = frames.unwrap_or(found);
    fs::create_dir_all(out)?;
    let mut entries = Vec::new();
    for (done, path) in files.iter().enumerate() {
        let mut first_error: Option<DataError> = None;
        for_each_record(path, |number, record| {
            let mut report = |error: TfrecordError| {
                first_error.get_or_insert_with(|| PushingError::from(error).into());
            };
            let extract = RecordExtract { path, number, layout, frames };
            let scale = |image: RgbImage| Ok(frame(&image, Fit::Crop, [SIDE; 2]));
            let sequence = extract.read(&record, scale, &mut report);
            let entry = MapEntry::numbered(entries.len(), images);
            if let Some(ReadRecord { sequence, .. }) = sequence
                && let Err(error) = write(out, &entry, layout, frames, sequence)
            {
                first_error.get_or_insert(error);
            }
            entries.push(entry);
            if first_error.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .map_err(PushingError::from)?;
        if let Some(error) = first_error {
            return Err(error);
        }
        progress(Progress::decoding(done, files.len()));
    }
    fs::write_atomic(&out.join(map_csv::FILE), &map_csv::text(&entries))?;
    Ok(Imported { layout, sequences: entries.len(), frames })
}

/// Returns the data set in a folder, if it has TFRecord files or listed `.npy` files.
///
pub(crate) fn detect(root: &Path, frames: Option<Count>) -> Result<Option<Dataset>, DataError> {
    let root = root.to_owned();
    for folder in ["push_train", "push_testseen", "push_testnovel", "train", "test"] {
        let path = root.join(folder);
        if fs::kind(&path)? != Some(FileKind::Dir) {
            continue;
        }
        if fs::kind(&path.join(map_csv::FILE))?.is_some() {
            return Ok(Some(Dataset::Npy { root }));
        }
        let entries = list(&path, &mut SideFiles::default())?;
        let mut records = entries
            .iter()
            .filter(|entry| entry.name.to_string_lossy().contains("tfrecord"))
            .map(|entry| layout_of(&entry.path));
        // The first readable record, or else the error of the first record.
        let Some(first) = records.next() else { continue };
        let (layout, _) = first.or_else(|error| records.find_map(Result::ok).ok_or(error))?;
        return Ok(Some(match layout {
            RecordLayout::Berkeley => Dataset::BerkeleyTfrecord { root, frames },
            RecordLayout::GooglePush => {
                Dataset::GooglePushTfrecord { test_objects: TestObjects::Seen, root, frames }
            }
        }));
    }
    Ok(None)
}

/// Returns layout and number of frames of the first record.
fn layout_of(path: &Path) -> Result<(RecordLayout, usize), PushingError> {
    let FirstRecord { layout, features } = first_record(path)?;
    let path = path.to_owned();
    layout.ok_or(PushingError::UnknownLayout { path, features })
}

fn write(
    out: &Path,
    entry: &MapEntry,
    layout: RecordLayout,
    frames: usize,
    sequence: RecordSequence<Vec<f32>>,
) -> Result<(), DataError> {
    for (number, pixels) in sequence.images.iter().enumerate() {
        let Some(name) = entry.bitmap(number) else { break };
        let bytes: Vec<u8> = pixels.iter().map(|&value| nearest_byte(255.0 * value)).collect();
        let png = smallest_png(&bytes, [SIDE; 2], ColorType::Rgb).expect("a frame fills its image");
        fs::write_atomic(&out.join(name), &png)?;
    }
    for (name, array) in entry.arrays().into_iter().zip(arrays(layout, frames, sequence, [SIDE; 2]))
    {
        npy::write(&out.join(name), &array)?;
    }
    Ok(())
}

/// Returns the arrays of a sequence: frames of size `target` from [`frame`](frame()), actions, and states
/// with the original's padding.
pub fn arrays(
    layout: RecordLayout,
    frames: usize,
    sequence: RecordSequence<Vec<f32>>,
    target: [usize; 2],
) -> [Array; 3] {
    let table = |values: Vec<f32>| Array {
        shape: vec![frames, values.len() / frames.max(1)],
        elements: ArrayData::F32(values),
    };
    [
        Array {
            shape: vec![frames, target[0], target[1], 3],
            elements: ArrayData::F32(sequence.images.concat()),
        },
        table(sequence.actions),
        table(padded_states(layout, &sequence.states)),
    ]
}
