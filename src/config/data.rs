//! Which sequences a run learns from and in which order it sees them.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::scalar::Count;

/// The data of a run: a dataset and the order in which training visits it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataSpec {
    /// Where the sequences come from.
    pub dataset: Dataset,
    /// In which order training visits them.
    pub sampler: Sampler,
}

/// Where sequences come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Dataset {
    /// The embedded subset of simulated Sawyer pushing, 64×64 RGB, 30 frames.
    #[default]
    SawyerPush,
    /// A folder in the BAIR robot-pushing layout: `{train,validate,test}/<dir1>/<dir2>/{0..}.png`,
    /// `actions.csv`, `endeffector_positions.csv`.
    Bair {
        /// The folder that holds `train`, `validate` and `test`.
        root: PathBuf,
    },
    /// TFRecord files of the Berkeley pushing data: `train/*` and `test/*`, 64×64 RGB.
    BerkeleyTfrecord {
        /// The folder that holds `train` and `test`.
        root: PathBuf,
        /// Frames to take of each record, from its first.
        frames: Count,
    },
    /// TFRecord files of the Google pushing data: `push_train/*` and `push_testseen/*`, JPEG.
    GooglePushTfrecord {
        /// The folder that holds `push_train` and `push_testseen`.
        root: PathBuf,
        /// Frames to take of each record, from its first.
        frames: Count,
    },
    /// `.npy` files that a `map.csv` lists, in the folders `train` and `test`.
    Npy {
        /// The folder that holds `train` and `test`.
        root: PathBuf,
    },
    /// The embedded clips of drawn people: five actions by four people, 64×64 RGB, 36 to 63 frames.
    WeizmannLike,
    /// Clips as picture strips in a folder per category, the layout of `data.py` of MoCoGAN.
    Strips {
        /// The folder that holds the categories' folders.
        root: PathBuf,
        /// Frames that a clip needs (`min_len`, 32 in the original); shorter ones are dropped.
        shortest: Count,
    },
    /// Clips as AVI (Motion JPEG) or GIF files, in a folder per category or named
    /// `<person>_<category>` as in the Weizmann data.
    Videos {
        /// The folder that holds the files or the categories' folders.
        root: PathBuf,
        /// Height and width to which frames are scaled.
        side: Count,
        /// Frames that a clip needs; shorter ones are dropped.
        shortest: Count,
    },
    /// A square pushed about by its actions, drawn on the fly: for tests.
    MovingSquare {
        /// Training sequences; validation and test have a quarter each, at least one.
        sequences: Count,
        /// Frames of each sequence.
        frames: Count,
    },
}

impl Dataset {
    /// Returns the dataset's name as a sweep file spells it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SawyerPush => "sawyer_push",
            Self::Bair { .. } => "bair",
            Self::BerkeleyTfrecord { .. } => "berkeley_tfrecord",
            Self::GooglePushTfrecord { .. } => "google_push_tfrecord",
            Self::Npy { .. } => "npy",
            Self::WeizmannLike => "weizmann_like",
            Self::Strips { .. } => "strips",
            Self::Videos { .. } => "videos",
            Self::MovingSquare { .. } => "moving_square",
        }
    }

    /// Returns the frames of a sequence where they are known without reading the data.
    pub const fn frames(&self) -> Option<u64> {
        match self {
            Self::SawyerPush => Some(30),
            Self::WeizmannLike => Some(36),
            Self::Bair { .. } | Self::Npy { .. } | Self::Strips { .. } | Self::Videos { .. } => {
                None
            }
            Self::BerkeleyTfrecord { frames, .. }
            | Self::GooglePushTfrecord { frames, .. }
            | Self::MovingSquare { frames, .. } => Some(frames.get()),
        }
    }
}

/// The order in which training visits sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Sampler {
    /// A fresh permutation of all sequences per pass, from the run's seed.
    #[default]
    EpochPermutation,
    /// The document's order: the DataLoader's indices only seed NumPy, which then draws
    /// directories with replacement, anew with every iterator.
    Original {
        /// `num_workers` of the DataLoader; 0 loads in the main process.
        workers: u32,
    },
}

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
