//! Packs: decoded sequences in one checksummed file that is mapped into memory.
//!
//! [`Pack`] is what everything above reads. A pack is verified whole, once, when it is opened; it
//! never goes back to the files it was made from. [`mod@format`] describes the bytes.

use std::path::Path;

use memmap2::Mmap;

use super::{Progress, Split, Watch, error::DataError, source_files::Source};
use crate::fs;

mod format;

use format::Layout;
pub use format::PackFault;
pub(super) use format::{Encoder, Index};

/// Verified sequences, in memory or mapped.
#[derive(Debug)]
pub struct Pack {
    name: String,
    origin: String,
    bytes: Bytes,
    index: Index,
    layout: Layout,
    actions: Vec<f32>,
    positions: Vec<f32>,
    warnings: Vec<String>,
}

/// Where the bytes of a pack are.
#[derive(Debug)]
enum Bytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl Bytes {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(mapping) => mapping,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// One sequence of T frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sequence<'a> {
    /// T.
    pub length: usize,
    /// Pixels, `[T, H, W, C]`.
    pub frames: &'a [u8],
    /// Actions, `[T, A]`; row t is carried out between frame t and t+1.
    pub actions: &'a [f32],
    /// Positions of the end effector, `[T, P]`; row t belongs to frame t.
    pub positions: &'a [f32],
}

impl Pack {
    /// Maps a pack file and verifies all of it.
    pub(super) fn load(path: &Path, progress: Watch<'_>) -> Result<Self, DataError> {
        Self::verified(Bytes::Mapped(fs::map(path)?), progress)
            .map_err(|fault| DataError::BrokenPack { path: path.to_owned(), fault })
    }

    /// Takes over a pack that lies in memory and verifies all of it.
    pub(super) fn from_bytes(bytes: Vec<u8>, progress: Watch<'_>) -> Result<Self, PackFault> {
        Self::verified(Bytes::Owned(bytes), progress)
    }

    fn verified(bytes: Bytes, progress: Watch<'_>) -> Result<Self, PackFault> {
        let slice = bytes.as_slice();
        let (total, mut done) = (slice.len() as u64, 0);
        let (mut index, layout) = format::verify(slice, |hashed| {
            done += hashed;
            progress(Progress::Verifying { bytes: done, total });
        })?;
        let actions = format::floats(&slice[layout.actions.clone()]);
        let positions = format::floats(&slice[layout.positions.clone()]);
        let warnings = std::mem::take(&mut index.warnings);
        let (name, origin) = (String::new(), String::new());
        Ok(Self { name, origin, bytes, index, layout, actions, positions, warnings })
    }

    /// Says what the pack is; the file itself does not know where it lies.
    pub(super) fn described(self, name: &str, origin: String) -> Self {
        Self { name: name.to_owned(), origin, ..self }
    }

    /// Adds warnings to those that were found when the pack was made.
    pub(super) fn with_warnings(mut self, warnings: Vec<String>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    /// Returns the dataset's name as in a sweep file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns where the sequences come from, in words.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns height, width and channels of a frame.
    pub fn frame_shape(&self) -> [usize; 3] {
        self.index.frame_shape
    }

    /// Returns the number of frames of the shortest sequence; most data sets have no other.
    pub fn frames(&self) -> usize {
        self.index.frames
    }

    /// Returns the numbers of an action.
    pub fn action_size(&self) -> usize {
        self.index.action_size
    }

    /// Returns the numbers of a position.
    pub fn position_size(&self) -> usize {
        self.index.position_size
    }

    /// Returns what the numbers of a position are called, where they have names.
    pub fn position_names(&self) -> &[String] {
        &self.index.position_names
    }

    /// Returns the numbers that accompany a frame: those of its action and of its position.
    pub fn condition_size(&self) -> usize {
        self.action_size() + self.position_size()
    }

    /// Returns the number of sequences of a split.
    pub fn sequences(&self, split: Split) -> usize {
        self.names(split).len()
    }

    /// Returns the name of a sequence, which is its folder below the split's.
    ///
    /// # Panics
    /// If the split has no such sequence.
    pub fn sequence_name(&self, split: Split, index: usize) -> &str {
        &self.names(split)[index]
    }

    /// Returns a sequence.
    ///
    /// # Panics
    /// If the split has no such sequence.
    pub fn sequence(&self, split: Split, index: usize) -> Sequence<'_> {
        assert!(index < self.sequences(split), "split `{split}` has no sequence {index}");
        let before = self.index.sequences[..split as usize].iter().map(Vec::len).sum::<usize>();
        let (start, end) =
            (self.layout.starts[before + index], self.layout.starts[before + index + 1]);
        let rows = |size: usize| start * size..end * size;
        let frames = &self.bytes.as_slice()[self.layout.frames.clone()];
        Sequence {
            length: end - start,
            frames: &frames[rows(self.layout.frame_bytes)],
            actions: &self.actions[rows(self.index.action_size)],
            positions: &self.positions[rows(self.index.position_size)],
        }
    }

    /// Returns the SHA-256 of all frames, actions and positions, in hexadecimal.
    pub fn payload_sha256(&self) -> &str {
        &self.index.payload_sha256
    }

    /// Returns the SHA-256 over path, length and SHA-256 of every source file, in hexadecimal.
    pub fn sources_sha256(&self) -> &str {
        &self.index.sources_sha256
    }

    /// Returns the number of files the pack was made from.
    pub fn source_files(&self) -> u64 {
        self.index.source_files
    }

    /// Returns what is doubtful about the data or was repaired.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns the names of a split's sequences.
    pub(super) fn names(&self, split: Split) -> &[String] {
        &self.index.sequences[split as usize]
    }

    /// Returns what is known of a source file, numbered over all sequences.
    pub(super) fn source(&self, number: usize) -> Option<Source> {
        format::source(&self.bytes.as_slice()[self.layout.sources.clone()], number)
    }
}
