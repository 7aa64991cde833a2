//! The folder layout of the BAIR robot-pushing data set, read strictly.
//!
//! ```text
//! ROOT/{train,validate,test}/<folder>/<folder>/0.png 1.png ... actions.csv endeffector_positions.csv
//! ```
//! [`list`] finds the sequences, [`read_sequence`] decodes one, [`BairFolder`] makes a pack of all.
//! Folders are in natural order (numbers inside names by value). Hidden files are skipped; other files
//! that do not belong to the layout are skipped with a warning. Sequences are searched only two folders
//! deep, so links in a circle do no harm.

use std::path::{Path, PathBuf};

use super::{
    error::DataError,
    findings::Findings,
    natural,
    origin::Required,
    sequence::{HwcShape, SequenceBuffer},
    source_files,
};
use reprise_base::{
    config::data::{Dataset, Split},
    fs::{self, FileKind},
};

mod error;
mod folder;
mod frame;
mod table;

pub use error::BairError;
pub(super) use folder::BairFolder;
pub use frame::FrameError;
pub use table::TableError;

/// Numbers of an action.
const ACTION_SIZE: usize = 4;
/// Numbers of a position of the end effector.
const POSITION_SIZE: usize = 3;

/// The tables of a sequence. Among its source files they follow the frames.
const TABLES: [&str; 2] = ["actions.csv", "endeffector_positions.csv"];

/// A sequence in the layout.
#[derive(Clone, Debug, PartialEq, Eq)]
struct SequenceFolder {
    split: Split,
    /// Its two folders, joined by a slash.
    name: String,
    /// Number of frames.
    frames: usize,
}

impl SequenceFolder {
    /// Returns the paths of its files relative to the root: frames in order, then the tables.
    fn files(&self) -> impl Iterator<Item = String> {
        let folder = format!("{}/{}", self.split, self.name);
        let tables = TABLES.map(|table| format!("{folder}/{table}"));
        (0..self.frames).map(move |frame| format!("{folder}/{frame}.png")).chain(tables)
    }
}

/// Returns the data set in a folder, if it has a folder for a split with folders in it.
pub(super) fn detect(root: &Path) -> Result<Option<Dataset>, DataError> {
    for split in Split::ALL {
        let path = root.join(split.name());
        let is_folder = fs::kind(&path)? == Some(FileKind::Dir);
        if is_folder && fs::read_dir_sorted(&path)?.iter().any(|it| it.kind == FileKind::Dir) {
            return Ok(Some(Dataset::Bair { root: root.to_owned() }));
        }
    }
    Ok(None)
}

/// Lists all sequences: splits in order, folders in natural order.
fn list(root: &Path, required: Required, findings: &mut Findings) -> Vec<SequenceFolder> {
    let mut sequences = Vec::new();
    if let Ok(None) = fs::kind(root) {
        findings.error(BairError::RootMissing { root: root.to_owned() });
        return sequences;
    }
    for split in Split::ALL {
        match fs::kind(&root.join(split.name())) {
            Ok(Some(_)) => list_split(root, split, &mut sequences, findings),
            Ok(None) if split != Split::Train && required == Required::TrainOnly => {
                findings.warn(format!("`{}` has no split `{split}`", root.display()));
            }
            Ok(None) => findings.error(BairError::SplitMissing { root: root.to_owned(), split }),
            Err(error) => findings.error(error),
        }
    }
    sequences
}

fn list_split(
    root: &Path,
    split: Split,
    sequences: &mut Vec<SequenceFolder>,
    findings: &mut Findings,
) {
    let path = root.join(split.name());
    let before = (sequences.len(), findings.error_count());
    for (outer_name, outer_path) in folders(&path, findings) {
        for (inner_name, inner_path) in folders(&outer_path, findings) {
            let expected = sequences.first().map(|first| first.frames);
            let counted = count_frames(&inner_path, expected, findings);
            if let Some(frames) = findings.keep(counted) {
                let name = format!("{outer_name}/{inner_name}");
                sequences.push(SequenceFolder { split, name, frames });
            }
        }
    }
    if (sequences.len(), findings.error_count()) == before {
        findings.error(BairError::NoSequences { path });
    }
}

