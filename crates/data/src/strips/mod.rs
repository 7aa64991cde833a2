//! Videos as image strips, the layout of sergeytulyakov/mocogan `data.py` at 937a99d, read strictly.
//!
//! ```text
//! ROOT/<category>/<video>.png    frames side by side or one below the other; each is a square whose
//!                                side is the strip's shorter edge
//! ```
//! Categories are numbered by their names in text order, as torchvision numbers them. Videos may
//! differ in length; [`read`] returns all of them in memory. [`sample`] chooses the frames for
//! training; [`split`] keeps related videos in one split.
//!
//! Stricter than the original: a strip is an 8-bit RGB PNG, its longer edge is a whole number of
//! frames, at least two, and all frames have one size, since nothing is scaled here.

use std::path::{Path, PathBuf};

use super::video_set::{Video, VideoSet};
use reprise_base::{
    fs::{self, DirEntry, FileKind},
    scalar::Count,
};

mod error;
pub mod sample;
pub mod split;
mod strip;

pub use error::{StripError, StripFormatError};
use strip::{DecodedStrip, is_image};

/// Largest size of the pixels of all videos in bytes.
const BYTES_MAX: usize = 1 << 30;

/// Returns the files that [`read`] reads, in the same order.
///
/// # Errors
/// If a folder cannot be listed or a strip belongs to no category.
pub fn files(root: &Path) -> Result<Vec<PathBuf>, StripError> {
    let mut files = Vec::new();
    for (_, path) in categories(root, &mut Vec::new())? {
        files.extend(strips(&path, &mut Vec::new())?.into_iter().map(|(_, path)| path));
    }
    Ok(files)
}

/// Reads all videos of at least `shortest` frames (`min_len`, 32 in the original); skips shorter ones
/// with a warning.
///
/// # Errors
/// If a strip is invalid or differs from the others in frame size, or if no video is left.
pub fn read(root: &Path, shortest: Count) -> Result<VideoSet, StripError> {
    let mut read = VideoSet { side: 0, categories: vec![], videos: vec![], warnings: vec![] };
    let mut bytes = 0;
    for (name, path) in categories(root, &mut read.warnings)? {
        let category = read.categories.len();
        for (file, path) in strips(&path, &mut read.warnings)? {
            let name = format!("{name}/{file}");
            let DecodedStrip { side, frames, pixels } = strip::read(&path)?;
            if read.side != 0 && read.side != side {
                let (found, expected) = (side, read.side);
                return Err(StripError::Side { path, found, expected });
            }
            read.side = side;
            if frames < shortest.len() {
                let least = shortest.get();
                let path = path.display();
                read.warnings
                    .push(format!("skipped `{path}`: it has {frames} frames, fewer than {least}"));
                continue;
            }
            bytes += pixels.len();
            if bytes > BYTES_MAX {
                return Err(StripError::TooLarge { root: root.to_owned(), limit: BYTES_MAX });
            }
            read.videos.push(Video { name, category, frames, pixels, path });
        }
        read.categories.push(name);
    }
    if read.videos.is_empty() {
        return Err(StripError::NoVideos { root: root.to_owned(), shortest: shortest.get() });
    }
    Ok(read)
}

/// Lists the category folders of a root; a strip beside them is an error.
fn categories(
    root: &Path,
    warnings: &mut Vec<String>,
) -> Result<Vec<(String, PathBuf)>, StripError> {
    let mut found = Vec::new();
    for entry in fs::read_dir_visible(root)? {
        match entry.kind {
            FileKind::Dir => found.push((name(&entry)?, entry.path)),
            _ if is_image(&entry.path) => {
                return Err(StripError::NoCategory { path: entry.path });
            }
            _ => warnings.push(skipped(&entry)),
        }
    }
    Ok(found)
}

/// Lists the strips of a category with the stems of their file names.
fn strips(
    category: &Path,
    warnings: &mut Vec<String>,
) -> Result<Vec<(String, PathBuf)>, StripError> {
    let mut found = Vec::new();
    for entry in fs::read_dir_visible(category)? {
        if is_image(&entry.path) {
            let name = name(&entry)?;
            let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem).to_owned();
            found.push((stem, entry.path));
        } else {
            warnings.push(skipped(&entry));
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
