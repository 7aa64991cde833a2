//! Sequences of frames with actions, decoded once into a checksummed pack.
//!
//! Nothing here knows a tensor: a batch is a list of sequence indices, a frame is bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

pub mod sampler;

/// One of the three parts of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// What parameters are fitted to.
    Train,
    /// What the checkpoint is chosen on.
    Validate,
    /// What is reported.
    Test,
}

impl Split {
    /// All splits in the order in which they are listed and packed.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validate, Self::Test];

    /// Returns the name, which is also the folder's name in the BAIR layout.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validate => "validate",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