/// Returns names and paths of the folders in a folder, in natural order. A name that is not UTF-8 and two
/// names with the same place in the order are errors.
fn folders(path: &Path, findings: &mut Findings) -> Vec<(String, PathBuf)> {
    let entries = findings.keep(fs::read_dir_visible(path));
    let mut named = Vec::new();
    for entry in entries.unwrap_or_default() {
        match (entry.kind, entry.name.into_string()) {
            (FileKind::Dir, Ok(name)) => named.push((name, entry.path)),
            (FileKind::Dir, Err(_)) => findings.error(DataError::NameNotUtf8 { path: entry.path }),
            _ => findings.warn(not_in_layout(&entry.path)),
        }
    }
    named.sort_by(|(a, _), (b, _)| natural::key(a).cmp(&natural::key(b)));
    named.dedup_by(|(name, path), (kept_name, kept_path)| {
        let same = natural::key(name) == natural::key(kept_name);
        if same {
            let (first, second) = (kept_path.clone(), path.clone());
            findings.error(BairError::SameNumber { first, second });
        }
        same
    });
    named
}

fn not_in_layout(path: &Path) -> String {
    format!("`{}` is not part of the layout and was skipped", path.display())
}

/// Returns the number of frames of a sequence, which must be numbered without a gap.
fn count_frames(
    path: &Path,
    expected: Option<usize>,
    findings: &mut Findings,
) -> Result<usize, DataError> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir_visible(path)? {
        let name = entry.name.to_string_lossy();
        if let Some(stem) = name.strip_suffix(".png") {
            numbers.push(
                frame_number(stem)
                    .ok_or_else(|| BairError::FrameName { path: entry.path.clone() })?,
            );
        } else if !TABLES.contains(&&*name) {
            findings.warn(not_in_layout(&entry.path));
        }
    }
    numbers.sort_unstable();
    let found = numbers.len();
    let path = || path.to_owned();
    if let Some(frame) = (0..found.max(1)).find(|&frame| numbers.get(frame) != Some(&frame)) {
        return Err(BairError::FrameMissing { path: path(), frame }.into());
    }
    if found == 1 {
        return Err(DataError::SingleFrame { path: path() });
    }
    match expected {
        Some(expected) if expected != found => {
            Err(BairError::FrameCount { path: path(), found, expected }.into())
        }
        _ => Ok(found),
    }
}

/// Returns the number of a frame; leading zeros and a sign are refused.
fn frame_number(stem: &str) -> Option<usize> {
    stem.parse().ok().filter(|number: &usize| number.to_string() == stem)
}

/// Decodes a sequence into `buffer`. All files are read, even after an error.
///
/// `shape` is set by the data set's first frame; all others must have it. After an error the content of
/// the buffer is undefined.
fn read_sequence(
    root: &Path,
    folder: &SequenceFolder,
    shape: &mut Option<HwcShape>,
    buffer: &mut SequenceBuffer,
    findings: &mut Findings,
) {
    let SequenceBuffer { frames, actions, positions, sources } = buffer;
    frames.clear();
    sources.clear();
    for (index, file) in folder.files().enumerate() {
        let path = root.join(file);
        let table = index.checked_sub(folder.frames);
        let limit = if table.is_none() { frame::FILE_BYTES_MAX } else { table::FILE_BYTES_MAX };
        let Some((bytes, source)) = findings.keep(source_files::read(&path, limit)) else {
            continue;
        };
        sources.push(source);
        let read = match table {
            None => frame::decode(&bytes, *shape, frames)
                .map(|decoded| *shape = Some(decoded))
                .map_err(|source| BairError::Frame { path, source }),
            Some(table) => {
                let (values, columns) = match table {
                    0 => (&mut *actions, ACTION_SIZE),
                    _ => (&mut *positions, POSITION_SIZE),
                };
                table::parse(&bytes, folder.frames, columns)
                    .map(|parsed| *values = parsed)
                    .map_err(|source| BairError::Table { path, source })
            }
        };
        findings.keep(read);
    }
}
