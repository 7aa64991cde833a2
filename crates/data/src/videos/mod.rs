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
    rgb_image::RgbImage,
    video_set::{ShortVideos, Video, VideoSet},
};
use reprise_base::{
    config::{data::VideoTiming, video_names::NamePattern},
    fs::{self, DirEntry, FileKind},
    scalar::Count,
    text::count,
};

mod avi;
mod error;
mod file;
mod gif;
mod names;

pub use self::avi::{AviError, FourCc};
use self::error::VIDEO_BYTES_MAX;
pub use self::error::{VideoError, VideoFormatError};
use self::file::{Container, VideoFile};
pub use self::gif::GifError;
use self::names::{NoName, VideoName, names};

/// Largest video file in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Largest size of the frames of all videos in bytes.
const BYTES_MAX: usize = 1 << 30;

/// Extensions of video files that are read.
pub(super) const EXTENSIONS: [&str; 2] = ["avi", "gif"];
/// Extensions of video files that are not read, but named.
pub(super) const OTHER_EXTENSIONS: [&str; 9] =
    ["mp4", "m4v", "mov", "mkv", "webm", "mpg", "mpeg", "wmv", "flv"];

/// Units of a delay per second.
const HUNDREDTHS: f64 = 100.0;

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
    let mut found = Vec::new();
    let (mut bytes, mut longest) = (0, 0);
    let (mut stated, mut short) = (StatedTimes::default(), ShortVideos::default());
    let mut named: Vec<(VideoName, VideoFile)> = names.into_iter().zip(files).collect();
    named.sort_by(|(a, _), (b, _)| a.category.cmp(&b.category));
    let mut seen: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (VideoName { category, person }, file) in named {
        let VideoFile { stem, container, path, .. } = file;
        let name = format!("{category}/{stem}");
        if let Some(first) = seen.insert(name.clone(), path.clone()) {
            return Err(VideoError::SameName { first, second: path });
        }
        let content = fs::read(&path, FILE_BYTES_MAX)?;
        let decoded = decode(&content, container, side.len(), timing)
            .map_err(|source| VideoError::Video { path: path.clone(), source })?;
        stated.add(&decoded, &path);
        let ScaledFrames { frames, pixels, .. } = decoded;
        longest = longest.max(frames);
        if frames < shortest.len() {
            short.add(path, frames);
            continue;
        }
        bytes += pixels.len();
        if bytes > BYTES_MAX {
            return Err(VideoError::TooLarge { root: root.to_owned(), limit: BYTES_MAX });
        }
        let number = categories.binary_search(&category).expect("every category is listed");
        found.push(Video { name, category: number, person, frames, pixels, path });
    }
    stated.describe(timing, findings);
    short.describe(shortest, findings);
    if found.is_empty() {
        let (root, shortest) = (root.to_owned(), shortest.get());
        return Err(VideoError::NoVideos { root, shortest, longest });
    }
    let set = VideoSet { side: side.len(), categories, videos: found };
    set.describe(findings);
    Ok(set)
}

/// What files state about the times of their frames.
#[derive(Default)]
struct StatedTimes {
    /// Videos by their frames per second, in words.
    rates: BTreeMap<String, u64>,
    /// Frames that repeat the one before them.
    repeated: u64,
    /// Videos whose frames are shown for different times, and the first of them.
    unequal: (u64, Option<PathBuf>),
}

impl StatedTimes {
    fn add(&mut self, video: &ScaledFrames, path: &Path) {
        if let Some(rate) = video.rate {
            *self.rates.entry(format!("{rate:.3}")).or_default() += 1;
        }
        self.repeated += video.repeated as u64;
        if video.has_unequal_delays() {
            self.unequal.0 += 1;
            self.unequal.1.get_or_insert_with(|| path.to_owned());
        }
    }

    fn describe(&self, timing: VideoTiming, findings: &mut Findings) {
        let short = |rate: &str| rate.trim_end_matches('0').trim_end_matches('.').to_owned();
        let rates: Vec<String> = self
            .rates
            .iter()
            .map(|(rate, videos)| format!("{} ({})", short(rate), count(*videos, "video")))
            .collect();
        if !rates.is_empty() {
            findings.fact("frames per second", rates.join(", "));
        }
        if rates.len() > 1 {
            findings.warn("videos have different frame rates; every frame is used once".to_owned());
        }
        if self.repeated > 0 {
            let repeated = count(self.repeated, "empty frame");
            findings.fact("repeated frames", format!("{repeated} repeat the frame before"));
        }
        if let (videos, Some(first)) = &self.unequal {
            let videos = count(*videos, "video");
            match timing {
                VideoTiming::Frames => findings.warn(format!(
                    "the frames of {videos} are shown for different times, but each is used once, first \
                     `{}`: repeat them with `--set data.dataset.videos.timing=expand`",
                    first.display()
                )),
                VideoTiming::Expand => findings.fact(
                    "times of frames",
                    format!("frames of {videos} repeated for as long as they are shown"),
                ),
            }
        }
    }
}

/// Scaled frames of a video.
#[derive(Default)]
struct ScaledFrames {
    side: usize,
    frames: usize,
    /// `[T, S, S, 3]`.
    pixels: Vec<u8>,
    /// Frames per second, if stated for the whole video.
    rate: Option<f64>,
    /// Frames that repeat the one before them.
    repeated: usize,
    /// Hundredths of a second for which each frame is shown, if stated by frame.
    delays: Vec<u16>,
}

