//! Data set and sampler of a run.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    digits::{DigitSampling, DigitScene},
    video_names::NamePattern,
};
use crate::scalar::{Count, Fraction, Seed};

/// The data of a run: a data set and the order in which training visits its sequences.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataSpec {
    /// The data set. `reprise data list` prints what each data set contains; `reprise data check`
    /// validates one. The digest of its content is part of the run's id.
    pub dataset: Dataset,
    /// What to do if equal sequences are in two splits.
    pub overlap: Overlap,
    /// Order in which training visits the sequences. Evaluation always visits them in sorted order.
    pub sampler: Sampler,
}

/// A data set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Dataset {
    /// The embedded subset of simulated Sawyer pushing: 64×64 RGB, 30 frames per sequence.
    #[default]
    SawyerPush,
    /// A folder in the BAIR robot-pushing layout: `{train,validate,test}/<dir1>/<dir2>/{0..}.png`,
    /// `actions.csv`, `endeffector_positions.csv`.
    Bair {
        /// Folder that contains `train`, `validate` and `test`.
        root: PathBuf,
        /// Scales all frames to squares. By default frames keep their size.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resize: Option<FrameResize>,
    },
    /// TFRecord files of the Berkeley robot-pushing data, compressed or not: `train/*` and `test/*`,
    /// 64×64 RGB. A folder `val` beside them is the validation split. Without it, the first 95% of the
    /// files in `train` are the training split, the others the validation split.
    BerkeleyTfrecord {
        /// Folder that contains `train` and `test`.
        root: PathBuf,
        /// Number of frames to read from the start of each record. By default that of the first
        /// record; others must have at least as many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        frames: Option<Count>,
    },
    /// TFRecord files of the Google robot-pushing data: `push_train/*` and `push_testseen/*`, whose
    /// JPEG frames are cropped and scaled to 64×64 RGB. A folder `push_val` beside them is the
    /// validation split. Without it, the first 95% of the files in `push_train` are the training split,
    /// the others the validation split.
    GooglePushTfrecord {
        /// Folder that contains `push_train` and `push_testseen` or `push_testnovel`.
        root: PathBuf,
        /// Objects of the test split.
        #[serde(default)]
        test_objects: TestObjects,
        /// Number of frames to read from the start of each record. By default that of the first
        /// record; others must have at least as many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        frames: Option<Count>,
    },
    /// `.npy` files listed in `map.csv`, as the Chainer port of `physical_interaction` imports them,
    /// in the folders `train` and `test`. A folder `val` beside them is the validation split. Without
    /// it, the first 95% of the sequences in `train` are the training split, the others the validation
    /// split.
    Npy {
        /// Folder that contains `train` and `test`.
        root: PathBuf,
    },
    /// The embedded rendered faces with 15 keypoints each, 96×96 grey.
    FacialKeypoints,
    /// Kaggle's facial keypoints: `training.csv`, whose rows contain the coordinates and the grey
    /// values of one 96×96 image each.
    Kaggle {
        /// Folder that contains `training.csv`.
        root: PathBuf,
        /// Coordinates to predict. Rows in which one of them is missing are left out.
        #[serde(default)]
        columns: KeypointColumns,
        /// How the rows are divided into splits, after scikit-learn's `shuffle(random_state=42)`.
        #[serde(default)]
        split: RowSplit,
    },
    /// The embedded Moving MNIST: two bouncing digits, 64×64 grey, 20 frames per sequence.
    MovingMnist,
    /// Moving MNIST generated from the same embedded digits, with other scenes: their number, the size
    /// of the frames, and what happens at the walls.
    MovingMnistDrawn {
        /// What a sequence shows.
        #[serde(default)]
        scene: DigitScene,
        /// Frames per sequence (`seq_len`).
        #[serde(default = "digit_frames")]
        frames: Count,
        /// Sequences per split. By default as many as `moving_mnist` has.
        #[serde(default = "embedded_digit_sequences")]
        sequences: SplitSizes,
    },
    /// Moving MNIST generated from MNIST's own files, plain or gzipped: bouncing digits, grey.
    MovingMnistIdx {
        /// Folder that contains `train-images-idx3-ubyte` and `t10k-images-idx3-ubyte`, also with a dot
        /// before `idx3`, or in `MNIST/raw` or `raw`.
        root: PathBuf,
        /// Source of the random numbers that choose digits and paths.
        #[serde(default)]
        sampling: DigitSampling,
        /// What a sequence shows.
        #[serde(default)]
        scene: DigitScene,
        /// Frames per sequence (`seq_len`).
        #[serde(default = "digit_frames")]
        frames: Count,
        /// Sequences per split. The original draws a new sequence for every request.
        #[serde(default = "digit_sequences")]
        sequences: SplitSizes,
    },
    /// The published test file of Moving MNIST, u8 `[frame, sequence, 64, 64]`, or another array of grey
    /// videos. Its first sequences are the training split, the next ones the validation split, those
    /// after them the test split. The rest is not used.
    MnistTestSeq {
        /// Path of `mnist_test_seq.npy`, or of a `.npz` file.
        file: PathBuf,
        /// Sequences per split. By default a tenth of the sequences is the validation split, another
        /// tenth the test split, and the others are the training split.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sequences: Option<SplitSizes>,
        /// Order of the first two axes. By default the shape decides; if it leaves the order open, the
        /// file is refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        axes: Option<ArrayAxes>,
        /// Name of the array in a `.npz` file. Not needed if it has only one, or one with a usual name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    /// The embedded videos of drawn people: five actions by four people, 64×64 RGB, 36 to 63 frames.
    WeizmannLike,
    /// Videos, each stored as one image strip, in one folder per category: the layout that `data.py`
    /// of MoCoGAN reads. Videos of the same person are always in the same split.
    Strips {
        /// Folder that contains one folder per category.
        root: PathBuf,
        /// Minimum number of frames of a video (`min_len`). Shorter videos are left out.
        #[serde(default = "shortest")]
        shortest: Count,
        /// Scales all frames. By default frames keep their size.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resize: Option<FrameResize>,
    },
    /// Videos as AVI (Motion JPEG) or GIF files, in one folder per category or named
    /// `<person>_<category>` as in the Weizmann data. Videos of the same person are always in the
    /// same split.
    Videos {
        /// Folder that contains the files, or one folder per category.
        root: PathBuf,
        /// Height and width in pixels to which frames are scaled.
        #[serde(default = "video_side")]
        side: Count,
        /// Minimum number of frames of a video. Shorter videos are left out. The default is the length
        /// of the videos that MoCoGAN generates.
        #[serde(default = "shortest_file")]
        shortest: Count,
        /// How names tell category and person, such as `{person}_{category}{repeat?}` or
        /// `{category}/v_{category}_g{person}_c{clip}`. By default this is read off the names.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        names: Option<NamePattern>,
        /// What to do with GIF files whose frames are shown for different times.
        #[serde(default)]
        timing: VideoTiming,
    },
    /// A square that is pushed around by actions. It is generated in memory, for tests.
    MovingSquare {
        /// Training sequences. The validation and test splits have a quarter of this number each, but
        /// at least one sequence.
        sequences: Count,
        /// Frames per sequence.
        frames: Count,
    },
}

