//! The `.npy` files and `map.csv` that the importer of the Chainer port writes.

use super::records::{SIDE, failed, insert, layout_of_source, read};
use crate::{refused, unsupported};
use reprise_base::fs;
use reprise_data::{
    arrays,
    map_csv::{self, FrameImages, MapEntry},
    npy::{self, ArrayData, AxisLength, Dtype, ExpectedArray},
    resize::{Fit, frame},
    tfrecord::RecordSequence,
};
use reprise_golden::{Case, Outputs, PortError, TensorData};

/// Largest array of a case.
const BYTES_MAX: u64 = 64 << 20;

/// `images/i`, `actions/i`, `states/i`: the contents of the files that the original wrote.
///
/// If the case also has their records, these are imported again: our files must equal the original's
/// byte for byte.
pub(super) fn run(case: &Case) -> Result<Outputs, PortError> {
    let folder = case.dir.join("data");
    let entries = map_csv::read(&folder).map_err(refused)?;
    reimported(case, &entries)?;
    let mut outputs = Outputs::new();
    for output in case.outputs() {
        let unknown = || unsupported(case, format!("output `{}`", output.name));
        let (what, number) = output.name.split_once('/').ok_or_else(unknown)?;
        let entry = entries.iter().find(|entry| entry.id == number).ok_or_else(unknown)?;
        let name = match what {
            "images" => &entry.images,
            "actions" => &entry.actions,
            "states" => &entry.states,
            _ => return Err(unknown()),
        };
        let axes: Vec<_> = output.shape.iter().map(|&extent| AxisLength::Exactly(extent)).collect();
        let due = ExpectedArray { dtype: Dtype::F32, axes: &axes, bytes_max: BYTES_MAX };
        let ArrayData::F32(values) = npy::read(&folder.join(name), &due).map_err(refused)?.elements
        else {
            return Err(unknown());
        };
        insert(&mut outputs, output, TensorData::F32(values));
    }
    Ok(outputs)
}

/// Imports the records and compares with the files of the case.
///
/// The original reads as many records as there are files, so it loses the last ones if a file has
/// several; here only as many are compared.
fn reimported(case: &Case, entries: &[MapEntry]) -> Result<(), PortError> {
    let source = case.dir.join(case.config.str("source")?);
    if fs::kind(&source).map_err(refused)?.is_none() {
        return Ok(());
    }
    let files: Vec<_> = fs::read_dir_sorted(&source)
        .map_err(refused)?
        .into_iter()
        .map(|entry| entry.path)
        .collect();
    let frames = case.config.usize("sequence_length")?;
    let target = if case.config.contains("image_resize_height") {
        [case.config.usize("image_resize_height")?, case.config.usize("image_resize_width")?]
    } else {
        [SIDE; 2]
    };
    let layout = layout_of_source(case, &files)?;
    let read = read(&files, layout, frames).map_err(failed)?;
    let entry = |number| MapEntry::numbered(number, FrameImages::Written);
    let numbered: Vec<_> = (0..files.len()).map(entry).collect();
    let folder = case.dir.join("data");
    let mut written = vec![(map_csv::FILE.to_owned(), map_csv::text(&numbered))];
    for (entry, sequence) in numbered.iter().zip(read.sequences) {
        let RecordSequence { images, actions, states } = sequence;
        let images = images.iter().map(|image| frame(image, Fit::Crop, target)).collect();
        let sequence = RecordSequence { images, actions, states };
        let arrays = arrays(read.layout, frames, sequence, target);
        for (name, array) in entry.arrays().into_iter().zip(&arrays) {
            written.push((name.to_owned(), npy::encode(array)));
        }
    }
    if numbered != entries {
        return Err(unsupported(case, "a list of sequences that is not one per file"));
    }
    for (name, bytes) in written {
        if fs::read(&folder.join(&name), BYTES_MAX).map_err(refused)? != bytes {
            return Err(PortError::Failed {
                action: "import the records as the original does",
                source: format!("`{name}` has different bytes").into(),
            });
        }
    }
    Ok(())
}
