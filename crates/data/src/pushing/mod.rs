//! Robot-pushing data sets in the layouts of the physical-interaction originals, made into packs.
//!
//! ```text
//! berkeley_tfrecord      ROOT/train/*.tfrecords             ROOT/test/*.tfrecords
//! google_push_tfrecord   ROOT/push_train/*                  ROOT/push_testseen/* or push_testnovel/*
//! npy                    ROOT/train/map.csv and arrays      ROOT/test/map.csv and arrays
//! ```
//! A folder `val` (or `validation`, `push_val`, ...) beside the first one is the validation split.
//! Without it, the first folder is divided by the original's rule: the first 95% of its files (or of its
//! listed sequences) are for training, the others for validation. Frames become 64×64 bytes, from which the
//! original's numbers follow exactly; an image whose scaling would need rounding is refused. Start from
//! [`PushingFolder`] and [`import`](import::import).

use std::{io::Write, path::Path};

use super::{
    cache,
    error::DataError,
    files::training_files,
    findings::{Findings, Notes},
    origin::{DataOrigin, Required},
    pack::{Description, Encoder, Pack, SequenceFormat},
    progress::{Progress, Watch},
    rgb_image::CHANNELS,
    source_files::difference,
    split_folders,
    tfrecord::RecordLayout,
};
use reprise_base::{
    config::data::{Split, TestObjects},
    scalar::{Count, Fraction},
    text::count,
};

mod arrays;
mod error;
pub(super) mod import;
mod item;
mod records;

pub use error::PushingError;
use item::{AfterError, DecodedSequence, SIDE, SourceItem, Visit};

/// Share of the files that are for training (`train_val_split`).
fn training_share() -> Fraction {
    Fraction::try_from(0.95).expect("0.95 is a fraction")
}

/// A data set on disk.
#[derive(Clone, Copy, Debug)]
pub(super) enum PushingFolder<'a> {
    /// TFRecord files.
    Records {
        root: &'a Path,
        layout: RecordLayout,
        /// Only in the Google layout.
        test_objects: TestObjects,
        /// Frames to read of each record, by default those of the first one.
        frames: Option<Count>,
    },
    /// `.npy` files beside a `map.csv`.
    Arrays { root: &'a Path },
}

impl DataOrigin for PushingFolder<'_> {
    fn open(
        &self,
        required: Required,
        cache: &Path,
        progress: Watch<'_>,
    ) -> Result<Pack, DataError> {
        let mut findings = Findings::default();
        let items = list(*self, required, &mut findings);
        let notes = findings.into_notes()?;
        let files: Vec<_> = items.iter().flat_map(|item| &item.files).map(String::as_str).collect();
        let frames = self.frames(&items)?;
        let settings = [[0].as_slice(), &(frames as u64).to_le_bytes(), self.novel()].concat();
        let folder = cache::folder(cache, self.name(), self.root(), &settings);
        let outdated = |pack: &Pack| difference(self.root(), &files, pack);
        let encode = |out: &mut dyn Write, progress: Watch<'_>| {
            encode(*self, &items, frames, notes.clone(), out, progress)
        };
        let origin = format!("folder `{}`", self.root().display());
        let description = Description { name: self.name(), origin };
        cache::load_or_make(&folder, &description, &outdated, &encode, progress)
    }

    fn check(&self, required: Required, progress: Watch<'_>) -> Findings {
        let mut findings = Findings::default();
        let items = list(*self, required, &mut findings);
        if items.is_empty() {
            return findings;
        }
        let Some(frames) = findings.keep(self.frames(&items)) else { return findings };
        let mut each = |_: DecodedSequence<'_>| Ok(());
        let reading = Reading { frames, after_error: AfterError::Continue };
        visit(*self, &items, reading, &mut findings, progress, &mut each)
            .expect("nothing is written");
        findings
    }
}

impl PushingFolder<'_> {
    const fn root(&self) -> &Path {
        match self {
            Self::Records { root, .. } | Self::Arrays { root } => root,
        }
    }

    /// Returns the folder of a split below the root, if there is one.
    fn folder(&self, split: Split) -> Result<Option<&'static str>, DataError> {
        let Self::Records { layout: RecordLayout::GooglePush, test_objects, .. } = self else {
            return split_folders::find(self.root(), split);
        };
        let names: &[_] = match split {
            Split::Train => &["push_train"],
            Split::Validate => &["push_val", "push_valid", "push_validate", "push_validation"],
            Split::Test => &[test_objects.folder()],
        };
        split_folders::find_named(self.root(), split, names)
    }

    /// Returns the usual name of the folder of a split.
    const fn usual_folder(&self, split: Split) -> &'static str {
        match (self, split) {
            (Self::Records { layout: RecordLayout::GooglePush, .. }, Split::Train) => "push_train",
            (Self::Records { layout: RecordLayout::GooglePush, test_objects, .. }, Split::Test) => {
                test_objects.folder()
            }
            _ => split.name(),
        }
    }

    /// Returns how many frames are read of each record; 0 for arrays, which are read whole.
    fn frames(&self, items: &[SourceItem]) -> Result<usize, DataError> {
        match *self {
            Self::Records { root, layout, frames, .. } => {
                records::frames(root, items, layout, frames)
            }
            Self::Arrays { .. } => Ok(0),
        }
    }

    /// Returns the part of a cached pack's key that tells novel objects; packs of the others have none.
    const fn novel(&self) -> &'static [u8] {
        match self {
            Self::Records { test_objects: TestObjects::Novel, .. } => b"novel",
            Self::Records { .. } | Self::Arrays { .. } => b"",
        }
    }

    /// Returns what the items of the data set are.
    const fn unit(&self) -> &'static str {
        match self {
            Self::Records { .. } => "file",
            Self::Arrays { .. } => "sequence",
        }
    }

    /// Returns the data set's name as in a sweep file.
    const fn name(&self) -> &'static str {
        match self {
            Self::Records { layout: RecordLayout::Berkeley, .. } => "berkeley_tfrecord",
            Self::Records { layout: RecordLayout::GooglePush, .. } => "google_push_tfrecord",
            Self::Arrays { .. } => "npy",
        }
    }
}

