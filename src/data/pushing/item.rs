//! What readers of a pushing data set are given, and what they return.

use std::io;

use crate::{config::data::Split, data::sequence::SequenceBuffer};

/// Height and width of a frame in a pack.
pub(super) const SIDE: usize = 64;

/// The files that are read together: a TFRecord file, or the arrays of one sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SourceItem {
    pub(super) split: Split,
    /// Its files, relative to the root.
    pub(super) files: Vec<String>,
    /// Its name in messages and packs.
    pub(super) name: String,
}

/// A sequence to be put into a pack.
pub(super) struct DecodedSequence<'a> {
    pub(super) split: Split,
    pub(super) name: String,
    pub(super) buffer: &'a SequenceBuffer,
    /// Numbers of an action and of a state.
    pub(super) sizes: [usize; 2],
    /// The files of the sources in `buffer`; each file comes with its first sequence only.
    pub(super) files: Vec<String>,
}

/// Called with each sequence that has no errors, in the order of splits.
pub(super) type Visit<'a> = &'a mut dyn FnMut(DecodedSequence<'_>) -> io::Result<()>;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterError {
    Stop,
    Continue,
}
