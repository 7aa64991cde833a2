//! TFRecord files of a data set, one sequence per record.

use std::{io, ops::ControlFlow, path::Path};

use super::{
    error::PushingError,
    item::{AfterError, DecodedSequence, SIDE, SourceItem, Visit},
};
use crate::{
    error::DataError,
    findings::Findings,
    jpeg::Dct,
    listing,
    resize::{Fit, square},
    rgb_image::RgbImage,
    sequence::SequenceBuffer,
    source_files::source,
    tfrecord::{
        Example, FeatureError, RecordLayout, RecordSequence, TfRecord, TfrecordError,
        for_each_record, read_sequence, sequence::padded_states,
    },
};
use reprise_base::{config::data::Split, fs::FileKind, scalar::Count};

/// Lists the files of a folder in the order of their names, as the original does.
pub(super) fn list(
    root: &Path,
    folder: &str,
    findings: &mut Findings,
) -> Result<Vec<SourceItem>, DataError> {
    let path = root.join(folder);
    let mut items = Vec::new();
    for entry in listing::list(&path, &mut findings.notes.side_files)? {
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

/// What the first record of a file has.
pub(super) struct FirstRecord {
    /// Its layout and its number of frames, if it has one of the layouts.
    pub(super) layout: Option<(RecordLayout, usize)>,
    /// The names of its features, for people.
    pub(super) features: String,
}

/// Reads the first record of a file.
pub(super) fn first_record(path: &Path) -> Result<FirstRecord, PushingError> {
    let mut first = None;
    for_each_record(path, |_, record| {
        first = Some(Example::parse(&record.data).map(|example| FirstRecord {
            layout: RecordLayout::of(&example),
            features: example.names(),
        }));
        ControlFlow::Break(())
    })?;
    first.expect("a file without records is an error").map_err(|source| {
        TfrecordError::Example { path: path.to_owned(), record: 0, source }.into()
    })
}

/// Returns how many frames to read of each record: `given`, or else those of the first readable record.
pub(super) fn frames(
    root: &Path,
    items: &[SourceItem],
    layout: RecordLayout,
    given: Option<Count>,
) -> Result<usize, DataError> {
    if let Some(given) = given {
        return Ok(given.len());
    }
    let mut error = None;
    for item in items {
        let path = root.join(&item.files[0]);
        match first_record(&path) {
            Ok(FirstRecord { layout: Some((found, frames)), .. }) if found == layout => {
                let single = || DataError::SingleFrame { path };
                return if frames == 1 { Err(single()) } else { Ok(frames) };
            }
            Ok(FirstRecord { features, .. }) => {
                let key = layout.image_key(0);
                let missing = TfrecordError::NoImages { path, record: 0, key, features };
                error.get_or_insert(PushingError::from(missing));
            }
            Err(unreadable) => {
                error.get_or_insert(unreadable);
            }
        }
    }
    Err(error.expect("a data set without files is refused").into())
}

/// How many frames the records of a data set have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RecordLengths {
    records: u64,
    /// Records with more frames than are read.
    longer: u64,
    longest: usize,
}

impl RecordLengths {
    fn add(&mut self, found: usize, read: usize) {
        self.records += 1;
        self.longer += u64::from(found > read);
        self.longest = self.longest.max(found);
    }

    /// Describes the counts for people, where `read` frames of each record are read.
    pub(super) fn text(self, read: usize) -> String {
        let Self { records, longer, longest } = self;
        if longer == 0 {
            format!("{read} in every record")
        } else {
            format!(
                "the first {read} are read; {longer} of {records} records have more, up to {longest}"
            )
        }
    }
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
        counts: &mut RecordLengths,
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
            if let Some(buffer) = self.record(&path, number, &record, counts, &mut report) {
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
        counts: &mut RecordLengths,
        report: &mut dyn FnMut(TfrecordError),
    ) -> Option<SequenceBuffer> {
        let extract = RecordExtract { path, number, layout: self.layout, frames: self.frames };
        let ReadRecord { sequence, frames } = extract.read(record, pixels, report)?;
        counts.add(frames, self.frames);
        let RecordSequence { images, actions, states } = sequence;
        let positions = padded_states(self.layout, &states);
        Some(SequenceBuffer { frames: images.concat(), actions, positions, sources: Vec::new() })
    }
}

/// The frames that were read of a record.
pub(super) struct ReadRecord<P> {
    pub(super) sequence: RecordSequence<P>,
    /// Frames that the record has, read or not.
    pub(super) frames: usize,
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
        data: &TfRecord,
        convert: impl Fn(RgbImage) -> Result<P, FeatureError>,
        report: &mut dyn FnMut(TfrecordError),
    ) -> Option<ReadRecord<P>> {
        let Self { path, number: record, layout, frames: expected } = *self;
        let path = path.to_owned();
        let example = match Example::parse(&data.data) {
            Ok(example) => example,
            Err(source) => {
                report(TfrecordError::Example { path, record, source });
                return None;
            }
        };
        let frames = layout.frames(&example);
        if frames == 0 {
            let (key, features) = (layout.image_key(0), example.names());
            report(TfrecordError::NoImages { path, record, key, features });
            return None;
        }
        if let Some(found) = layout.whole_frames(&example).filter(|&found| found < expected) {
            report(TfrecordError::TooShort { path, record, found, expected });
            return None;
        }
        let report = |key: String, source: FeatureError| {
            report(TfrecordError::Feature { path: path.clone(), record, key, source });
        };
        let sequence = read_sequence(&example, layout, expected, Dct::Fast, convert, report)?;
        Some(ReadRecord { sequence, frames })
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
