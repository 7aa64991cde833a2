//! Progress of opening or checking a data set.

/// What is being done with a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Another process is writing the pack; this one waits for it.
    Waiting,
    Decoding {
        /// Sequences decoded so far.
        done: u64,
        /// Sequences of all splits.
        total: u64,
    },
    Verifying {
        /// Bytes hashed so far.
        bytes: u64,
        /// Bytes of the pack.
        total: u64,
    },
}

/// Called at each change of the progress.
pub type Watch<'a> = &'a mut dyn FnMut(Progress);

impl Progress {
    /// Returns the progress after the sequence number `index` of `total`.
    pub(super) fn decoding(index: usize, total: usize) -> Self {
        Self::Decoding { done: index as u64 + 1, total: total as u64 }
    }
}
