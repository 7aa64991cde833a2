//! Videos as AVI or GIF files, in the layout of the Weizmann action data, read strictly.
//!
//! ```text
//! ROOT/<person>_<category>.avi      the category is the text after the first underscore
//! ROOT/<category>/<video>.gif       the category is the folder
//! ```
//! AVI with Motion JPEG (`avi`) and animated GIF (`gif`) are supported. If a video exists as both, the
//! AVI file is read. Frames are scaled to a square by [`resize::square`] with [`Fit::Stretch`], which
//! is TensorFlow's bicubic interpolation without cropping, and rounded to bytes. [`read`] returns the
//! same type as [`strips::read`](super::strips::read).

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    resize::{self, Fit},
    rgb_image::RgbImage,
    video_set::{Video, VideoSet},
};
use reprise_base::{
    fs::{self, DirEntry, FileKind},
    scalar::Count,
};

mod avi;
mod error;
mod gif;

pub use self::avi::{AviError, FourCc};
use self::error::VIDEO_BYTES_MAX;
pub use self::error::{VideoError, VideoFormatError};
pub use self::gif::GifError;

/// Largest video file in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Largest size of the frames of all videos in bytes.
const BYTES_MAX: usize = 1 << 30;

/// A file format; if a video exists in both, the first one is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Container {
    Avi,
    Gif,
}

/// A video file; ordered by category, then by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct VideoFile {
    category: String,
    /// File name without extension.
    stem: String,
    container: Container,
    path: PathBuf,
}

/// Returns the files that [`read`] reads, in the same order.
///
/// # Errors
/// If a folder cannot be listed or a file has no category.
pub fn files(root: &Path) -> Result<Vec<PathBuf>, VideoError> {
    let videos = list(root, &mut Vec::new())?;
    Ok(videos.into_iter().map(|video| video.path).collect())
}

/// Reads all videos of at least `shortest` frames, scaled to `side`; skips shorter ones with a warning.
///
/// # Errors
/// If a file is invalid, or if no video is left.
pub fn read(root: &Path, side: Count, shortest: Count) -> Result<VideoSet, VideoError> {
    let mut warnings = Vec::new();
    let files = list(root, &mut warnings)?;
    let categories: BTreeSet<String> = files.iter().map(|file| file.category.clone()).collect();
    let categories: Vec<String> = categories.into_iter().collect();
    let mut videos = Vec::new();
    let mut bytes = 0;
    for VideoFile { category, stem, container, path } in files {
        let file = fs::read(&path, FILE_BYTES_MAX)?;
        let ScaledFrames { frames, pixels, .. } = decode(&file, container, side.len())
            .map_err(|source| VideoError::Video { path: path.clone(), source })?;
        if frames < shortest.len() {
            let (path, least) = (path.display(), shortest.get());
            warnings.push(format!("skipped `{path}`: it has {frames} frames, fewer than {least}"));
            continue;
        }
        bytes += pixels.len();
        if bytes > BYTES_MAX {
            return Err(VideoError::TooLarge { root: root.to_owned(), limit: BYTES_MAX });
        }
        let number = categories.binary_search(&category).expect("every category is listed");
        let name = format!("{category}/{stem}");
        videos.push(Video { name, category: number, frames, pixels, path });
    }
    if videos.is_empty() {
        return Err(VideoError::NoVideos { root: root.to_owned(), shortest: shortest.get() });
    }
    Ok(VideoSet { side: side.len(), categories, videos, warnings })
}

/// Scaled frames of a video.
struct ScaledFrames {
    side: usize,
    frames: usize,
    /// `[T, S, S, 3]`.
    pixels: Vec<u8>,
}

impl ScaledFrames {
    fn push(&mut self, image: &RgbImage) -> Result<(), VideoFormatError> {
        let scaled = resize::square(image, Fit::Stretch, [self.side; 2]);
        self.pixels.extend(scaled.into_iter().map(byte));
        self.frames += 1;
        if self.pixels.len() > VIDEO_BYTES_MAX { Err(VideoFormatError::TooLong) } else { Ok(()) }
    }
}

/// Rounds a value to the nearest byte.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is clamped")]
fn byte(value: f32) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

fn decode(
    file: &[u8],
    container: Container,
    side: usize,
) -> Result<ScaledFrames, VideoFormatError> {
    let mut scaled = ScaledFrames { side, frames: 0, pixels: Vec::new() };
    let each = |image: RgbImage| scaled.push(&image);
    match container {
        Container::Avi => avi::read(file, each)?,
        Container::Gif => gif::read(file, each)?,
    }
    Ok(scaled)
}

/// Lists the videos in a root and in its folders.
fn list(root: &Path, warnings: &mut Vec<String>) -> Result<Vec<VideoFile>, VideoError> {
    let mut videos = BTreeSet::new();
    for entry in fs::read_dir_visible(root)? {
        if entry.kind == FileKind::Dir {
            let category = name(&entry)?;
            for entry in fs::read_dir_visible(&entry.path)? {
                match named(&entry)? {
                    Some((stem, container)) => {
                        let category = category.clone();
                        videos.insert(VideoFile { category, stem, container, path: entry.path });
                    }
                    None => warnings.push(skipped(&entry.path, "not a video")),
                }
            }
        } else if let Some((stem, container)) = named(&entry)? {
            let Some((_, category)) = stem.split_once('_') else {
                return Err(VideoError::NoCategory { path: entry.path });
            };
            let category = category.to_owned();
            videos.insert(VideoFile { category, stem, container, path: entry.path });
        } else {
            warnings.push(skipped(&entry.path, "not a video"));
        }
    }
    let mut kept: Vec<VideoFile> = Vec::new();
    for video in videos {
        match kept.last() {
            Some(last) if (&last.category, &last.stem) == (&video.category, &video.stem) => {
                let why = format!("duplicate of `{}`", last.path.display());
                warnings.push(skipped(&video.path, &why));
            }
            _ => kept.push(video),
        }
    }
    Ok(kept)
}

/// Returns the stem and the format of a file by its name, `None` if it is not a video.
fn named(entry: &DirEntry) -> Result<Option<(String, Container)>, VideoError> {
    let name = name(entry)?;
    let Some((stem, extension)) = name.rsplit_once('.') else { return Ok(None) };
    let container = match extension.to_ascii_lowercase().as_str() {
        "avi" => Container::Avi,
        "gif" => Container::Gif,
        _ => return Ok(None),
    };
    Ok(Some((stem.to_owned(), container)))
}

fn name(entry: &DirEntry) -> Result<String, VideoError> {
    let name = entry.name.to_str().map(str::to_owned);
    name.ok_or_else(|| VideoError::NameNotUtf8 { path: entry.path.clone() })
}

fn skipped(path: &Path, why: &str) -> String {
    format!("skipped `{}`: {why}", path.display())
}

#[cfg(test)]
mod tests;
