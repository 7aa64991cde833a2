//! Reading the TFRecord files of a case.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use crate::{
    data::{
        jpeg::Dct,
        rgb_image::RgbImage,
        tfrecord::{
            Example, RecordLayout, RecordSequence, TfRecord, TfrecordError, for_each_record,
            read_sequence,
        },
    },
    golden::{Case, OutputSpec, Outputs, PortError, Tensor, TensorData},
    ports::{refused, unsupported},
};

/// Side of the frames that the original's readers return.
pub(super) const SIDE: usize = 64;

/// Reads the setting `format`.
pub(super) fn layout(case: &Case) -> Result<RecordLayout, PortError> {
    match case.config.str("format")? {
        "bair" => Ok(RecordLayout::Berkeley),
        "push" => Ok(RecordLayout::GooglePush),
        other => Err(unsupported(case, format!("format `{other}`"))),
    }
}

/// Returns the layout of a source: by the case's setting, or by the first record.
pub(super) fn layout_of_source(case: &Case, files: &[PathBuf]) -> Result<RecordLayout, PortError> {
    if case.config.contains("format") {
        return layout(case);
    }
    let first = files.first().ok_or_else(|| unsupported(case, "a source without files"))?;
    let records = all_records(first).map_err(failed)?;
    let example = Example::parse(&records[0].data).map_err(refused)?;
    let found = RecordLayout::of(&example).map(|(layout, _)| layout);
    found.ok_or_else(|| unsupported(case, "the layout of its source"))
}

/// The records of several files.
pub(super) struct ReadRecords {
    pub(super) layout: RecordLayout,
    /// Per file and record: length and both checksums.
    pub(super) framing: Vec<Vec<i64>>,
    pub(super) sequences: Vec<RecordSequence>,
    pub(super) accurate: Vec<RgbImage>,
}

/// Reads files in order, frames with TensorFlow's default DCT.
pub(super) fn read(
    files: &[impl AsRef<Path>],
    layout: RecordLayout,
    frames: usize,
) -> Result<ReadRecords, TfrecordError> {
    let (mut framing, mut sequences, mut accurate) = (Vec::new(), Vec::new(), Vec::new());
    for path in files {
        let path = path.as_ref();
        let mut file_framing = Vec::new();
        for record in all_records(path)? {
            let length = i64::try_from(record.data.len()).expect("a bounded length");
            let checksums = [record.length_checksum, record.data_checksum].map(i64::from);
            file_framing.extend([length, checksums[0], checksums[1]]);
            let number = sequences.len() as u64;
            sequences.push(take(path, number, &record, layout, frames, Dct::Fast)?);
            let first = take(path, number, &record, layout, 1, Dct::Accurate)?;
            accurate.extend(first.images);
        }
        framing.push(file_framing);
    }
    Ok(ReadRecords { layout, framing, sequences, accurate })
}

fn all_records(path: &Path) -> Result<Vec<TfRecord>, TfrecordError> {
    let mut records = Vec::new();
    for_each_record(path, |_, record| {
        records.push(record);
        ControlFlow::Continue(())
    })?;
    Ok(records)
}

/// Reads the sequence of a record; the first fault is the error.
pub(super) fn take(
    path: &Path,
    record: u64,
    data: &TfRecord,
    layout: RecordLayout,
    frames: usize,
    dct: Dct,
) -> Result<RecordSequence, TfrecordError> {
    let path = || path.to_owned();
    let example = Example::parse(&data.data).map_err(|source| TfrecordError::Example {
        path: path(),
        record,
        source,
    })?;
    let mut first = None;
    let sequence = read_sequence(&example, layout, frames, dct, Ok, |key, source| {
        first.get_or_insert(TfrecordError::Feature { path: path(), record, key, source });
    });
    sequence.ok_or_else(|| first.expect("what was not read has a fault"))
}

pub(super) fn insert(outputs: &mut Outputs, output: &OutputSpec, data: TensorData) {
    outputs.insert(output.name.clone(), Tensor { shape: output.shape.clone(), data });
}

pub(super) fn failed(source: TfrecordError) -> PortError {
    PortError::Failed { action: "read the records of the case", source: Box::new(source) }
}
