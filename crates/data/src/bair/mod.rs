//! The folder layout of the BAIR robot-pushing data set, read strictly.
//!
//! ```text
//! ROOT/{train,validate,test}/<folder>/<folder>/0.png 1.png ... actions.csv endeffector_positions.csv
//! ROOT/{train,validate,test}/<folder>/0.png ...
//! ```
//! Frames are PNG or JPEG files, numbered from 0 or 1, with or without leading zeros. If no sequence has
//! tables, there are no actions and positions.
//!
//! [`list`] finds the sequences, [`SequenceReader`] decodes one, [`BairFolder`] makes a pack of all.
//! Folders are in natural order (numbers inside names by value). Side files are skipped and counted; other
//! files that do not belong to the layout are skipped with a warning. Sequences are searched only two
//! folders deep, so links in a circle do no harm.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    error::DataError,
    findings::Findings,
    image_file,
    image_kinds::ImageKinds,
    listing::{self, SideFiles},
    natural,
    origin::Required,
    scale::Scale,
    sequence::{HwcShape, SequenceBuffer},
    source_files, split_folders,
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
    /// Its folders below that of the split, joined by a slash.
    name: String,
    /// Its path relative to the root.
    folder: String,
    /// File names of the frames, in order.
    frames: Vec<String>,
    /// Number of the first frame.
    first: usize,
    /// Which of [`TABLES`] exist.
    tables: [bool; 2],
}

impl SequenceFolder {
    /// Returns the paths of its files relative to the root: frames in order, then the tables.
    fn files(&self, tables: SequenceTables) -> impl Iterator<Item = String> {
        let tables = match tables {
            SequenceTables::Read => TABLES.as_slice(),
            SequenceTables::Absent => &[],
        };
        let names = self.frames.iter().map(String::as_str).chain(tables.iter().copied());
        names.map(|name| format!("{}/{name}", self.folder))
    }
}

/// Whether the sequences have actions and positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SequenceTables {
    Read,
    /// No sequence has a table.
    Absent,
}

/// All sequences: splits in order, folders in natural order.
#[derive(Clone, Debug)]
struct Listing {
    sequences: Vec<SequenceFolder>,
    tables: SequenceTables,
}

impl Listing {
    /// Returns the paths of all files of all sequences relative to the root.
    fn files(&self) -> impl Iterator<Item = String> {
        self.sequences.iter().flat_map(|folder| folder.files(self.tables))
    }
}

/// Returns the data set in a folder, if it has a folder for a split with folders in it.
pub(super) fn detect(root: &Path) -> Result<Option<Dataset>, DataError> {
    for split in Split::ALL {
        let Some(name) = split_folders::find(root, split)? else { continue };
        let path = root.join(name);
        let is_folder = fs::kind(&path)? == Some(FileKind::Dir);
        if is_folder && fs::read_dir_sorted(&path)?.iter().any(|it| it.kind == FileKind::Dir) {
            return Ok(Some(Dataset::bair(root.to_owned())));
        }
    }
    Ok(None)
}

/// Lists all sequences.
fn list(root: &Path, required: Required, findings: &mut Findings) -> Listing {
    let mut listing = Listing { sequences: Vec::new(), tables: SequenceTables::Read };
    if let Ok(None) = fs::kind(root) {
        findings.error(BairError::RootMissing { root: root.to_owned() });
        return listing;
    }
    for split in Split::ALL {
        match split_folders::find(root, split) {
            Ok(Some(folder)) => list_split(root, split, folder, &mut listing.sequences, findings),
            Ok(None) if !required.includes(split) => {
                findings.warn(format!("`{}` has no split `{split}`", root.display()));
            }
            Ok(None) => findings.error(BairError::SplitMissing { root: root.to_owned(), split }),
            Err(error) => findings.error(error),
        }
    }
    let has_tables = listing.sequences.iter().any(|folder| folder.tables.contains(&true));
    if !has_tables && !listing.sequences.is_empty() {
        listing.tables = SequenceTables::Absent;
        let [actions, positions] = TABLES;
        findings.fact("tables", format!("none: no sequence has `{actions}` and `{positions}`"));
    }
    if let Some(first) = listing.sequences.first().filter(|first| first.first > 0) {
        findings.fact("frame numbers", format!("from {}", first.first));
    }
    listing
}

fn list_split(
    root: &Path,
    split: Split,
    folder: &str,
    sequences: &mut Vec<SequenceFolder>,
    findings: &mut Findings,
) {
    let path = root.join(folder);
    let before = (sequences.len(), findings.error_count());
    for (outer_name, outer_path) in folders(&path, OtherFiles::Warned, findings) {
        let inside = folders(&outer_path, OtherFiles::Kept, findings);
        let nested = inside.into_iter().map(|(name, path)| (format!("{outer_name}/{name}"), path));
        let mut nested: Vec<(String, PathBuf)> = nested.collect();
        if nested.is_empty() && !is_empty(&outer_path, findings) {
            // The sequence is one folder below its split.
            nested.push((outer_name, outer_path));
        }
        for (name, path) in nested {
            let listed = list_frames(&path, sequences.first(), findings);
            if let Some(FrameFiles { names, first, tables }) = findings.keep(listed) {
                let (folder, frames) = (format!("{folder}/{name}"), names);
                sequences.push(SequenceFolder { split, name, folder, frames, first, tables });
            }
        }
    }
    if (sequences.len(), findings.error_count()) == before {
        findings.error(BairError::NoSequences { path });
    }
}

fn is_empty(path: &Path, findings: &mut Findings) -> bool {
    let entries = findings.keep(listing::list(path, &mut SideFiles::default()));
    entries.is_none_or(|entries| entries.is_empty())
}

