//! Packs: decoded sequences in one file with digests, mapped into memory.
//!
//! [`Pack`] is what all readers of data use. Every byte of a pack is verified when it is opened; the
//! files that it was made from are not needed any more. [`mod@format`] describes the bytes.

use memmap2::Mmap;

use super::{
    progress::{Progress, Watch},
    sequence::{HwcShape, SourceRecord},
    summary::{DataSummary, SplitSummary},
};
use reprise_base::config::data::Split;

mod error;
mod format;

pub use error::PackError;
pub(super) use format::{Encoder, SequenceFormat};
use format::{Index, PackLayout};

/// Verified sequences, in memory or mapped.
#[derive(Debug)]
pub struct Pack {
    description: Description,
    bytes: PackBytes,
    index: Index,
    layout: PackLayout,
    actions: Vec<f32>,
    positions: Vec<f32>,
    warnings: Vec<String>,
    /// Smallest and largest value of all frames.
    values: [u8; 2],
}

/// What a pack's file does not contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Description {
    /// The data set's name as in a sweep file.
    pub(super) name: &'static str,
    /// Where the sequences come from, in words.
    pub(super) origin: String,
}

#[derive(Debug)]
pub(super) enum PackBytes {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl PackBytes {
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
    /// Positions of the end effector, or keypoints, `[T, P]`; row t belongs to frame t.
    pub positions: &'a [f32],
}

impl Pack {
    /// Verifies a pack.
    pub(super) fn new(
        bytes: PackBytes,
        description: Description,
        progress: Watch<'_>,
    ) -> Result<Self, PackError> {
        let slice = bytes.as_slice();
        let (total, mut done) = (slice.len() as u64, 0);
        let (mut index, layout) = format::verify(slice, |hashed| {
            done += hashed;
            progress(Progress::Verifying { bytes: done, total });
        })?;
        let actions = format::floats(&slice[layout.actions.clone()]);
        let positions = format::floats(&slice[layout.positions.clone()]);
        let warnings = std::mem::take(&mut index.warnings);
        let frames = &slice[layout.frames.clone()];
        let values = [frames.iter().min(), frames.iter().max()].map(|value| *value.unwrap_or(&0));
        Ok(Self { description, bytes, index, layout, actions, positions, warnings, values })
    }

    /// Adds warnings to those that were found when the pack was made.
    pub(super) fn with_warnings(mut self, warnings: Vec<String>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    /// Returns the data set's name as in a sweep file.
    pub fn name(&self) -> &str {
        self.description.name
    }

    /// Returns where the sequences come from, in words.
    pub fn origin(&self) -> &str {
        &self.description.origin
    }

    /// Returns height, width and channels of a frame.
    pub fn frame_shape(&self) -> HwcShape {
        self.index.frame_shape
    }

    /// Returns the number of frames of the shortest sequence; in most data sets all have it.
    pub fn frames(&self) -> usize {
        self.index.frames
    }

    /// Returns how many numbers an action has.
    pub fn action_size(&self) -> usize {
        self.index.action_size
    }

    /// Returns how many numbers a position has.
    pub fn position_size(&self) -> usize {
        self.index.position_size
    }

    /// Returns the names of the numbers of a position; empty if they have none.
    pub fn position_names(&self) -> &[String] {
        &self.index.position_names
    }

    /// Returns how many numbers accompany a frame: those of its action and of its position.
    pub fn condition_size(&self) -> usize {
        self.action_size() + self.position_size()
    }

    /// Returns the number of sequences of a split.
    pub fn sequences(&self, split: Split) -> usize {
        self.names(split).len()
    }

    /// Returns the name of a sequence, in most data sets its path below the split's folder.
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

    /// Returns warnings about the data, and why the pack was made again, if it was.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns what was understood of the data.
    pub fn summary(&self) -> DataSummary {
        let lengths = |split: Split| {
            (0..self.sequences(split)).map(move |index| self.sequence(split, index).length as u64)
        };
        let split = |split: Split| SplitSummary {
            sequences: self.sequences(split) as u64,
            frames: [lengths(split).min(), lengths(split).max()].map(Option::unwrap_or_default),
        };
        DataSummary {
            name: self.name().to_owned(),
            splits: Split::ALL.map(split),
            frame_shape: self.frame_shape(),
            values: self.values,
            facts: self.index.facts.clone(),
        }
    }

    /// Returns pairs of equal sequences in two splits, the first ones by name.
    pub fn overlap(&self) -> &[String] {
        &self.index.overlap
    }

    /// Returns the names of a split's sequences.
    pub(super) fn names(&self, split: Split) -> &[String] {
        &self.index.sequences[split as usize]
    }

    /// Returns the record of a source file, numbered over all sequences.
    pub(super) fn source(&self, number: usize) -> Option<SourceRecord> {
        format::source(&self.bytes.as_slice()[self.layout.sources.clone()], number)
    }
}
