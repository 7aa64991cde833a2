//! The contract of every kind of data set. `registry` lists the types that implement it.

use std::path::Path;

use reprise_base::config::data::Split;

use super::{error::DataError, findings::Findings, pack::Pack, progress::Watch};

/// Which splits a data set must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    AllSplits,
    /// This split; the others may be missing and are then empty.
    Only(Split),
}

impl Required {
    /// Returns whether a data set must have a split.
    pub fn includes(self, split: Split) -> bool {
        match self {
            Self::AllSplits => true,
            Self::Only(only) => split == only,
        }
    }
}

/// Where the sequences of a data set come from.
pub(super) trait DataOrigin {
    /// Opens the data. Their pack is kept in the folder `cache`, unless they are drawn in memory.
    fn open(
        &self,
        required: Required,
        cache: &Path,
        progress: Watch<'_>,
    ) -> Result<Pack, DataError>;

    /// Reads all of the data, even after an error.
    fn check(&self, required: Required, progress: Watch<'_>) -> Findings;

    /// Writes a pack for distribution; returns nothing where that is not supported.
    fn pack(&self, _out: &Path, _progress: Watch<'_>) -> Option<Result<(), DataError>> {
        None
    }
}
