//! Clips as video files, the layout in which the Weizmann action data are given away, read strictly.
//!
//! ```text
//! ROOT/<person>_<category>.avi      the category is what follows the first underscore
//! ROOT/<category>/<clip>.gif        or the folder
//! ```
//! AVI with Motion JPEG (`avi`) and animated GIF (`gif`) are read. Where a clip is there as both, the
//! AVI file is taken. Frames are scaled to a square as [`resize::square`] does it with [`Fit::Stretch`]:
//! TensorFlow's bicubic interpolation, so nothing is cut off at the sides, and rounded to bytes.
//! [`read`] returns what [`strips::read`](super::strips::read) returns of strips.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    jpeg::Picture,
    resize::{self, Fit},
    strips::{Clip, Clips},
};
use crate::{
    fs::{self, DirEntry, Kind},
    scalar::Count,
};

mod avi;
mod error;
mod gif;

pub use self::avi::{AviFault, FourCc};
pub use self::error::{VideoError, VideoFault};
pub use self::gif::GifFault;

/// Largest video file.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Most bytes of the scaled frames of one clip.
const CLIP_BYTES_MAX: usize = 32 << 20;
/// Most memory for the frames of all clips.
const BYTES_MAX: usize = 1 << 30;

/// How a video is stored; where a clip is there as both, the first is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Container {
    Avi,
    Gif,
}

/// A video file and what it shows; ordered by category, then by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Video {
    category: String,
    /// File name without extension.
    stem: String,
    container: Container,
    path: PathBuf,
}

/// Returns the files that [`read`] reads, in its order.
///
/// # Errors
/// If a folder cannot be listed or a file belongs to no category.
pub fn files(root: &Path) -> Result<Vec<PathBuf>, VideoError> {
    let videos = list(root, &mut Vec::new())?;
    Ok(videos.into_iter().map(|video| video.path).collect())
}

/// Reads all videos of at least `shortest` frames, scaled to `side`; shorter ones are dropped with a
/// warning.
///
/// # Errors
/// At the first file that is broken, and if no clip is left.
pub fn read(root: &Path, side: Count, shortest: Count) -> Result<Clips, VideoError> {
    let mut warnings = Vec::new();
    let videos = list(root, &mut warnings)?;
    let categories: BTreeSet<String> = videos.iter().map(|video| video.category.clone()).collect();
    let categories: Vec<String> = categories.into_iter().collect();
    let mut clips = Vec::new();
    let mut bytes = 0;
    for Video { category, stem, container, path } in videos {
        let file = fs::read(&path, FILE_BYTES_MAX)?;
        let film = decode(&file, container, side.len())
            .map_err(|fault| VideoError::Video { path: path.clone(), fault })?;
        if film.frames < shortest.len() {
            let (path, frames, least) = (path.display(), film.frames, shortest.get());
            warnings
                .push(format!("`{path}` has {frames} frames, fewer than {least}, and was dropped"));
            continue;
        }
        bytes += film.pixels.len();
        if bytes > BYTES_MAX {
            return Err(VideoError::TooMuch { root: root.to_owned(), limit: BYTES_MAX });
        }
        let number = categories.binary_search(&category).expect("every category is listed");
        let name = format!("{category}/{stem}");
        let Film { frames, pixels, .. } = film;
        clips.push(Clip { name, category: number, frames, pixels, path });
    }
    if clips.is_empty() {
        return Err(VideoError::NoClips { root: root.to_owned(), shortest: shortest.get() });
    }
    Ok(Clips { side: side.len(), categories, clips, warnings })
}

/// Scaled frames of a video.
struct Film {
    side: usize,
    frames: usize,
    /// `[T, S, S, 3]`.
    pixels: Vec<u8>,
}

impl Film {
    fn push(&mut self, picture: &Picture) -> Result<(), VideoFault> {
        let scaled = resize::square(picture, Fit::Stretch, [self.side; 2]);
        self.pixels.extend(scaled.into_iter().map(byte));
        self.frames += 1;
        if self.pixels.len() > CLIP_BYTES_MAX { Err(VideoFault::TooLong) } else { Ok(()) }
    }
}

/// Rounds a value to the nearest byte.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is cut off before")]
fn byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

fn decode(file: &[u8], container: Container, side: usize) -> Result<Film, VideoFault> {
    let mut film = Film { side, frames: 0, pixels: Vec::new() };
    let each = |picture: Picture| film.push(&picture);
    match container {
        Container::Avi => avi::read(file, each)?,
        Container::Gif => gif::read(file, each)?,
    }
    Ok(film)
}

/// Lists the videos of a root and of the folders in it.
fn list(root: &Path, warnings: &mut Vec<String>) -> Result<Vec<Video>, VideoError> {
    let mut videos = BTreeSet::new();
    for entry in fs::read_dir_visible(root)? {
        if entry.kind == Kind::Dir {
            let category = text(&entry)?;
            for entry in fs::read_dir_visible(&entry.path)? {
                match named(&entry)? {
                    Some((stem, container)) => {
                        let category = category.clone();
                        videos.insert(Video { category, stem, container, path: entry.path });
                    }
                    None => warnings.push(passed_over(&entry.path, "is no video")),
                }
            }
        } else if let Some((stem, container)) = named(&entry)? {
            let Some((_, category)) = stem.split_once('_') else {
                return Err(VideoError::NoCategory { path: entry.path });
            };
            let category = category.to_owned();
            videos.insert(Video { category, stem, container, path: entry.path });
        } else {
            warnings.push(passed_over(&entry.path, "is no video"));
        }
    }
    let mut kept: Vec<Video> = Vec::new();
    for video in videos {
        match kept.last() {
            Some(last) if (&last.category, &last.stem) == (&video.category, &video.stem) => {
                warnings.push(passed_over(&video.path, "is there in another format, too,"));
            }
            _ => kept.push(video),
        }
    }
    Ok(kept)
}

/// Returns the stem and the container of a file by its name, if it is a video.
fn named(entry: &DirEntry) -> Result<Option<(String, Container)>, VideoError> {
    let name = text(entry)?;
    let Some((stem, extension)) = name.rsplit_once('.') else { return Ok(None) };
    let container = match extension.to_ascii_lowercase().as_str() {
        "avi" => Container::Avi,
        "gif" => Container::Gif,
        _ => return Ok(None),
    };
    Ok(Some((stem.to_owned(), container)))
}

fn text(entry: &DirEntry) -> Result<String, VideoError> {
    let name = entry.name.to_str().map(str::to_owned);
    name.ok_or_else(|| VideoError::NameNotUtf8 { path: entry.path.clone() })
}

fn passed_over(path: &Path, why: &str) -> String {
    format!("`{}` {why} and was passed over", path.display())
}

#[cfg(test)]
mod tests;
