//! The folder layout of the BAIR robot-pushing data set, read strictly.
//!
//! ```text
//! ROOT/{train,validate,test}/<directory>/<directory>/0.png 1.png ... actions.csv endeffector_positions.csv
//! ```
//! [`list`] finds the sequences, [`read_sequence`] decodes one. The order of directories is natural
//! (numbers inside names by value), whatever the file system says. Hidden entries are passed over;
//! other files that do not belong to the layout are passed over with a warning. Directories are
//! entered to a fixed depth, so that links in a circle end.

use std::path::{Path, PathBuf};

use super::{
    Split,
    error::{DataError, Findings},
    natural,
    source_files::{self, Source},
};
use crate::fs::{self, FileKind};

mod frame;
mod table;

pub use frame::{FrameFault, FrameShape};
pub use table::TableFault;

/// Numbers of an action.
pub(super) const ACTION_SIZE: usize = 4;
/// Numbers of a position of the end effector.
pub(super) const POSITION_SIZE: usize = 3;

/// The tables of a sequence, which stand after its frames in the order of source files.
const TABLES: [&str; 2] = ["actions.csv", "endeffector_positions.csv"];

/// Which splits a data root must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    /// All three.
    AllSplits,
    /// `train`; the others may be missing and are then empty.
    TrainOnly,
}

/// A sequence's place in the layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SequenceFolder {
    /// The split it belongs to.
    pub(super) split: Split,
    /// Its two directories, joined by a slash.
    pub(super) name: String,
    /// Number of frames.
    pub(super) frames: usize,
}

impl SequenceFolder {
    /// Returns the paths of its files relative to the root: frames in order, then the tables.
    pub(super) fn files(&self) -> impl Iterator<Item = String> {
        let folder = format!("{}/{}", self.split, self.name);
        let tables = TABLES.map(|table| format!("{folder}/{table}"));
        (0..self.frames).map(move |frame| format!("{folder}/{frame}.png")).chain(tables)
    }
}

/// A decoded sequence; reused from one sequence to the next.
#[derive(Debug, Default)]
pub(super) struct SequenceBuffer {
    /// Pixels, `[T, H, W, C]`.
    pub(super) frames: Vec<u8>,
    /// Actions, `[T, 4]`.
    pub(super) actions: Vec<f32>,
    /// Positions, `[T, 3]`.
    pub(super) positions: Vec<f32>,
    /// The files it was read from, in the order of [`SequenceFolder::files`].
    pub(super) sources: Vec<Source>,
}

/// Lists all sequences: splits in order, directories in natural order.
pub(super) fn list(
    root: &Path,
    required: Required,
    findings: &mut Findings,
) -> Vec<SequenceFolder> {
    let mut sequences = Vec::new();
    for split in Split::ALL {
        match fs::kind(&root.join(split.name())) {
            Ok(Some(_)) => list_split(root, split, &mut sequences, findings),
            Ok(None) if split != Split::Train && required == Required::TrainOnly => {
                findings.warn(format!("there is no split `{split}` in `{}`", root.display()));
            }
            Ok(None) => findings.error(DataError::SplitMissing { root: root.to_owned(), split }),
            Err(error) => findings.error(error.into()),
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
    for (outer_name, outer_path) in directories(&path, findings) {
        for (inner_name, inner_path) in directories(&outer_path, findings) {
            let expected = sequences.first().map(|first| first.frames);
            let counted = count_frames(&inner_path, expected, findings);
            if let Some(frames) = findings.keep(counted) {
                let name = format!("{outer_name}/{inner_name}");
                sequences.push(SequenceFolder { split, name, frames });
            }
        }
    }
    if (sequences.len(), findings.error_count()) == before {
        findings.error(DataError::NoSequences { path });
    }
}

/// Returns names and paths of the directories in a directory, in natural order; what cannot be ordered or
/// named is an error.
fn directories(path: &Path, findings: &mut Findings) -> Vec<(String, PathBuf)> {
    let entries = findings.keep(fs::read_dir_visible(path).map_err(DataError::from));
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
            findings.error(DataError::SameNumber { first, second });
        }
        same
    });
    named
}

fn not_in_layout(path: &Path) -> String {
    format!("`{}` is not part of the layout and was passed over", path.display())
}

/// Returns how many frames a sequence has if they are numbered without a gap.
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
                    .ok_or_else(|| DataError::FrameName { path: entry.path.clone() })?,
            );
        } else if !TABLES.contains(&&*name) {
            findings.warn(not_in_layout(&entry.path));
        }
    }
    numbers.sort_unstable();
    let found = numbers.len();
    let path = || path.to_owned();
    if let Some(frame) = (0..found.max(1)).find(|&frame| numbers.get(frame) != Some(&frame)) {
        return Err(DataError::FrameMissing { path: path(), frame });
    }
    if found == 1 {
        return Err(DataError::SingleFrame { path: path() });
    }
    match expected {
        Some(expected) if expected != found => {
            Err(DataError::FrameCount { path: path(), found, expected })
        }
        _ => Ok(found),
    }
}

/// Returns the number of a frame; `007` is not how a number is written.
fn frame_number(stem: &str) -> Option<usize> {
    stem.parse().ok().filter(|number: &usize| number.to_string() == stem)
}

/// Decodes a sequence into `buffer`; every file is read, however many are broken.
///
/// `shape` is that of the data set's first frame and is set by it. After an error the buffer's
/// content means nothing.
pub(super) fn read_sequence(
    root: &Path,
    folder: &SequenceFolder,
    shape: &mut Option<FrameShape>,
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
                .map_err(|fault| DataError::Frame { path, fault }),
            Some(table) => {
                let (values, columns) = match table {
                    0 => (&mut *actions, ACTION_SIZE),
                    _ => (&mut *positions, POSITION_SIZE),
                };
                table::parse(&bytes, folder.frames, columns)
                    .map(|parsed| *values = parsed)
                    .map_err(|fault| DataError::Table { path, fault })
            }
        };
        findings.keep(read);
    }
}
