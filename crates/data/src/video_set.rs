//! Videos in categories, decoded into memory: what the readers of strips and of video files return.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::rgb_image::CHANNELS;

/// All videos of a folder.
#[derive(Debug)]
pub struct VideoSet {
    /// Height and width of every frame.
    pub side: usize,
    /// Names of the categories; [`Video::category`] is an index into this list.
    pub categories: Vec<String>,
    /// The videos by category, then by file name.
    pub videos: Vec<Video>,
    /// One line per skipped file.
    pub warnings: Vec<String>,
}

/// One video.
#[derive(Debug)]
pub struct Video {
    /// Category and file name without extension, joined by a slash.
    pub name: String,
    /// Index of its category.
    pub category: usize,
    /// Number of frames, at least two.
    pub frames: usize,
    /// Pixels, `[T, S, S, 3]`.
    pub pixels: Vec<u8>,
    /// The file that it was read from.
    pub path: PathBuf,
}

impl Video {
    /// Returns the person in the video: the file name up to its first underscore.
    pub fn person(&self) -> &str {
        let file = self.name.rsplit('/').next().unwrap_or(&self.name);
        file.split('_').next().unwrap_or(file)
    }

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
    /// Returns the number of frames of each video.
    pub fn lengths(&self) -> Vec<usize> {
        self.videos.iter().map(|video| video.frames).collect()
    }
}