/// What to do about files beside folders.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OtherFiles {
    Warned,
    /// They belong to a sequence.
    Kept,
}

/// Returns names and paths of the folders in a folder, in natural order. A name that is not UTF-8 and two
/// names with the same place in the order are errors.
fn folders(path: &Path, others: OtherFiles, findings: &mut Findings) -> Vec<(String, PathBuf)> {
    let mut side_files = SideFiles::default();
    let entries = findings.keep(listing::list(path, &mut side_files));
    let entries = entries.unwrap_or_default();
    let mut named = Vec::new();
    let has_files = entries.iter().any(|entry| entry.kind != FileKind::Dir);
    for entry in entries {
        match (entry.kind, entry.name.into_string()) {
            (FileKind::Dir, Ok(name)) => named.push((name, entry.path)),
            (FileKind::Dir, Err(_)) => findings.error(DataError::NameNotUtf8 { path: entry.path }),
            _ if others == OtherFiles::Warned => findings.warn(not_in_layout(&entry.path)),
            _ => {}
        }
    }
    if others == OtherFiles::Kept && has_files && !named.is_empty() {
        findings.warn(format!("files beside the folders in `{}` were skipped", path.display()));
    }
    if others == OtherFiles::Warned || !named.is_empty() {
        // The folder of a sequence is listed once more.
        findings.notes.side_files.extend(side_files);
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

/// The files of a sequence.
struct FrameFiles {
    names: Vec<String>,
    first: usize,
    tables: [bool; 2],
}

/// Lists the frames of a sequence, which must be numbered from 0 or 1 without a gap, and its tables.
fn list_frames(
    path: &Path,
    earlier: Option<&SequenceFolder>,
    findings: &mut Findings,
) -> Result<FrameFiles, DataError> {
    let mut numbered: BTreeMap<usize, String> = BTreeMap::new();
    let mut tables = [false; 2];
    for entry in listing::list(path, &mut findings.notes.side_files)? {
        let name = entry.name.to_string_lossy();
        if let Some((stem, _)) = image_file::split_name(&name) {
            let number = frame_number(stem)
                .ok_or_else(|| BairError::FrameName { path: entry.path.clone() })?;
            if let Some(other) = numbered.insert(number, name.clone().into_owned()) {
                let (first, second) = (path.join(other), entry.path);
                return Err(BairError::SameFrame { first, second }.into());
            }
        } else if let Some(table) = TABLES.iter().position(|table| *table == name) {
            tables[table] = true;
        } else {
            findings.warn(not_in_layout(&entry.path));
        }
    }
    let found = numbered.len();
    let (least, path) = (numbered.keys().next().copied(), || path.to_owned());
    let first = usize::from(least == Some(1));
    if let Some(frame) = (first..first + found.max(1)).find(|frame| !numbered.contains_key(frame)) {
        return Err(BairError::FrameMissing { path: path(), frame }.into());
    }
    if found == 1 {
        return Err(DataError::SingleFrame { path: path() });
    }
    if let Some(earlier) = earlier {
        if earlier.first != first {
            let (found, expected) = (first, earlier.first);
            return Err(BairError::FirstFrame { path: path(), found, expected }.into());
        }
        if earlier.frames.len() != found {
            let expected = earlier.frames.len();
            return Err(BairError::FrameCount { path: path(), found, expected }.into());
        }
    }
    Ok(FrameFiles { names: numbered.into_values().collect(), first, tables })
}

/// Returns the number of a frame; leading zeros are accepted, a sign is not.
fn frame_number(stem: &str) -> Option<usize> {
    stem.parse().ok().filter(|_| stem.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What all sequences have in common, collected while they are decoded.
#[derive(Debug, Default)]
struct DecodedFrames {
    /// Set by the first frame; all others must have it.
    shape: Option<HwcShape>,
    kinds: ImageKinds,
}

/// How sequences are decoded.
#[derive(Clone, Copy)]
struct SequenceReader<'a> {
    root: &'a Path,
    tables: SequenceTables,
    scale: Option<Scale>,
}

impl SequenceReader<'_> {
    /// Decodes a sequence into `buffer`. All files are read, even after an error.
    ///
    /// After an error the content of the buffer is undefined.
    fn read(
        self,
        folder: &SequenceFolder,
        decoded: &mut DecodedFrames,
        buffer: &mut SequenceBuffer,
        findings: &mut Findings,
    ) {
        let SequenceBuffer { frames, actions, positions, sources } = buffer;
        frames.clear();
        sources.clear();
        for (index, file) in folder.files(self.tables).enumerate() {
            let path = self.root.join(file);
            let table = index.checked_sub(folder.frames.len());
            let limit = if table.is_none() { frame::FILE_BYTES_MAX } else { table::FILE_BYTES_MAX };
            let Some((bytes, source)) = findings.keep(source_files::read(&path, limit)) else {
                continue;
            };
            sources.push(source);
            let read = match table {
                None => frame::decode(&bytes, self.scale, decoded.shape, frames)
                    .map(|(shape, kind)| {
                        decoded.shape = Some(shape);
                        decoded.kinds.add(kind);
                    })
                    .map_err(|source| BairError::Frame { path, source }),
                Some(table) => {
                    let (values, columns) = match table {
                        0 => (&mut *actions, ACTION_SIZE),
                        _ => (&mut *positions, POSITION_SIZE),
                    };
                    table::parse(&bytes, folder.frames.len(), columns)
                        .map(|parsed| *values = parsed)
                        .map_err(|source| BairError::Table { path, source })
                }
            };
            findings.keep(read);
        }
    }
}