/// What is known of a data set before it is opened.
struct Facts {
    name: &'static str,
    frames: Option<u64>,
    content: Content,
}

impl Dataset {
    const fn facts(&self) -> Facts {
        const fn videos(name: &'static str, frames: Option<u64>) -> Facts {
            Facts { name, frames, content: Content::Frames }
        }
        const fn given(frames: Option<Count>) -> Option<u64> {
            match frames {
                Some(frames) => Some(frames.get()),
                None => None,
            }
        }
        const fn keypoints(name: &'static str) -> Facts {
            Facts { name, frames: Some(1), content: Content::Keypoints }
        }
        match self {
            Self::SawyerPush => videos("sawyer_push", Some(30)),
            Self::Bair { .. } => videos("bair", None),
            Self::BerkeleyTfrecord { frames, .. } => videos("berkeley_tfrecord", given(*frames)),
            Self::GooglePushTfrecord { frames, .. } => {
                videos("google_push_tfrecord", given(*frames))
            }
            Self::Npy { .. } => videos("npy", None),
            Self::FacialKeypoints => keypoints("facial_keypoints"),
            Self::Kaggle { .. } => keypoints("kaggle"),
            Self::MovingMnist => videos("moving_mnist", Some(20)),
            Self::MovingMnistDrawn { frames, .. } => {
                videos("moving_mnist_drawn", Some(frames.get()))
            }
            Self::MovingMnistIdx { frames, .. } => videos("moving_mnist_idx", Some(frames.get())),
            Self::MnistTestSeq { .. } => videos("mnist_test_seq", None),
            Self::WeizmannLike => videos("weizmann_like", Some(36)),
            Self::Strips { .. } => videos("strips", None),
            Self::Videos { .. } => videos("videos", None),
            Self::MovingSquare { frames, .. } => videos("moving_square", Some(frames.get())),
        }
    }

