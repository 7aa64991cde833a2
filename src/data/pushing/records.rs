//! TFRecord files of a data set, one sequence per record.

use std::{io, ops::ControlFlow, path::Path};

use super::{
    error::PushingError,
    item::{AfterError, DecodedSequence, SIDE, SourceItem, Visit},
};
use crate::{
    config::data::Split,
    data::{
        error::DataError,
        findings::Findings,
        jpeg::Dct,
        resize::{Fit, square},
        rgb_image::RgbImage,
        sequence::SequenceBuffer,
        source_files::source,
        tfrecord::{
            Example, FeatureError, RecordLayout, RecordSequence, TfRecord, TfrecordError,
            for_each_record, read_sequence, sequence::padded_states,
        },
    },
    fs::{self, FileKind},
};

/// Lists the files of a folder in the order of their names, as the original does.
pub(super) fn list(
    root: &Path,
    folder: &str,
    findings: &mut Findings,
) -> Result<Vec<SourceItem>, DataError> {
    let path = root.join(folder);
    let mut items = Vec::new();
    for entry in fs::read_dir_visible(&path)? {
        let Some(name) = entry.name.to_str() else {
            findings.error(DataError::NameNotUtf8 { path: entry.path });
            continue;
        };
        if entry.kind == FileKind::Dir || !name.contains("tfrecord") {
            let path = entry.path.display();
            findings.warn(format!("`{path}` is not part of the layout and was skipped"));
            continue;
        }
        let files = vec![format!("{folder}/{name}")];
        items.push(SourceItem { split: Split::Train, files, name: name.to_owned() });
    }
    if items.is_empty() { Err(PushingError::NoRecordFiles { path }.into()) } else { Ok(items) }
}

/// Reads the files of a data set.
pub(super) struct RecordReader<'a> {
    pub(super) root: &'a Path,
    pub(super) layout: RecordLayout,
    pub(super) frames: usize,
    pub(super) after_error: AfterError,
}

impl RecordReader<'_> {
    /// Reads all records of a file.
    pub(super) fn item(
        &self,
        item: &SourceItem,
        findings: &mut Findings,
        each: Visit<'_>,
    ) -> io::Result<()> {
        let [file] = &item.files[..] else { unreachable!("an item of records has one file") };
        let path = self.root.join(file);
        let Some(source) = findings.keep(source(&path)) else { return Ok(()) };
        let mut written = Ok(());
        let mut files = vec![file.clone()];
        let mut sources = vec![source];
        let framed = for_each_record(&path, |number, record| {
            let mut report = |error: TfrecordError| findings.error(PushingError::from(error));
            if let Some(buffer) = self.record(&path, number, &record, &mut report) {
                let buffer = SequenceBuffer { sources: std::mem::take(&mut sources), ..buffer };
                written = each(DecodedSequence {
                    split: item.split,
                    name: format!("{}#{number}", item.name),
                    buffer: &buffer,
                    sizes: [self.layout.action_size(), padded_size(self.layout)],
                    files: std::mem::take(&mut files),
                });
            }
            let stop = self.after_error == AfterError::Stop && findings.error_count() > 0;
            if stop || written.is_err() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        findings.keep(framed.map_err(PushingError::from));
        written
    }

    /// Returns the first frames of a record, if they have no errors.
    fn record(
        &self,
        path: &Path,
        number: u64,
        record: &TfRecord,
        report: &mut dyn FnMut(TfrecordError),
    ) -> Option<SequenceBuffer> {
        let extract = RecordExtract { path, number, layout: self.layout, frames: self.frames };
        let RecordSequence { images, actions, states } = extract.read(record, pixels, report)?;
        let positions = padded_states(self.layout, &states);
        Some(SequenceBuffer { frames: images.concat(), actions, positions, sources: Vec::new() })
    }
}

/// Which frames of which record to read.
pub(super) struct RecordExtract<'a> {
    pub(super) path: &'a Path,
    pub(super) number: u64,
    pub(super) layout: RecordLayout,
    pub(super) frames: usize,
}

impl RecordExtract<'_> {
    /// Reads the first frames of a record; `report` is called with every error.
    pub(super) fn read<P>(
        &self,
        record: &TfRecord,
        convert: impl Fn(RgbImage) -> Result<P, FeatureError>,
        report: &mut dyn FnMut(TfrecordError),
    ) -> Option<RecordSequence<P>> {
        let Self { path, number, layout, frames } = *self;
        let path = || path.to_owned();
        match Example::parse(&record.data) {
            Ok(example) => {
                read_sequence(&example, layout, frames, Dct::Fast, convert, |key, source| {
                    report(TfrecordError::Feature { path: path(), record: number, key, source });
                })
            }
            Err(source) => {
                report(TfrecordError::Example { path: path(), record: number, source });
                None
            }
        }
    }
}

/// Returns how many numbers a state has with the original's padding.
fn padded_size(layout: RecordLayout) -> usize {
    padded_states(layout, &vec![0.0; layout.state_size()]).len()
}

/// Scales an image to a frame of bytes; refuses it if a scaled value is not a whole byte. Scaling
/// 640×512 pixels only selects some of them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "the byte is compared with the value, and any other value is refused"
)]
fn pixels(image: RgbImage) -> Result<Vec<u8>, FeatureError> {
    if [image.height, image.width] == [SIDE; 2] {
        return Ok(image.pixels); // every weight is 0 or 1
    }
    let byte = |value: f32| {
        let byte = value as u8;
        (f32::from(byte) == value).then_some(byte)
    };
    let scaled = square(&image, Fit::Crop, [SIDE; 2]).into_iter().map(byte).collect();
    let RgbImage { height, width, pixels: _ } = image;
    Option::ok_or(scaled, FeatureError::Scale { width, height, side: SIDE })
}
