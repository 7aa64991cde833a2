//! Videos in categories, decoded into memory: what the readers of strips and of video files return.

use std::{collections::BTreeSet, path::PathBuf};

use sha2::{Digest, Sha256};

use super::{findings::Findings, rgb_image::CHANNELS};
use reprise_base::{scalar::Count, text::count};

/// People that a fact names.
const PEOPLE_MAX: usize = 12;

/// Videos that are left out because they are short.
#[derive(Debug, Default)]
pub(super) struct ShortVideos {
    count: u64,
    /// The first one and its number of frames.
    first: Option<(PathBuf, usize)>,
}

impl ShortVideos {
    pub(super) fn add(&mut self, path: PathBuf, frames: usize) {
        self.count += 1;
        self.first.get_or_insert((path, frames));
    }

    pub(super) fn describe(&self, shortest: Count, findings: &mut Findings) {
        if let Some((path, frames)) = &self.first {
            let (videos, path) = (count(self.count, "video"), path.display());
            findings.warn(format!(
                "skipped {videos} of fewer than {shortest} frames, first `{path}` with {frames}"
            ));
        }
    }
}

/// Returns the person that the name of a file tells: the text before its first underscore.
pub(super) fn person(stem: &str) -> String {
    stem.split('_').next().unwrap_or(stem).to_owned()
}

/// All videos of a folder.
#[derive(Debug)]
pub struct VideoSet {
    /// Height and width of every frame.
    pub side: usize,
    /// Names of the categories; [`Video::category`] is an index into this list.
    pub categories: Vec<String>,
    /// The videos by category, then by file name.
    pub videos: Vec<Video>,
}

/// One video.
#[derive(Debug)]
pub struct Video {
    /// Category and file name without extension, joined by a slash.
    pub name: String,
    /// Index of its category.
    pub category: usize,
    /// Who is in the video: videos of one person are in one split.
    pub person: String,
    /// Number of frames, at least two.
    pub frames: usize,
    /// Pixels, `[T, S, S, 3]`.
    pub pixels: Vec<u8>,
    /// The file that it was read from.
    pub path: PathBuf,
}

impl Video {
    /// Returns one frame, `[S, S, 3]`.
    ///
    /// # Panics
    /// If `index` is not below the number of frames.
    pub fn frame(&self, index: usize) -> &[u8] {
        let bytes = self.pixels.len() / self.frames;
        &self.pixels[index * bytes..(index + 1) * bytes]
    }

    /// Returns the SHA-256 of the pixels.
    pub(super) fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.pixels).into()
    }

    /// Returns the SHA-256 of the pixels with left and right exchanged.
    pub(super) fn mirrored_digest(&self, side: usize) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for row in self.pixels.chunks(side * CHANNELS) {
            for pixel in row.chunks(CHANNELS).rev() {
                hasher.update(pixel);
            }
        }
        hasher.finalize().into()
    }
}

impl VideoSet {
    /// States the categories with their numbers of videos, and the people.
    pub(super) fn describe(&self, findings: &mut Findings) {
        let in_category =
            |index: usize| self.videos.iter().filter(|it| it.category == index).count();
        let categories: Vec<String> = (0..)
            .zip(&self.categories)
            .map(|(index, name)| format!("{name} ({})", in_category(index)))
            .collect();
        findings.fact("categories", format!("{}: {}", categories.len(), categories.join(", ")));
        let people: BTreeSet<&str> =
            self.videos.iter().map(|video| video.person.as_str()).collect();
        let listed: Vec<&str> = people.iter().copied().take(PEOPLE_MAX).collect();
        let more = if people.len() > listed.len() { ", ..." } else { "" };
        findings.fact("people", format!("{}: {}{more}", people.len(), listed.join(", ")));
    }

    /// Returns the number of frames of each video.
    pub fn lengths(&self) -> Vec<usize> {
        self.videos.iter().map(|video| video.frames).collect()
    }
}
