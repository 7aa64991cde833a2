//! Which sequences a run learns from and in which order it sees them.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::scalar::{Count, Fraction};

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
    /// The embedded pictures of faces with their keypoints, 96×96 grey.
    FacialKeypoints,
    /// Kaggle's facial keypoints: `training.csv`, a picture of 96×96 grey values a row.
    Kaggle {
        /// The folder that holds `training.csv`.
        root: PathBuf,
        /// Which coordinates are predicted; rows that lack one of them are left out.
        #[serde(default)]
        columns: KeypointColumns,
        /// Which rows train, validate and test.
        #[serde(default)]
        split: RowSplit,
    },
    /// Two embedded MNIST digits that bounce about, 64×64 grey, 20 frames.
    MovingMnist,
    /// Moving MNIST drawn from MNIST's own files, plain or gzipped: two digits, 64×64 grey.
    MovingMnistIdx {
        /// The folder that holds `train-images-idx3-ubyte` and `t10k-images-idx3-ubyte`.
        root: PathBuf,
        /// Whose random numbers choose digits and paths.
        sampling: DigitSampling,
        /// Frames of each sequence (`seq_len`).
        frames: Count,
        /// Sequences of each split.
        sequences: SplitSizes,
    },
    /// The published test file of Moving MNIST, u8 `[frame, sequence, 64, 64]`.
    ///
    /// Its sequences are divided in their order: first those to train, then those to validate, then
    /// those to test; what is left over is not used.
    MnistTestSeq {
        /// The `.npy` file.
        file: PathBuf,
        /// Sequences of each split.
        sequences: SplitSizes,
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

/// What is known of a data set without opening it.
struct Facts {
    name: &'static str,
    channels: u64,
    frames: Option<u64>,
    content: Content,
}

impl Dataset {
    const fn facts(&self) -> Facts {
        const fn colour(name: &'static str, frames: Option<u64>) -> Facts {
            Facts { name, channels: 3, frames, content: Content::Frames }
        }
        const fn grey(name: &'static str, frames: Option<u64>) -> Facts {
            Facts { name, channels: 1, frames, content: Content::Frames }
        }
        const fn keypoints(name: &'static str) -> Facts {
            Facts { name, channels: 1, frames: Some(1), content: Content::Keypoints }
        }
        match self {
            Self::SawyerPush => colour("sawyer_push", Some(30)),
            Self::Bair { .. } => colour("bair", None),
            Self::BerkeleyTfrecord { frames, .. } => {
                colour("berkeley_tfrecord", Some(frames.get()))
            }
            Self::GooglePushTfrecord { frames, .. } => {
                colour("google_push_tfrecord", Some(frames.get()))
            }
            Self::Npy { .. } => colour("npy", None),
            Self::FacialKeypoints => keypoints("facial_keypoints"),
            Self::Kaggle { .. } => keypoints("kaggle"),
            Self::MovingMnist => grey("moving_mnist", Some(20)),
            Self::MovingMnistIdx { frames, .. } => grey("moving_mnist_idx", Some(frames.get())),
            Self::MnistTestSeq { .. } => grey("mnist_test_seq", None),
            Self::WeizmannLike => colour("weizmann_like", Some(36)),
            Self::Strips { .. } => colour("strips", None),
            Self::Videos { .. } => colour("videos", None),
            Self::MovingSquare { frames, .. } => colour("moving_square", Some(frames.get())),
        }
    }

    /// Returns the dataset's name as a sweep file spells it.
    pub const fn name(&self) -> &'static str {
        self.facts().name
    }

    /// Returns the frames of a sequence where they are known without reading the data.
    pub const fn frames(&self) -> Option<u64> {
        self.facts().frames
    }

    /// Returns the channels of a frame: 3 for colour, 1 for grey.
    pub const fn channels(&self) -> u64 {
        self.facts().channels
    }

    /// Returns what the data set consists of.
    pub const fn content(&self) -> Content {
        self.facts().content
    }
}

/// How many sequences each split has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitSizes {
    /// Sequences to train.
    pub train: Count,
    /// Sequences to validate.
    pub validate: Count,
    /// Sequences to test.
    pub test: Count,
}

impl SplitSizes {
    /// Returns the sequences of a split.
    pub const fn of(&self, split: Split) -> Count {
        match split {
            Split::Train => self.train,
            Split::Validate => self.validate,
            Split::Test => self.test,
        }
    }
}

/// Whose random numbers choose the digits of Moving MNIST and their paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DigitSampling {
    /// A stream of our own for every split, with draws of its own for every sequence. The last tenth
    /// of the training digits shows only in validation.
    Streams,
    /// NumPy's generator in the original's order: one data set of training digits, whose first items
    /// train and whose next ones validate, and one of test digits.
    Original {
        /// The item that a data set is asked for first: it seeds NumPy, once.
        first_index: u32,
    },
}

/// Whether a data set consists of frames in time or of pictures with keypoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Sequences of frames.
    Frames,
    /// Single pictures whose positions are keypoints.
    Keypoints,
}

/// Which coordinates of a table of keypoints are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum KeypointColumns {
    /// Those of the file, in its order.
    #[default]
    All,
    /// These, in this order (`load(cols=...)`; `load2d` of the original ignores its argument).
    Named(Vec<String>),
}

/// Which of the complete rows train, validate and test.
///
/// Rows are first put in the document's order, scikit-learn's `shuffle(random_state=42)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RowSplit {
    /// The first rows of that order train, the next validate, the last test.
    Shares(Shares),
    /// The document's: every row trains. It holds nothing back and reports its training error only,
    /// so validation and test are the training rows once more.
    Document,
}

/// Shares of the complete rows, rounded down, at least one row each; the others train.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shares {
    /// Share that validates.
    pub validate: Fraction,
    /// Share that tests.
    pub test: Fraction,
}

impl Default for RowSplit {
    fn default() -> Self {
        Self::Shares(Shares::default())
    }
}

impl Default for Shares {
    fn default() -> Self {
        let share = |x: f64| Fraction::try_from(x).expect("the literal is a share");
        Self { validate: share(0.15), test: share(0.15) }
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
    /// The rcn document's order (`iterate_minibatches` with `shuffle=True`): NumPy's generator goes on
    /// from pass to pass, and what fills no batch is left out of a pass. The document leaves the
    /// generator unseeded; here it begins with the run's seed.
    Minibatches,
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
