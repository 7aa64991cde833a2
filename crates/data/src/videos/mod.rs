//! Videos as AVI or GIF files in categories, read strictly.
//!
//! AVI with Motion JPEG or uncompressed RGB (`avi`) and animated GIF (`gif`) are supported; `names` tells
//! category and person from a path. If a video exists as both, the AVI file is read. Frames are scaled to a
//! square by [`resize::square`] with [`Fit::Stretch`], which is TensorFlow's bicubic interpolation without
//! cropping, and rounded to bytes. The result has the type that strips have, too.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    findings::Findings,
    listing,
    resize::{self, Fit},
    rgb_image::{CHANNELS, RgbImage, nearest_byte},
    video_set::{ShortVideos, Video, VideoSet},
};
use reprise_base::{
    config::{data::VideoTiming, video_names::NamePattern},
    fs::{self, DirEntry, FileKind},
    scalar::Count,
    text::{count, quoted_list},
};

mod avi;
mod error;
mod file;
mod gif;
mod names;
mod times;

use self::avi::AviStream;
pub use self::avi::{AviError, FourCc};
use self::error::VIDEO_BYTES_MAX;
pub use self::error::{VideoError, VideoFormatError};
use self::file::{Container, VideoFile};
pub use self::gif::GifError;
use self::names::{NoName, VideoName, names};
use self::times::FrameTimes;

/// Largest video file in bytes.
const FILE_BYTES_MAX: u64 = 4 << 30;
/// Largest size of the frames of all videos in bytes.
const BYTES_MAX: usize = 1 << 30;

/// Extensions of video files that are read.
pub(super) const EXTENSIONS: [&str; 2] = ["avi", "gif"];
/// Extensions of video files that are not read, but named.
pub(super) const OTHER_EXTENSIONS: [&str; 9] =
    ["mp4", "m4v", "mov", "mkv", "webm", "mpg", "mpeg", "wmv", "flv"];

/// Bytes from the start of a video file in which the name of its codec is looked for.
const CODEC_BYTES: u64 = 1 << 20;
/// Codecs by the letters that a file contains.
const CODECS: [(&[u8; 4], &str); 6] = [
    (b"avc1", "H.264"),
    (b"hvc1", "H.265"),
    (b"hev1", "H.265"),
    (b"av01", "AV1"),
    (b"vp09", "VP9"),
    (b"mp4v", "MPEG-4 Part 2"),
];

/// How videos are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct VideoSettings<'a> {
    /// Height and width to which frames are scaled.
    pub(super) side: Count,
    /// Shorter videos are skipped with a warning.
    pub(super) shortest: Count,
    pub(super) names: Option<&'a NamePattern>,
    pub(super) timing: VideoTiming,
}

/// Returns the files that [`read`] reads, in the same order.
///
/// # Errors
/// If a folder cannot be listed or has no video.
pub(super) fn files(root: &Path) -> Result<Vec<PathBuf>, VideoError> {
    let videos = list(root, &mut Findings::default())?;
    Ok(videos.into_iter().map(|video| video.path).collect())
}