    /// Returns a folder in the BAIR layout, with the defaults of all other settings.
    pub const fn bair(root: PathBuf) -> Self {
        Self::Bair { root, resize: None }
    }

    /// Returns a folder of strips, with the defaults of all other settings.
    pub const fn strips(root: PathBuf) -> Self {
        Self::Strips { root, shortest: shortest(), resize: None }
    }

    /// Returns a folder of video files, with the defaults of all other settings.
    pub const fn videos(root: PathBuf) -> Self {
        let (side, shortest) = (video_side(), shortest_file());
        Self::Videos { root, side, shortest, names: None, timing: VideoTiming::Frames }
    }

    /// Returns Moving MNIST drawn from MNIST's files in `root`, with the defaults of all other settings.
    pub const fn moving_mnist_idx(root: PathBuf) -> Self {
        Self::MovingMnistIdx {
            root,
            sampling: DigitSampling::Streams,
            scene: DigitScene::ORIGINAL,
            frames: digit_frames(),
            sequences: digit_sequences(),
        }
    }

    /// Returns the videos in an array file, with the defaults of all other settings.
    pub const fn mnist_test_seq(file: PathBuf) -> Self {
        Self::MnistTestSeq { file, sequences: None, axes: None, key: None }
    }

    /// Returns the key and the path of its files; nothing if it is embedded or drawn in memory.
    pub fn location(&self) -> Option<(&'static str, &Path)> {
        match self {
            Self::Bair { root, .. }
            | Self::BerkeleyTfrecord { root, .. }
            | Self::GooglePushTfrecord { root, .. }
            | Self::Npy { root }
            | Self::Kaggle { root, .. }
            | Self::MovingMnistIdx { root, .. }
            | Self::Strips { root, .. }
            | Self::Videos { root, .. } => Some(("root", root)),
            Self::MnistTestSeq { file, .. } => Some(("file", file)),
            Self::SawyerPush
            | Self::FacialKeypoints
            | Self::MovingMnist
            | Self::MovingMnistDrawn { .. }
            | Self::WeizmannLike
            | Self::MovingSquare { .. } => None,
        }
    }

    /// Returns the name as a sweep file spells it.
    pub const fn name(&self) -> &'static str {
        self.facts().name
    }

    /// Returns the frames per sequence, if known before the data are read.
    pub const fn frames(&self) -> Option<u64> {
        self.facts().frames
    }

    /// Returns what a sequence shows, if it is drawn from digits.
    pub const fn scene(&self) -> Option<DigitScene> {
        match self {
            Self::MovingMnist => Some(DigitScene::ORIGINAL),
            Self::MovingMnistDrawn { scene, .. } | Self::MovingMnistIdx { scene, .. } => {
                Some(*scene)
            }
            _ => None,
        }
    }

    /// Returns whether the data set consists of frames or of keypoints.
    pub const fn content(&self) -> Content {
        self.facts().content
    }
}

/// Objects that the robot pushes in the test split of the Google data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TestObjects {
    /// Those of the training split: the folder `push_testseen`.
    #[default]
    Seen,
    /// Others: the folder `push_testnovel`.
    Novel,
}

impl TestObjects {
    /// Returns the name of the folder.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Seen => "push_testseen",
            Self::Novel => "push_testnovel",
        }
    }
}

/// Use of the times for which the frames of a GIF file are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum VideoTiming {
    /// Every frame is used once, with a warning if times differ.
    #[default]
    Frames,
    /// A frame is repeated for as long as it is shown, in units of the greatest common divisor of all
    /// times.
    Expand,
}

/// Scaling of frames to squares, as Pillow does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrameResize {
    /// Height and width in pixels.
    pub side: Count,
    /// Weights of the neighbouring pixels.
    #[serde(default)]
    pub filter: ResizeFilter,
}

/// Filter of Pillow's `Image.resize`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ResizeFilter {
    /// Linear interpolation with antialiasing, also the default of torchvision's `Resize`.
    #[default]
    Bilinear,
    /// Cubic interpolation with antialiasing.
    Bicubic,
}

/// Sequences per split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitSizes {
    /// Training sequences.
    pub train: Count,
    /// Validation sequences.
    pub validate: Count,
    /// Test sequences.
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

/// Shortest video that MoCoGAN reads (`min_len`).
const fn shortest() -> Count {
    Count::literal(32)
}