impl ScaledFrames {
    fn push(&mut self, image: &RgbImage) -> Result<(), VideoFormatError> {
        let scaled = resize::square(image, Fit::Stretch, [self.side; 2]);
        self.pixels.extend(scaled.into_iter().map(byte));
        self.frames += 1;
        self.check_length()
    }

    const fn check_length(&self) -> Result<(), VideoFormatError> {
        if self.pixels.len() > VIDEO_BYTES_MAX { Err(VideoFormatError::TooLong) } else { Ok(()) }
    }

    fn has_unequal_delays(&self) -> bool {
        self.delays.windows(2).any(|pair| pair[0] != pair[1])
    }

    /// Returns the greatest common divisor of all delays, at least 1.
    fn delay_unit(&self) -> u16 {
        self.delays.iter().copied().fold(0, greatest_common_divisor).max(1)
    }

    /// Repeats each frame for as long as it is shown; a delay of 0 counts as one unit.
    fn expand(&mut self) -> Result<(), VideoFormatError> {
        let unit = self.delay_unit();
        let bytes = self.side * self.side * 3;
        let short = std::mem::take(&mut self.pixels);
        self.frames = 0;
        for (frame, delay) in short.chunks_exact(bytes).zip(&self.delays) {
            for _ in 0..(delay / unit).max(1) {
                self.pixels.extend_from_slice(frame);
                self.frames += 1;
                self.check_length()?;
            }
        }
        Ok(())
    }
}

const fn greatest_common_divisor(a: u16, b: u16) -> u16 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
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
    timing: VideoTiming,
) -> Result<ScaledFrames, VideoFormatError> {
    let mut scaled = ScaledFrames { side, ..ScaledFrames::default() };
    match container {
        Container::Avi => {
            let stream = avi::read(file, |image| scaled.push(&image))?;
            (scaled.rate, scaled.repeated) = (stream.rate, stream.repeated);
        }
        Container::Gif => {
            let mut delays = Vec::new();
            gif::read(file, |image, delay| {
                delays.push(delay);
                scaled.push(&image)
            })?;
            scaled.delays = delays;
            let unit = scaled.delay_unit();
            if timing == VideoTiming::Expand && scaled.has_unequal_delays() {
                scaled.expand()?;
                scaled.rate = Some(HUNDREDTHS / f64::from(unit));
            } else if !scaled.has_unequal_delays() && scaled.delays.iter().any(|&delay| delay > 0) {
                scaled.rate = Some(HUNDREDTHS / f64::from(unit));
            }
        }
    }
    Ok(scaled)
}

/// Lists the videos in a root and in its folders.
fn list(root: &Path, findings: &mut Findings) -> Result<Vec<VideoFile>, VideoError> {
    let mut videos = BTreeSet::new();
    let mut others: Vec<PathBuf> = Vec::new();
    for entry in listing::list(root, &mut findings.notes.side_files)? {
        if entry.kind == FileKind::Dir {
            let folder = Some(name(&entry)?);
            for entry in listing::list(&entry.path, &mut findings.notes.side_files)? {
                add(entry, folder.clone(), &mut videos, &mut others, findings)?;
            }
        } else {
            add(entry, None, &mut videos, &mut others, findings)?;
        }
    }
    if let Some(first) = others.first() {
        if videos.is_empty() {
            return Err(other_container(root, others.len(), first)?);
        }
        let (number, first) = (count(others.len(), "video"), first.display());
        findings.warn(format!("skipped {number} that are neither AVI nor GIF, first `{first}`"));
    }
    let mut kept: Vec<VideoFile> = Vec::new();
    for video in videos {
        match kept.last() {
            Some(last) if (&last.folder, &last.stem) == (&video.folder, &video.stem) => {
                let why = format!("duplicate of `{}`", last.path.display());
                findings.warn(skipped(&video.path, &why));
            }
            _ => kept.push(video),
        }
    }
    if kept.is_empty() { Err(VideoError::NoFiles { root: root.to_owned() }) } else { Ok(kept) }
}

/// Adds a file to the videos or to the videos that are not read.
fn add(
    entry: DirEntry,
    folder: Option<String>,
    videos: &mut BTreeSet<VideoFile>,
    others: &mut Vec<PathBuf>,
    findings: &mut Findings,
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
        _ => findings.warn(skipped(&entry.path, "not a video")),
    }
    Ok(())
}

/// Describes a folder whose videos are all in files of other kinds.
fn other_container(root: &Path, number: usize, first: &Path) -> Result<VideoError, VideoError> {
    let start = fs::read_start(first, CODEC_BYTES)?;
    let contains = |letters: &[u8; 4]| start.windows(4).any(|window| window == letters);
    let codec = CODECS.iter().find(|(letters, _)| contains(letters)).map(|(_, name)| *name);
    let extension = first.extension().map(|it| it.to_string_lossy().to_lowercase());
    let (root, extension) = (root.to_owned(), extension.unwrap_or_default());
    Ok(VideoError::OtherContainer { root, count: count(number, "video"), extension, codec })
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
