//! Videos as image strips, the layout of sergeytulyakov/mocogan `data.py` at 937a99d, read strictly.
//!
//! ```text
//! ROOT/<category>/<video>.png    frames side by side or one below the other; each is a square whose
//!                                side is the strip's shorter edge
//! ```
//! Categories are numbered by their names in text order, as torchvision numbers them. Videos may
//! differ in length; `read` returns all of them in memory. [`sample`] chooses the frames for
//! training; [`split`] keeps related videos in one split.
//!
//! Stricter than the original: the longer edge of a strip is a whole number of frames, at least two, and all
//! frames have one size. Strips are PNG or JPEG files, whatever their extension: MoCoGAN's own `actions` are
//! PNG files named `.jpg`.

use std::path::{Path, PathBuf};

use super::{
    findings::Findings,
    image_file::split_name,
    image_kinds::ImageKinds,
    listing::list,
    scale::Scale,
    video_set::{ShortVideos, Video, VideoSet, person},
};
use reprise_base::{
    fs::{DirEntry, FileKind},
    scalar::Count,
};

mod error;
pub mod sample;
pub mod split;
mod strip;

pub use error::{StripError, StripFormatError};
use strip::DecodedStrip;

/// Largest size of the pixels of all videos in bytes.
const BYTES_MAX: usize = 1 << 30;

/// Returns the files that `read` reads, in the same order.
///
/// # Errors
/// If a folder cannot be listed or a strip belongs to no category.
pub fn files(root: &Path) -> Result<Vec<PathBuf>, StripError> {
    let mut files = Vec::new();
    let unused = &mut Findings::default();
    for (_, path) in categories(root, unused)? {
        files.extend(strips(&path, unused)?.into_iter().map(|(_, path)| path));
    }
    Ok(files)
}

/// Reads all videos of at least `shortest` frames (`min_len`, 32 in the original); skips shorter ones
/// with a warning.
///
/// # Errors
/// If a strip is invalid or differs from the others in frame size, or if no video is left.
pub(super) fn read(
    root: &Path,
    shortest: Count,
    scale: Option<Scale>,
    findings: &mut Findings,
) -> Result<VideoSet, StripError> {
    let mut read = VideoSet { side: 0, categories: vec![], videos: vec![] };
    let (mut kinds, mut short) = (ImageKinds::default(), ShortVideos::default());
    let mut bytes = 0;
    for (name, path) in categories(root, findings)? {
        let category = read.categories.len();
        for (file, path) in strips(&path, findings)? {
            let (name, person) = (format!("{name}/{file}"), person(&file));
            let (DecodedStrip { side, frames, pixels }, kind) = strip::read(&path, scale)?;
            kinds.add(kind);
            if read.side != 0 && read.side != side {
                let (found, expected) = (side, read.side);
                return Err(StripError::Side { path, found, expected });
            }
            read.side = side;
            if frames < shortest.len() {
                short.add(path, frames);
                continue;
            }
            bytes += pixels.len();
            if bytes > BYTES_MAX {
                return Err(StripError::TooLarge { root: root.to_owned(), limit: BYTES_MAX });
            }
            read.videos.push(Video { name, category, person, frames, pixels, path });
        }
        read.categories.push(name);
    }
    if read.videos.is_empty() {
        return Err(StripError::NoVideos { root: root.to_owned(), shortest: shortest.get() });
    }
    kinds.describe(findings);
    short.describe(shortest, findings);
    read.describe(findings);
    Ok(read)
}

/// Lists the category folders of a root; a strip beside them is an error.
fn categories(root: &Path, findings: &mut Findings) -> Result<Vec<(String, PathBuf)>, StripError> {
    let mut found = Vec::new();
    for entry in list(root, &mut findings.notes.side_files)? {
        match entry.kind {
            FileKind::Dir => found.push((name(&entry)?, entry.path)),
            _ if split_name(&entry.name.to_string_lossy()).is_some() => {
                return Err(StripError::NoCategory { path: entry.path });
            }
            _ => findings.warn(skipped(&entry)),
        }
    }
    Ok(found)
}

/// Lists the strips of a category with the stems of their file names.
fn strips(category: &Path, findings: &mut Findings) -> Result<Vec<(String, PathBuf)>, StripError> {
    let mut found = Vec::new();
    for entry in list(category, &mut findings.notes.side_files)? {
        match split_name(&name(&entry)?) {
            Some((stem, _)) => found.push((stem.to_owned(), entry.path)),
            None => findings.warn(skipped(&entry)),
        }
    }
    Ok(found)
}

fn name(entry: &DirEntry) -> Result<String, StripError> {
    let name = entry.name.to_str().map(str::to_owned);
    name.ok_or_else(|| StripError::NameNotUtf8 { path: entry.path.clone() })
}

fn skipped(entry: &DirEntry) -> String {
    format!("skipped `{}`: not a strip", entry.path.display())
}

#[cfg(test)]
mod tests;