fn encode(
    folder: PushingFolder<'_>,
    items: &[SourceItem],
    frames: usize,
    notes: Notes,
    out: &mut dyn Write,
    progress: Watch<'_>,
) -> Result<(), cache::WriteError> {
    let mut findings = Findings::with_notes(notes);
    let mut encoder = Encoder::begin(out)?;
    let mut common_sizes = [0, 0];
    let mut each = |decoded: DecodedSequence<'_>| {
        let DecodedSequence { split, name, buffer, sizes, files } = decoded;
        common_sizes = sizes;
        encoder.sequence(split, &name, buffer, files.into_iter())
    };
    let reading = Reading { frames, after_error: AfterError::Stop };
    visit(folder, items, reading, &mut findings, progress, &mut each)?;
    findings.fail_on_error()?;
    let format = SequenceFormat::new([SIDE, SIDE, CHANNELS], common_sizes);
    Ok(encoder.finish(format, findings)?)
}

/// How items are read.
#[derive(Clone, Copy)]
struct Reading {
    /// Frames of each record.
    frames: usize,
    after_error: AfterError,
}

/// Reads all items, one sequence at a time.
fn visit(
    folder: PushingFolder<'_>,
    items: &[SourceItem],
    reading: Reading,
    findings: &mut Findings,
    progress: Watch<'_>,
    each: Visit<'_>,
) -> std::io::Result<()> {
    let Reading { frames, after_error } = reading;
    let mut common = arrays::CommonSizes::default();
    let mut counts = records::RecordLengths::default();
    for (done, item) in items.iter().enumerate() {
        match folder {
            PushingFolder::Records { root, layout, .. } => {
                let reader = records::RecordReader { root, layout, frames, after_error };
                reader.item(item, &mut counts, findings, each)?;
            }
            PushingFolder::Arrays { root } => {
                arrays::item(root, item, &mut common, findings, each)?;
            }
        }
        if after_error == AfterError::Stop && findings.error_count() > 0 {
            break;
        }
        progress(Progress::decoding(done, items.len()));
    }
    if let PushingFolder::Records { .. } = folder {
        findings.fact("frames per record", counts.text(frames));
    }
    Ok(())
}

/// Lists the items of training, validation and test.
fn list(data: PushingFolder<'_>, required: Required, findings: &mut Findings) -> Vec<SourceItem> {
    let mut items: Vec<SourceItem> = Vec::new();
    for split in Split::ALL {
        let Some(folder) = findings.keep(data.folder(split)) else { continue };
        match (folder, split) {
            (Some(folder), _) => items.extend(items_of(data, folder, split, findings)),
            (None, Split::Validate) => {
                if !items.is_empty() || required.includes(split) {
                    hold_out(data, &mut items, findings);
                }
            }
            (None, Split::Train | Split::Test) if !required.includes(split) => {
                let path = data.root().join(data.usual_folder(split));
                findings.warn(format!("`{}` is missing", path.display()));
            }
            (None, Split::Train | Split::Test) => {
                let path = data.root().join(data.usual_folder(split));
                findings.error(PushingError::FolderMissing { path, split });
            }
        }
    }
    items
}

/// Lists the items in the folder of a split.
fn items_of(
    data: PushingFolder<'_>,
    folder: &str,
    split: Split,
    findings: &mut Findings,
) -> Vec<SourceItem> {
    let root = data.root();
    let listed = match data {
        PushingFolder::Records { .. } => records::list(root, folder, findings),
        PushingFolder::Arrays { .. } => arrays::list(root, folder).map_err(DataError::from),
    };
    let mut listed = findings.keep(listed).unwrap_or_default();
    for item in &mut listed {
        item.split = split;
    }
    if split == Split::Validate {
        findings.fact("validation split", format!("the folder `{folder}`"));
    }
    listed
}

/// Makes the last items of the training split the validation split, by the original's rule.
fn hold_out(data: PushingFolder<'_>, items: &mut [SourceItem], findings: &mut Findings) {
    let training = training_files(items.len(), training_share());
    if training == 0 && !items.is_empty() {
        let path = data.root().join(data.usual_folder(Split::Train));
        findings.error(PushingError::SingleItem { path, unit: data.unit() });
    }
    for item in &mut items[training..] {
        item.split = Split::Validate;
    }
    let (held_out, of) = (items.len() - training, count(items.len() as u64, data.unit()));
    findings.fact("validation split", format!("the last {held_out} of {of} for training"));
}

#[cfg(test)]
mod real_files;
#[cfg(test)]
mod tests;
