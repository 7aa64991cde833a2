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
//! [`open`], [`check`] and [`import`](import::import).

use std::{
    io::Write,
    path::{self, Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{
    Progress, Required, Split,
    bair::{SequenceBuffer, Source},
    cache,
    error::{DataError, Fault, Findings},
    files::training_files,
    pack::{Encoder, Pack},
    tfrecord::Layout,
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
pub(super) enum Origin<'a> {
    /// TFRecord files.
    Records { root: &'a Path, layout: Layout, frames: Count },
    /// `.npy` files beside a `map.csv`.
    Arrays { root: &'a Path },
}

impl Origin<'_> {
    const fn root(&self) -> &Path {
        match self {
            Self::Records { root, .. } | Self::Arrays { root } => root,
        }
    }

    /// Returns the folders for training and testing below the root.
    const fn folders(&self) -> [&'static str; 2] {
        match self {
            Self::Records { layout: Layout::GooglePush, .. } => ["push_train", "push_testseen"],
            Self::Records { layout: Layout::Berkeley, .. } | Self::Arrays { .. } => {
                ["train", "test"]
            }
        }
    }

    /// Returns the dataset's name as in a sweep file.
    const fn name(&self) -> &'static str {
        match self {
            Self::Records { layout: Layout::Berkeley, .. } => "berkeley_tfrecord",
            Self::Records { layout: Layout::GooglePush, .. } => "google_push_tfrecord",
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

/// Opens a data set through its pack in `cache`.
pub(super) fn open(
    origin: Origin<'_>,
    required: Required,
    cache: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Pack, DataError> {
    let mut findings = Findings::default();
    let items = list(origin, required, &mut findings);
    findings.fail_on_error()?;
    let warnings = findings.into_warnings();
    let outdated = |pack: &Pack| difference(origin, &items, pack);
    let write = |out: &mut dyn Write, progress: &mut dyn FnMut(Progress)| {
        encode(origin, &items, warnings.clone(), out, progress)
    };
    let pack = cache::load_or_make(&cache_folder(origin, cache), &outdated, &write, progress)?;
    Ok(pack.described(origin.name(), format!("folder `{}`", origin.root().display())))
}

/// Returns the folder for the pack: its name holds the digest of what the pack is made from.
fn cache_folder(origin: Origin<'_>, cache: &Path) -> PathBuf {
    let absolute = path::absolute(origin.root()).unwrap_or_else(|_| origin.root().to_owned());
    let frames = match origin {
        Origin::Records { frames, .. } => frames.get(),
        Origin::Arrays { .. } => 0,
    };
    let key = [absolute.as_os_str().as_encoded_bytes(), &[0], &frames.to_le_bytes()].concat();
    cache.join(format!("{}-{}", origin.name(), &fs::sha256_hex(&key)[..16]))
}

/// Returns everything that is wrong with a data set.
pub(super) fn check(
    origin: Origin<'_>,
    required: Required,
    progress: &mut dyn FnMut(Progress),
) -> Vec<Fault> {
    let mut findings = Findings::default();
    let items = list(origin, required, &mut findings);
    let mut each = |_: Content<'_>| Ok(());
    visit(origin, &items, AfterFault::GoOn, &mut findings, progress, &mut each)
        .expect("nothing is written");
    findings.into_faults()
}

fn encode(
    origin: Origin<'_>,
    items: &[Item],
    warnings: Vec<String>,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(Progress),
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
    visit(origin, items, AfterFault::Stop, &mut findings, progress, &mut each)?;
    findings.fail_on_error()?;
    Ok(encoder.finish([SIDE, SIDE, 3], findings.into_warnings())?)
}

/// Receives one good sequence after the other, in the order of splits.
type Each<'a> = &'a mut dyn FnMut(Content<'_>) -> std::io::Result<()>;

/// Reads all items, one sequence at a time.
fn visit(
    origin: Origin<'_>,
    items: &[Item],
    after_fault: AfterFault,
    findings: &mut Findings,
    progress: &mut dyn FnMut(Progress),
    each: Each<'_>,
) -> std::io::Result<()> {
    let mut like = arrays::Like::default();
    for (done, item) in items.iter().enumerate() {
        match origin {
            Origin::Records { root, layout, frames } => {
                let reader = records::Reader { root, layout, frames: frames.len(), after_fault };
                reader.item(item, findings, each)?;
            }
            Origin::Arrays { root } => arrays::item(root, item, &mut like, findings, each)?,
        }
        if after_fault == AfterFault::Stop && findings.error_count() > 0 {
            break;
        }
        progress(Progress::decoding(done, items.len()));
    }
    Ok(())
}

/// Lists what there is to read: training, validation, test.
fn list(origin: Origin<'_>, required: Required, findings: &mut Findings) -> Vec<Item> {
    let root = origin.root();
    let [training, testing] = origin.folders();
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
        let listed = match origin {
            Origin::Records { .. } => records::list(root, folder, findings),
            Origin::Arrays { .. } => arrays::list(root, folder),
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

/// Returns what is known of a file, to be put beside a sequence.
pub(super) fn source(path: &Path) -> Result<Source, DataError> {
    let stamp = fs::stamp(path)?;
    let (digest, bytes) = fs::sha256_file(path)?;
    if bytes != stamp.bytes {
        let what = "its length changed while it was read";
        return Err(DataError::SourceChanged { path: path.to_owned(), what });
    }
    let nibbles = digest.bytes().map(|digit| char::from(digit).to_digit(16).unwrap_or_default());
    let nibbles: Vec<_> = nibbles.filter_map(|nibble| u8::try_from(nibble).ok()).collect();
    let sha256 = std::array::from_fn(|at| nibbles[2 * at] << 4 | nibbles[2 * at + 1]);
    Ok(Source { stamp, sha256 })
}

/// Returns the first thing in which the files differ from what a pack was made from.
fn difference(
    origin: Origin<'_>,
    items: &[Item],
    pack: &Pack,
) -> Result<Option<String>, DataError> {
    let root = origin.root();
    let files: Vec<_> = items.iter().flat_map(|item| &item.files).collect();
    if files.len() as u64 != pack.source_files() {
        return Ok(Some(format!("`{}` has other files", root.display())));
    }
    let mut digests = Sha256::new();
    for (number, file) in files.into_iter().enumerate() {
        let path = root.join(file);
        let known = pack.source(number).expect("a pack has a record of every file");
        let stamp = fs::stamp(&path)?;
        let unchanged = stamp == known.stamp
            || stamp.bytes == known.stamp.bytes
                && fs::sha256_file(&path)?.0 == fs::hex(&known.sha256);
        if !unchanged {
            return Ok(Some(format!("`{}` changed", path.display())));
        }
        digests.update(format!("{file} {} {}\n", stamp.bytes, fs::hex(&known.sha256)));
    }
    let same = fs::hex(&digests.finalize()) == pack.sources_sha256();
    Ok((!same).then(|| format!("`{}` has other files", root.display())))
}

#[cfg(test)]
mod tests;
