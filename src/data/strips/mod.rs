//! Clips as picture strips, the layout of sergeytulyakov/mocogan `data.py` at 937a99d, read strictly.
//!
//! ```text
//! ROOT/<category>/<clip>.png     frames side by side, or one below the other; each is a square whose
//!                                side is the strip's shorter edge
//! ```
//! Categories are numbered in the order of their names as text, as torchvision numbers them. Clips may
//! differ in length; [`read`] returns all of them in memory. [`sample`] says which frames training sees,
//! [`split`] keeps what belongs together in one split.
//!
//! Stricter than the original: a strip is 8-bit RGB in PNG, its longer edge is a whole number of frames,
//! one frame is no clip, and all frames have one size, since nothing is scaled here.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::{
    data::CHANNELS,
    fs::{self, DirEntry, Kind},
    scalar::Count,
};

mod error;
mod picture;
pub mod sample;
pub mod split;

pub use error::{PictureFault, StripError};
use picture::Picture;

/// Most memory for the pixels of all clips.
const BYTES_MAX: usize = 1 << 30;

/// All clips of a folder.
#[derive(Debug)]
pub struct Clips {
    /// Height and width of every frame.
    pub side: usize,
    /// Names of the categories; a clip's category is an index of this list.
    pub categories: Vec<String>,
    /// The clips, category by category, each in the order of file names.
    pub clips: Vec<Clip>,
    /// What was passed over.
    pub warnings: Vec<String>,
}

/// One clip.
#[derive(Debug)]
pub struct Clip {
    /// Category and file name without extension, joined by a slash.
    pub name: String,
    /// Index of its category.
    pub category: usize,
    /// Number of frames, at least two.
    pub frames: usize,
    /// Pixels, `[T, S, S, 3]`.
    pub pixels: Vec<u8>,
    /// The file it was read from.
    pub path: PathBuf,
}

impl Clip {
    /// Returns who is seen, by the file's name: what stands before its first underscore.
    pub fn person(&self) -> &str {
        let file = self.name.rsplit('/').next().unwrap_or(&self.name);
        file.split('_').next().unwrap_or(file)
    }

    /// Returns one frame, `[S, S, 3]`.
    ///
    /// # Panics
    /// If there is no such frame.
    pub fn frame(&self, index: usize) -> &[u8] {
        let bytes = self.pixels.len() / self.frames;
        &self.pixels[index * bytes..(index + 1) * bytes]
    }

    /// Returns the SHA-256 of the pixels.
    fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.pixels).into()
    }

    /// Returns the SHA-256 of the pixels with left and right exchanged.
    fn mirrored_digest(&self, side: usize) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for row in self.pixels.chunks(side * CHANNELS) {
            for pixel in row.chunks(CHANNELS).rev() {
                hasher.update(pixel);
            }
        }
        hasher.finalize().into()
    }
}

impl Clips {
    /// Returns the frames of each clip.
    pub fn lengths(&self) -> Vec<usize> {
        self.clips.iter().map(|clip| clip.frames).collect()
    }
}

/// Returns the files that [`read`] reads, in its order.
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

/// Reads all clips of at least `shortest` frames (`min_len`, 32 in the original); shorter ones are
/// dropped with a warning.
///
/// # Errors
/// At the first strip that is broken or does not fit the others, and if no clip is left.
pub fn read(root: &Path, shortest: Count) -> Result<Clips, StripError> {
    let mut read = Clips { side: 0, categories: vec![], clips: vec![], warnings: vec![] };
    let mut bytes = 0;
    for (name, path) in categories(root, &mut read.warnings)? {
        let category = read.categories.len();
        for (file, path) in strips(&path, &mut read.warnings)? {
            let name = format!("{name}/{file}");
            let Picture { side, frames, pixels } = picture::read(&path)?;
            if read.side != 0 && read.side != side {
                let (found, expected) = (side, read.side);
                return Err(StripError::Side { path, found, expected });
            }
            read.side = side;
            if frames < shortest.len() {
                let least = shortest.get();
                let path = path.display();
                read.warnings.push(format!(
                    "`{path}` has {frames} frames, fewer than {least}, and was dropped"
                ));
                continue;
            }
            bytes += pixels.len();
            if bytes > BYTES_MAX {
                return Err(StripError::TooMuch { root: root.to_owned(), limit: BYTES_MAX });
            }
            read.clips.push(Clip { name, category, frames, pixels, path });
        }
        read.categories.push(name);
    }
    if read.clips.is_empty() {
        return Err(StripError::NoClips { root: root.to_owned(), shortest: shortest.get() });
    }
    Ok(read)
}

/// Lists the folders of a root; a strip beside them has no category.
fn categories(
    root: &Path,
    warnings: &mut Vec<String>,
) -> Result<Vec<(String, PathBuf)>, StripError> {
    let mut found = Vec::new();
    for entry in fs::read_dir_visible(root)? {
        match entry.kind {
            Kind::Dir => found.push((text(&entry)?, entry.path)),
            _ if Picture::is_named(&entry.path) => {
                return Err(StripError::NoCategory { path: entry.path });
            }
            _ => warnings.push(passed_over(&entry)),
        }
    }
    Ok(found)
}

/// Lists the strips of a category by the stem of their file names.
fn strips(
    category: &Path,
    warnings: &mut Vec<String>,
) -> Result<Vec<(String, PathBuf)>, StripError> {
    let mut found = Vec::new();
    for entry in fs::read_dir_visible(category)? {
        if Picture::is_named(&entry.path) {
            let name = text(&entry)?;
            let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem).to_owned();
            found.push((stem, entry.path));
        } else {
            warnings.push(passed_over(&entry));
        }
    }
    Ok(found)
}

fn text(entry: &DirEntry) -> Result<String, StripError> {
    let name = entry.name.to_str().map(str::to_owned);
    name.ok_or_else(|| StripError::NameNotUtf8 { path: entry.path.clone() })
}

fn passed_over(entry: &DirEntry) -> String {
    format!("`{}` is no strip and was passed over", entry.path.display())
}

#[cfg(test)]
mod tests;