/// Reads all videos.
///
/// # Errors
/// If a file is invalid, or if no video is long enough.
pub(super) fn read(
    root: &Path,
    settings: VideoSettings<'_>,
    findings: &mut Findings,
) -> Result<VideoSet, VideoError> {
    let VideoSettings { side, shortest, names: pattern, timing } = settings;
    let files = list(root, findings)?;
    let names = names(&files, pattern, findings).map_err(|(place, why)| {
        let path = files[place].path.clone();
        match (why, pattern) {
            (NoName::Pattern, Some(pattern)) => {
                VideoError::NoMatch { path, pattern: pattern.to_string() }
            }
            _ => VideoError::NoCategory { path },
        }
    })?;
    let categories: BTreeSet<String> = names.iter().map(|name| name.category.clone()).collect();
    let categories: Vec<String> = categories.into_iter().collect();
    let mut named: Vec<(VideoName, VideoFile)> = names.into_iter().zip(files).collect();
    named.sort_by(|(a, _), (b, _)| a.category.cmp(&b.category));
    let mut seen: BTreeMap<String, PathBuf> = BTreeMap::new();
    let frame_bytes = side.len() * side.len() * CHANNELS;
    let mut decoded: Vec<(Video, FrameTimes)> = Vec::new();
    let mut bytes = 0;
    for (VideoName { category, person }, file) in named {
        let VideoFile { stem, container, path, .. } = file;
        let name = format!("{category}/{stem}");
        if let Some(first) = seen.insert(name.clone(), path.clone()) {
            return Err(VideoError::SameName { first, second: path });
        }
        let content = fs::map_limited(&path, FILE_BYTES_MAX)?;
        let (pixels, times) = decode(&content, container, side.len())
            .map_err(|source| VideoError::Video { path: path.clone(), source })?;
        bytes += pixels.len();
        let category = categories.binary_search(&category).expect("every category is listed");
        let frames = pixels.len() / frame_bytes;
        decoded.push((Video { name, category, person, frames, pixels, path }, times));
        check_bytes(root, bytes)?;
    }
    if timing == VideoTiming::Expand {
        let unit = times::unit(decoded.iter().map(|(_, times)| times));
        let mut bytes = 0;
        for (video, times) in &mut decoded {
            let expanded = times.expand(unit, &mut video.pixels, frame_bytes);
            expanded.map_err(|source| VideoError::Video { path: video.path.clone(), source })?;
            video.frames = video.pixels.len() / frame_bytes;
            bytes += video.pixels.len();
            check_bytes(root, bytes)?;
        }
    }
    times::describe(&decoded, timing, findings);
    let longest = decoded.iter().map(|(video, _)| video.frames).max().unwrap_or_default();
    let mut short = ShortVideos::default();
    let is_long = |video: &Video| video.frames >= shortest.len();
    let (found, others): (Vec<Video>, Vec<Video>) =
        decoded.into_iter().map(|(video, _)| video).partition(is_long);
    for video in others {
        short.add(video.path, video.frames);
    }
    short.describe(shortest, findings);
    if found.is_empty() {
        let (root, shortest) = (root.to_owned(), shortest.get());
        return Err(VideoError::NoVideos { root, shortest, longest });
    }
    let set = VideoSet { side: side.len(), categories, videos: found };
    set.describe(findings);
    Ok(set)
}

fn check_bytes(root: &Path, bytes: usize) -> Result<(), VideoError> {
    if bytes > BYTES_MAX {
        Err(VideoError::TooLarge { root: root.to_owned(), limit: BYTES_MAX })
    } else {
        Ok(())
    }
}

/// Decodes a file; frames are scaled to squares and concatenated.
fn decode(
    file: &[u8],
    container: Container,
    side: usize,
) -> Result<(Vec<u8>, FrameTimes), VideoFormatError> {
    let mut pixels = Vec::new();
    let mut add = |image: &RgbImage| {
        let scaled = resize::square(image, Fit::Stretch, [side; 2]);
        pixels.extend(scaled.into_iter().map(nearest_byte));
        if pixels.len() > VIDEO_BYTES_MAX { Err(VideoFormatError::TooLong) } else { Ok(()) }
    };
    let times = match container {
        Container::Avi => {
            let AviStream { rate, repeated } = avi::read(file, |image| add(&image))?;
            FrameTimes::Even { rate, repeated }
        }
        Container::Gif => {
            let mut delays = Vec::new();
            gif::read(file, |image, delay| {
                delays.push(delay);
                add(&image)
            })?;
            FrameTimes::Delays(delays)
        }
    };
    Ok((pixels, times))
}

/// Decodes bytes as every kind of file.
#[cfg(fuzzing)]
pub(super) fn fuzz(file: &[u8]) {
    for container in [Container::Avi, Container::Gif] {
        if let Ok((mut pixels, times)) = decode(file, container, 8) {
            let unit = times::unit([&times].into_iter());
            let expanded = times.expand(unit, &mut pixels, 8 * 8 * CHANNELS);
            assert!(expanded.is_err() || pixels.len().is_multiple_of(8 * 8 * CHANNELS));
        }
    }
}