/// Length of the videos of MoCoGAN (`video_length`).
const fn shortest_file() -> Count {
    Count::literal(16)
}

/// Side of the frames of MoCoGAN.
const fn video_side() -> Count {
    Count::literal(64)
}

/// Frames of a sequence of the Moving MNIST original.
const fn digit_frames() -> Count {
    Count::literal(20)
}

/// As many sequences as an epoch of the Moving MNIST original has, and a tenth for each other split.
const fn digit_sequences() -> SplitSizes {
    SplitSizes {
        train: Count::literal(10_000),
        validate: Count::literal(1000),
        test: Count::literal(1000),
    }
}

/// Sequences of the embedded Moving MNIST.
pub const EMBEDDED_DIGIT_SEQUENCES: SplitSizes = SplitSizes {
    train: Count::literal(1000),
    validate: Count::literal(100),
    test: Count::literal(100),
};

const fn embedded_digit_sequences() -> SplitSizes {
    EMBEDDED_DIGIT_SEQUENCES
}

/// Order of the first two axes of an array of videos.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ArrayAxes {
    /// `[frame, sequence, ...]`, as in `mnist_test_seq.npy`.
    FrameFirst,
    /// `[sequence, frame, ...]`, as other programs save it.
    SequenceFirst,
}

/// What a data set consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Sequences of frames.
    Frames,
    /// Single images with keypoints.
    Keypoints,
}

/// Coordinates to read of a table of keypoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum KeypointColumns {
    /// All columns of coordinates, in the order of the file.
    #[default]
    All,
    /// The listed columns, in the listed order (`load(cols=...)`; the original's `load2d` ignores
    /// this argument).
    Named(Vec<String>),
}

/// How complete rows are divided into splits, after scikit-learn's `shuffle(random_state=42)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RowSplit {
    /// The first rows are the training split, the next ones the validation split, the last ones the
    /// test split.
    Shares(Shares),
    /// As in the original: all rows are the training split. The original reports only its training
    /// error, so here the validation and test splits repeat the training rows.
    Document,
}

/// Shares of the complete rows, each rounded down to whole rows, but at least one row. The remaining
/// rows are the training split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Shares {
    /// Share of the rows in the validation split.
    pub validate: Fraction,
    /// Share of the rows in the test split.
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

/// What to do with a data set that has equal sequences in two splits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Overlap {
    /// Train nothing: scores on sequences that were trained on do not show how well a model predicts
    /// new ones.
    #[default]
    Refuse,
    /// Use the data set as it is.
    Allow,
}

/// Order in which training visits sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Sampler {
    /// One permutation of all sequences per pass, drawn from the run's seed. Passes follow each other
    /// without a gap, so every batch is full and all sequences are used. For every system.
    #[default]
    EpochPermutation,
    /// As in the cvae original: the shuffled indices of PyTorch's `DataLoader` are only used as seeds
    /// of NumPy, which then draws sequences with replacement. Every pass is seeded again. For every
    /// system except `rcn`.
    Original {
        /// `num_workers` of the `DataLoader`. With 0, the main process loads the data.
        workers: u32,
    },
    /// As in the rcn original (`iterate_minibatches` with `shuffle=True`): one NumPy generator draws
    /// all permutations, and every pass drops its last, incomplete batch. The original does not seed
    /// the generator; here the run's seed is used. Only for `rcn`.
    Minibatches,
    /// Training draws a new sequence for every place in a batch, from the run's seed, and uses none twice. The convlstm
    /// original does the same. Only for data sets that are drawn from digits, and for systems that predict frames.
    Fresh,
}

impl Sampler {
    /// Returns the name as a sweep file spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EpochPermutation => "epoch_permutation",
            Self::Original { .. } => "original",
            Self::Minibatches => "minibatches",
            Self::Fresh => "fresh",
        }
    }

    /// Returns the largest seed: the generators of NumPy and PyTorch that the originals use take 32 bits.
    pub const fn largest_seed(self) -> Seed {
        match self {
            Self::EpochPermutation | Self::Fresh => Seed::MAX,
            Self::Original { .. } | Self::Minibatches => Seed(u32::MAX as u64),
        }
    }
}

/// One of the three parts of a data set.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Fits the parameters.
    Train,
    /// Selects the best checkpoint.
    Validate,
    /// Scored once, with the best checkpoint.
    Test,
}

impl Split {
    /// All splits in the order in which they are listed and packed.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validate, Self::Test];

    /// Returns the name as files spell it, and as the BAIR layout names the folder.
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
