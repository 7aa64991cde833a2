//! Robot-pushing data sets in the layouts of the physical-interaction originals, made into packs.
//!
//! ```text
//! berkeley_tfrecord      ROOT/train/*.tfrecords             ROOT/test/*.tfrecords
//! google_push_tfrecord   ROOT/push_train/*                  ROOT/push_testseen/*
//! npy                    ROOT/train/map.csv and arrays      ROOT/test/map.csv and arrays
//! ```
//! The first folder is divided by the original's rule: the first 95% of its files (or of its listed
//! sequences) are for training, the others for validation. Frames become 64×64 bytes, from which the
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
    tfrecord::RecordLayout,
};
use reprise_base::{
    config::data::Split,
    fs,
    scalar::{Count, Fraction},
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
    Records { root: &'a Path, layout: RecordLayout, frames: Count },
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
        let frames = match *self {
            Self::Records { frames, .. } => frames.get(),
            Self::Arrays { .. } => 0,
        };
        let settings = [[0].as_slice(), &frames.to_le_bytes()].concat();
        let folder = cache::folder(cache, self.name(), self.root(), &settings);
        let outdated = |pack: &Pack| difference(self.root(), &files, pack);
        let encode = |out: &mut dyn Write, progress: Watch<'_>| {
            encode(*self, &items, notes.clone(), out, progress)
        };
        let origin = format!("folder `{}`", self.root().display());
        let description = Description { name: self.name(), origin };
        cache::load_or_make(&folder, &description, &outdated, &encode, progress)
    }

    fn check(&self, required: Required, progress: Watch<'_>) -> Findings {
        let mut findings = Findings::default();
        let items = list(*self, required, &mut findings);
        let mut each = |_: DecodedSequence<'_>| Ok(());
        visit(*self, &items, AfterError::Continue, &mut findings, progress, &mut each)
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

    /// Returns the folders for training and testing below the root.
    const fn folders(&self) -> [&'static str; 2] {
        match self {
            Self::Records { layout: RecordLayout::GooglePush, .. } => {
                ["push_train", "push_testseen"]
            }
            Self::Records { layout: RecordLayout::Berkeley, .. } | Self::Arrays { .. } => {
                ["train", "test"]
            }
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
    visit(folder, items, AfterError::Stop, &mut findings, progress, &mut each)?;
    findings.fail_on_error()?;
    let format = SequenceFormat::new([SIDE, SIDE, CHANNELS], common_sizes);
    Ok(encoder.finish(format, findings)?)
}

/// Reads all items, one sequence at a time.
fn visit(
    folder: PushingFolder<'_>,
    items: &[SourceItem],
    after_error: AfterError,
    findings: &mut Findings,
    progress: Watch<'_>,
    each: Visit<'_>,
) -> std::io::Result<()> {
    let mut common = arrays::CommonSizes::default();
    for (done, item) in items.iter().enumerate() {
        match folder {
            PushingFolder::Records { root, layout, frames } => {
                let reader =
                    records::RecordReader { root, layout, frames: frames.len(), after_error };
                reader.item(item, findings, each)?;
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
    Ok(())
}

/// Lists the items of training, validation and test.
fn list(data: PushingFolder<'_>, required: Required, findings: &mut Findings) -> Vec<SourceItem> {
    let root = data.root();
    let [training, testing] = data.folders();
    let mut items = Vec::new();
    for (folder, split) in [(training, Split::Train), (testing, Split::Test)] {
        match fs::kind(&root.join(folder)) {
            Ok(Some(_)) => {}
            Ok(None) if split == Split::Test && required == Required::TrainOnly => {
                findings.warn(format!("`{}` is missing", root.join(folder).display()));
                continue;
            }
            Ok(None) => {
                let path = root.join(folder);
                findings.error(PushingError::FolderMissing { path, split });
                continue;
            }
            Err(error) => {
                findings.error(error);
                continue;
            }
        }
        let listed = match data {
            PushingFolder::Records { .. } => records::list(root, folder, findings),
            PushingFolder::Arrays { .. } => arrays::list(root, folder).map_err(DataError::from),
        };
        let Some(mut listed) = findings.keep(listed) else { continue };
        if split == Split::Train {
            let training = training_files(listed.len(), training_share());
            if training == 0 && !listed.is_empty() {
                let unit = match data {
                    PushingFolder::Records { .. } => "file",
                    PushingFolder::Arrays { .. } => "sequence",
                };
                findings.error(PushingError::SingleItem { path: root.join(folder), unit });
            }
            for item in &mut listed[training..] {
                item.split = Split::Validate;
            }
        } else {
            for item in &mut listed {
                item.split = split;
            }
        }
        items.extend(listed);
    }
    items
}

#[cfg(test)]
mod tests;
