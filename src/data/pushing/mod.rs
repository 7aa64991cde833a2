//! Robot-pushing data sets as the physical-interaction originals keep them, made into packs.
//!
//! ```text
//! berkeley_tfrecord      ROOT/train/*.tfrecords             ROOT/test/*.tfrecords
//! google_push_tfrecord   ROOT/push_train/*                  ROOT/push_testseen/*
//! npy                    ROOT/train/map.csv and arrays      ROOT/test/map.csv and arrays
//! ```
//! The first folder gives training and validation: by the original's rule the first 95% of its files
//! (or of its listed sequences) train, the others validate. Frames become 64×64 bytes, from which
//! the original's numbers follow exactly; a picture that would need rounding is refused. Start from
//! [`PushingFolder`] and [`import`](import::import).

use std::{io::Write, path::Path};

use super::{
    CHANNELS, Progress, Required, Split, Watch,
    bair::SequenceBuffer,
    cache,
    error::{DataError, Fault, Findings},
    files::training_files,
    origin::Origin,
    pack::{Encoder, Pack},
    source_files::{difference, source},
    tfrecord::RecordLayout,
};
use crate::{
    fs,
    scalar::{Count, Fraction},
};

mod arrays;
pub(super) mod import;
mod records;

/// Height and width of a frame in a pack.
pub(super) const SIDE: usize = 64;

/// Share of the files that train (`train_val_split`).
fn training_share() -> Fraction {
    Fraction::try_from(0.95).expect("a share")
}

/// A data set on the disk.
#[derive(Clone, Copy, Debug)]
pub(super) enum PushingFolder<'a> {
    /// TFRecord files.
    Records { root: &'a Path, layout: RecordLayout, frames: Count },
    /// `.npy` files beside a `map.csv`.
    Arrays { root: &'a Path },
}

impl Origin for PushingFolder<'_> {
    fn open(
        &self,
        required: Required,
        cache: &Path,
        progress: Watch<'_>,
    ) -> Result<Pack, DataError> {
        let mut findings = Findings::default();
        let items = list(*self, required, &mut findings);
        findings.fail_on_error()?;
        let warnings = findings.into_warnings();
        let files: Vec<_> = items.iter().flat_map(|item| &item.files).map(String::as_str).collect();
        let frames = match *self {
            Self::Records { frames, .. } => frames.get(),
            Self::Arrays { .. } => 0,
        };
        let settings = [[0].as_slice(), &frames.to_le_bytes()].concat();
        let folder = cache::folder(cache, self.name(), self.root(), &settings);
        let outdated = |pack: &Pack| difference(self.root(), &files, pack);
        let write = |out: &mut dyn Write, progress: Watch<'_>| {
            encode(*self, &items, warnings.clone(), out, progress)
        };
        let pack = cache::load_or_make(&folder, &outdated, &write, progress)?;
        Ok(pack.described(self.name(), format!("folder `{}`", self.root().display())))
    }

    fn check(&self, required: Required, progress: Watch<'_>) -> Vec<Fault> {
        let mut findings = Findings::default();
        let items = list(*self, required, &mut findings);
        let mut each = |_: Content<'_>| Ok(());
        visit(*self, &items, AfterFault::GoOn, &mut findings, progress, &mut each)
            .expect("nothing is written");
        findings.into_faults()
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

    /// Returns the dataset's name as in a sweep file.
    const fn name(&self) -> &'static str {
        match self {
            Self::Records { layout: RecordLayout::Berkeley, .. } => "berkeley_tfrecord",
            Self::Records { layout: RecordLayout::GooglePush, .. } => "google_push_tfrecord",
            Self::Arrays { .. } => "npy",
        }
    }
}

/// What is read as a whole: a TFRecord file, or the arrays of one sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    split: Split,
    /// Its files, relative to the root.
    files: Vec<String>,
    /// Its name in messages and packs.
    name: String,
}

/// A sequence as it goes into a pack.
struct Content<'a> {
    split: Split,
    name: String,
    buffer: &'a SequenceBuffer,
    /// Numbers of an action and of a state.
    sizes: [usize; 2],
    /// Files that were not named before, as many as `buffer` has sources.
    files: Vec<String>,
}

/// What to do after the first fault.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AfterFault {
    Stop,
    GoOn,
}

fn encode(
    folder: PushingFolder<'_>,
    items: &[Item],
    warnings: Vec<String>,
    out: &mut dyn Write,
    progress: Watch<'_>,
) -> Result<(), cache::WriteError> {
    let mut findings = Findings::default();
    for warning in warnings {
        findings.warn(warning);
    }
    let mut encoder = Encoder::begin(out)?;
    let mut each = |content: Content<'_>| {
        encoder.sized(content.sizes);
        let Content { split, name, buffer, files, sizes: _ } = content;
        encoder.sequence(split, &name, buffer, files.into_iter())
    };
    visit(folder, items, AfterFault::Stop, &mut findings, progress, &mut each)?;
    findings.fail_on_error()?;
    Ok(encoder.finish([SIDE, SIDE, CHANNELS], findings.into_warnings())?)
}

/// Receives one good sequence after the other, in the order of splits.
type Each<'a> = &'a mut dyn FnMut(Content<'_>) -> std::io::Result<()>;

/// Reads all items, one sequence at a time.
fn visit(
    folder: PushingFolder<'_>,
    items: &[Item],
    after_fault: AfterFault,
    findings: &mut Findings,
    progress: Watch<'_>,
    each: Each<'_>,
) -> std::io::Result<()> {
    let mut like = arrays::Like::default();
    for (done, item) in items.iter().enumerate() {
        match folder {
            PushingFolder::Records { root, layout, frames } => {
                let reader = records::Reader { root, layout, frames: frames.len(), after_fault };
                reader.item(item, findings, each)?;
            }
            PushingFolder::Arrays { root } => arrays::item(root, item, &mut like, findings, each)?,
        }
        if after_fault == AfterFault::Stop && findings.error_count() > 0 {
            break;
        }
        progress(Progress::decoding(done, items.len()));
    }
    Ok(())
}

/// Lists what there is to read: training, validation, test.
fn list(data: PushingFolder<'_>, required: Required, findings: &mut Findings) -> Vec<Item> {
    let root = data.root();
    let [training, testing] = data.folders();
    let mut items = Vec::new();
    for (folder, split) in [(training, Split::Train), (testing, Split::Test)] {
        match fs::kind(&root.join(folder)) {
            Ok(Some(_)) => {}
            Ok(None) if split == Split::Test && required == Required::TrainOnly => {
                findings.warn(format!("there is no `{}`", root.join(folder).display()));
                continue;
            }
            Ok(None) => {
                let path = root.join(folder);
                findings.error(DataError::FolderMissing { path, split });
                continue;
            }
            Err(error) => {
                findings.error(error.into());
                continue;
            }
        }
        let listed = match data {
            PushingFolder::Records { .. } => records::list(root, folder, findings),
            PushingFolder::Arrays { .. } => arrays::list(root, folder),
        };
        let Some(mut listed) = findings.keep(listed) else { continue };
        if split == Split::Train {
            let training = training_files(listed.len(), training_share());
            if training == 0 && !listed.is_empty() {
                let (path, files) = (root.join(folder), listed.len());
                findings.error(DataError::NoneForTraining { path, files });
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
