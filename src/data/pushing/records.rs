//! TFRecord files of a data set, one sequence a record.

use std::{io, ops::ControlFlow, path::Path};

use super::{AfterFault, Content, Each, Item, SIDE, source};
use crate::{
    data::{
        DataError, Split,
        bair::SequenceBuffer,
        error::Findings,
        jpeg::Dct,
        resize::{Fit, square},
        rgb_image::RgbImage,
        tfrecord::{
            Example, FeatureError, RecordLayout, RecordSequence, TfRecord, TfrecordError,
            for_each_record, read_sequence, sequence::padded_states,
        },
    },
    fs::{self, FileKind},
};

/// Lists the files of a folder in the order of their names, as the original's sorted listing.
pub(super) fn list(
    root: &Path,
    folder: &str,
    findings: &mut Findings,
) -> Result<Vec<Item>, DataError> {
    let path = root.join(folder);
    let mut items = Vec::new();
    for entry in fs::read_dir_visible(&path)? {
        let Some(name) = entry.name.to_str() else {
            findings.error(DataError::NameNotUtf8 { path: entry.path });
            continue;
        };
        if entry.kind == FileKind::Dir || !name.contains("tfrecord") {
            let what = "is not part of the layout and was passed over";
            findings.warn(format!("`{}` {what}", entry.path.display()));
            continue;
        }
        let files = vec![format!("{folder}/{name}")];
        items.push(Item { split: Split::Train, files, name: name.to_owned() });
    }
    if items.is_empty() { Err(DataError::NoRecordFiles { path }) } else { Ok(items) }
}

/// Reads files of one data set.
pub(super) struct Reader<'a> {
    pub(super) root: &'a Path,
    pub(super) layout: RecordLayout,
    pub(super) frames: usize,
    pub(super) after_fault: AfterFault,
}

impl Reader<'_> {
    /// Reads all records of a file.
    pub(super) fn item(
        &self,
        item: &Item,
        findings: &mut Findings,
        each: Each<'_>,
    ) -> io::Result<()> {
        let [file] = &item.files[..] else { unreachable!("an item of records is one file") };
        let path = self.root.join(file);
        let Some(source) = findings.keep(source(&path)) else { return Ok(()) };
        let mut written = Ok(());
        let mut files = vec![file.clone()];
        let mut sources = vec![source];
        let framed = for_each_record(&path, |number, record| {
            let mut report = |error: TfrecordError| findings.error(error.into());
            if let Some(buffer) = self.record(&path, number, &record, &mut report) {
                let buffer = SequenceBuffer { sources: std::mem::take(&mut sources), ..buffer };
                written = each(Content {
                    split: item.split,
                    name: format!("{}#{number}", item.name),
                    buffer: &buffer,
                    sizes: [self.layout.action_size(), padded_size(self.layout)],
                    files: std::mem::take(&mut files),
                });
            }
            let stop = self.after_fault == AfterFault::Stop && findings.error_count() > 0;
            if stop || written.is_err() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        findings.keep(framed.map_err(DataError::from));
        written
    }

    /// Returns the first frames of a record unless something is wrong with them.
    fn record(
        &self,
        path: &Path,
        number: u64,
        record: &TfRecord,
        report: &mut dyn FnMut(TfrecordError),
    ) -> Option<SequenceBuffer> {
        let taken = Taken { path, number, layout: self.layout, frames: self.frames };
        let RecordSequence { images, actions, states } = taken.from(record, pixels, report)?;
        let positions = padded_states(self.layout, &states);
        Some(SequenceBuffer { frames: images.concat(), actions, positions, sources: Vec::new() })
    }
}

/// What to take out of which record.
pub(super) struct Taken<'a> {
    pub(super) path: &'a Path,
    pub(super) number: u64,
    pub(super) layout: RecordLayout,
    pub(super) frames: usize,
}

impl Taken<'_> {
    /// Takes the first frames out of a record; `report` hears of everything that is wrong.
    pub(super) fn from<P>(
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

/// Returns the numbers of a state with the original's padding.
fn padded_size(layout: RecordLayout) -> usize {
    padded_states(layout, &vec![0.0; layout.state_size()]).len()
}

/// Returns the bytes of a frame where scaling only picks pixels, as it does for 640×512.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "a value that is a byte becomes one, any other is refused"
)]
fn pixels(picture: RgbImage) -> Result<Vec<u8>, FeatureError> {
    if [picture.height, picture.width] == [SIDE; 2] {
        return Ok(picture.pixels); // every weight is 0 or 1
    }
    let byte = |value: f32| {
        let byte = value as u8;
        (f32::from(byte) == value).then_some(byte)
    };
    let scaled = square(&picture, Fit::Crop, [SIDE; 2]).into_iter().map(byte).collect();
    let RgbImage { height, width, pixels: _ } = picture;
    Option::ok_or(scaled, FeatureError::Scale { width, height, side: SIDE })
}