/// Lists the videos in a root and in its folders.
fn list(root: &Path, findings: &mut Findings) -> Result<Vec<VideoFile>, VideoError> {
    let mut videos = BTreeSet::new();
    let (mut others, mut skipped) = (Vec::new(), Vec::new());
    for entry in listing::list(root, &mut findings.notes.side_files)? {
        if entry.kind == FileKind::Dir {
            let folder = Some(name(&entry)?);
            for entry in listing::list(&entry.path, &mut findings.notes.side_files)? {
                add(entry, folder.clone(), &mut videos, &mut others, &mut skipped)?;
            }
        } else {
            add(entry, None, &mut videos, &mut others, &mut skipped)?;
        }
    }
    if let Some(first) = others.first() {
        if videos.is_empty() {
            return Err(other_container(root, first, &others)?);
        }
        let (number, first) = (count(others.len(), "video"), first.display());
        findings.warn(format!("skipped {number} that are neither AVI nor GIF, first `{first}`"));
    }
    if let Some(first) = skipped.first() {
        let (files, first) = (count(skipped.len(), "file"), first.display());
        findings.warn(format!("skipped {files} that are not videos, first `{first}`"));
    }
    let mut kept: Vec<VideoFile> = Vec::new();
    for video in videos {
        match kept.last() {
            Some(last) if (&last.folder, &last.stem) == (&video.folder, &video.stem) => {
                let [skipped, read] = [&video.path, &last.path].map(|path| path.display());
                findings.warn(format!("skipped `{skipped}`: duplicate of `{read}`"));
            }
            _ => kept.push(video),
        }
    }
    if kept.is_empty() { Err(VideoError::NoFiles { root: root.to_owned() }) } else { Ok(kept) }
}

/// Sorts a file into the videos, the videos of unsupported formats, or the skipped files.
fn add(
    entry: DirEntry,
    folder: Option<String>,
    videos: &mut BTreeSet<VideoFile>,
    others: &mut Vec<PathBuf>,
    skipped: &mut Vec<PathBuf>,
) -> Result<(), VideoError> {
    let name = name(&entry)?;
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    match extension.to_ascii_lowercase().as_str() {
        "avi" | "gif" => {
            let is_avi = extension.eq_ignore_ascii_case("avi");
            let container = if is_avi { Container::Avi } else { Container::Gif };
            let stem = stem.to_owned();
            videos.insert(VideoFile { folder, stem, container, path: entry.path });
        }
        other if OTHER_EXTENSIONS.contains(&other) => others.push(entry.path),
        _ => skipped.push(entry.path),
    }
    Ok(())
}

/// Describes a folder whose videos are all in files of other kinds.
fn other_container(
    root: &Path,
    first: &Path,
    videos: &[PathBuf],
) -> Result<VideoError, VideoError> {
    let start = fs::read_start(first, CODEC_BYTES)?;
    let contains = |letters: &[u8; 4]| start.windows(4).any(|window| window == letters);
    let codec = CODECS.iter().find(|(letters, _)| contains(letters)).map(|(_, name)| *name);
    let extension = |path: &PathBuf| Some(path.extension()?.to_string_lossy().to_lowercase());
    let extensions: BTreeSet<String> =
        videos.iter().filter_map(extension).map(|it| format!(".{it}")).collect();
    let extensions = quoted_list(&extensions.into_iter().collect::<Vec<_>>());
    let (root, count) = (root.to_owned(), count(videos.len(), "video"));
    Ok(VideoError::OtherContainer { root, count, extensions, codec })
}

fn name(entry: &DirEntry) -> Result<String, VideoError> {
    let name = entry.name.to_str().map(str::to_owned);
    name.ok_or_else(|| VideoError::NameNotUtf8 { path: entry.path.clone() })
}

#[cfg(test)]
mod tests;
