//! A decoded sequence and the record of the files that it was read from.

use crate::fs::Stamp;

/// Height, width and channels of a frame.
pub type HwcShape = [usize; 3];

/// A source file as it was when it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SourceRecord {
    /// Taken before the file was read.
    pub(super) stamp: Stamp,
    /// SHA-256 of its content.
    pub(super) sha256: [u8; 32],
}

impl SourceRecord {
    /// Keeps only the length of the stamp, so that equal files give equal packs on any machine.
    pub(super) fn without_stamp(self) -> Self {
        Self { stamp: Stamp { bytes: self.stamp.bytes, ..Stamp::default() }, ..self }
    }
}

/// A decoded sequence of T frames; reused from one sequence to the next.
#[derive(Debug, Default)]
pub(super) struct SequenceBuffer {
    /// Pixels, `[T, H, W, C]`.
    pub(super) frames: Vec<u8>,
    /// Actions, `[T, A]`.
    pub(super) actions: Vec<f32>,
    /// Positions, `[T, P]`.
    pub(super) positions: Vec<f32>,
    /// The files that it was read from.
    pub(super) sources: Vec<SourceRecord>,
}
