//! All data sets: what they are called and what opens each.

use std::path::Path;

use serde::Serialize;

use super::{
    bair::BairFolder,
    embedded::{Embedded, FACIAL_KEYPOINTS, SAWYER_PUSH, WEIZMANN_LIKE},
    error::DataError,
    findings::Findings,
    keypoints::KeypointTable,
    moving_mnist::{
        sets::{self, DigitFolder, DrawnDigits, EmbeddedDigits},
        test_seq::TestFile,
    },
    moving_square::MovingSquare,
    origin::{DataOrigin, Required},
    pack::Pack,
    progress::Watch,
    pushing::PushingFolder,
    sequence::HwcShape,
    summary::DataSummary,
    tfrecord::RecordLayout,
    video_folder::VideoFolder,
    videos::VideoSettings,
};
use reprise_base::config::data::{Dataset, Overlap, Split, TestObjects};

/// Fewer levels than this between the smallest and the largest value of all frames are doubtful.
const FEW_LEVELS: u8 = 4;

/// Opens a data set. Packs are kept in the folder `cache`.
///
/// A pack that is damaged or older than its sources is made again; the pack's
/// [`warnings`](Pack::warnings) then say why.
pub fn open(
    dataset: &Dataset,
    required: Required,
    cache: &Path,
    progress: Watch<'_>,
) -> Result<Pack, DataError> {
    if let Some((_, path)) = dataset.location().filter(|(_, path)| path.starts_with("~")) {
        return Err(DataError::Tilde { path: path.to_owned() });
    }
    let pack = origin(dataset).open(required, cache, progress)?;
    match pack.summary().values {
        [low, high] if low == high => {
            Err(DataError::Constant { origin: pack.origin().to_owned(), value: low })
        }
        [low, high] if high - low < FEW_LEVELS => {
            let warning = format!(
                "frames have only values from {low} to {high}: were values between 0 and 1 rounded?"
            );
            Ok(pack.with_warnings(vec![warning]))
        }
        _ => Ok(pack),
    }
}

/// Refuses a data set with equal sequences in two splits, unless they are allowed.
///
/// # Errors
/// If the pack has such sequences and `overlap` refuses them.
pub fn check_overlap(pack: &Pack, overlap: Overlap) -> Result<(), DataError> {
    match overlap {
        Overlap::Refuse if !pack.overlap().is_empty() => Err(DataError::Overlap {
            origin: pack.origin().to_owned(),
            pairs: pack.overlap().to_vec(),
        }),
        Overlap::Refuse | Overlap::Allow => Ok(()),
    }
}

/// A checked data set.
#[derive(Debug)]
pub struct Checked {
    /// Every error and warning.
    pub findings: Findings,
    /// What was understood, if the data set can be used.
    pub summary: Option<DataSummary>,
}

/// Reads all of a data set. If it can be used, its pack is then in the folder `cache`.
pub fn check(dataset: &Dataset, required: Required, cache: &Path, progress: Watch<'_>) -> Checked {
    let opened = open(dataset, required, cache, progress);
    let opened = opened.and_then(|pack| check_overlap(&pack, Overlap::Refuse).map(|()| pack));
    match opened {
        Ok(pack) => {
            let mut findings = Findings::default();
            pack.warnings().iter().for_each(|warning| findings.warn(warning.clone()));
            Checked { findings, summary: Some(pack.summary()) }
        }
        Err(error) => {
            // Opening stops at the first error; checking goes on after it.
            let mut findings = origin(dataset).check(required, progress);
            if findings.error_count() == 0 {
                findings.error(error);
            }
            Checked { findings, summary: None }
        }
    }
}

/// Writes a folder as a pack for distribution, compressed if the file's name ends in `.zst`.
///
/// # Errors
/// If the data set is damaged, or data sets of its kind cannot be packed.
pub fn pack(dataset: &Dataset, out: &Path, progress: Watch<'_>) -> Result<(), DataError> {
    let unsupported = || Err(DataError::NotPacked { name: dataset.name() });
    origin(dataset).pack(out, progress).unwrap_or_else(unsupported)
}

/// Returns where the sequences of a data set come from.
fn origin(dataset: &Dataset) -> Box<dyn DataOrigin + '_> {
    let drawn = || sets::settings(dataset).expect("it is drawn from digits");
    match *dataset {
        Dataset::SawyerPush => Box::new(SAWYER_PUSH),
        Dataset::FacialKeypoints => Box::new(FACIAL_KEYPOINTS),
        Dataset::WeizmannLike => Box::new(WEIZMANN_LIKE),
        Dataset::Kaggle { ref root, ref columns, split } => {
            Box::new(KeypointTable { root, columns, split })
        }
        Dataset::Bair { ref root, resize } => Box::new(BairFolder { root, resize }),
        Dataset::BerkeleyTfrecord { ref root, frames } => {
            let (layout, test_objects) = (RecordLayout::Berkeley, TestObjects::Seen);
            Box::new(PushingFolder::Records { root, layout, test_objects, frames })
        }
        Dataset::GooglePushTfrecord { ref root, test_objects, frames } => {
            let layout = RecordLayout::GooglePush;
            Box::new(PushingFolder::Records { root, layout, test_objects, frames })
        }
        Dataset::Npy { ref root } => Box::new(PushingFolder::Arrays { root }),
        Dataset::MovingMnist => Box::new(EmbeddedDigits),
        Dataset::MovingMnistDrawn { .. } => Box::new(DrawnDigits { settings: drawn() }),
        Dataset::MovingMnistIdx { ref root, .. } => {
            Box::new(DigitFolder { root, settings: drawn() })
        }
        Dataset::MnistTestSeq { ref file, sequences, axes, ref key } => {
            Box::new(TestFile { file, sequences, axes, key: key.as_deref() })
        }
        Dataset::Strips { ref root, shortest, resize } => {
            Box::new(VideoFolder::Strips { root, shortest, resize })
        }
        Dataset::Videos { ref root, side, shortest, ref names, timing } => {
            let names = names.as_ref();
            let settings = VideoSettings { side, shortest, names, timing };
            Box::new(VideoFolder::Videos { root, settings })
        }
        Dataset::MovingSquare { sequences, frames } => Box::new(MovingSquare { sequences, frames }),
    }
}

/// A data set in the list of all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedDataset {
    /// Its name in a sweep file.
    pub name: &'static str,
    pub about: &'static str,
    /// Absent if the sweep file or the files decide them.
    pub sizes: Option<DatasetSizes>,
}

/// The sizes of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DatasetSizes {
    pub frame_shape: HwcShape,
    /// Frames of the shortest sequence.
    pub frames: u64,
    /// Sequences by split, in the order of [`Split::ALL`].
    pub sequences: [u64; 3],
}

impl DatasetSizes {
    const fn of(embedded: &Embedded) -> Self {
        let Embedded { frame_shape, frames, sequences, .. } = *embedded;
        Self { frame_shape, frames, sequences }
    }
}

/// Returns the data sets that a sweep file can name.
pub fn list() -> Vec<ListedDataset> {
    let listed = |name, about, sizes| ListedDataset { name, about, sizes };
    let digits = DatasetSizes {
        frame_shape: sets::EMBEDDED.frame_shape(),
        frames: sets::EMBEDDED.frames.get(),
        sequences: Split::ALL.map(|split| sets::EMBEDDED.sequences.of(split).get()),
    };
    vec![
        listed(
            "sawyer_push",
            "simulated Sawyer arm pushing objects, embedded in this program (default)",
            Some(DatasetSizes::of(&SAWYER_PUSH)),
        ),
        listed(
            "facial_keypoints",
            "rendered faces with fifteen keypoints each, 96x96 grey, embedded in this program",
            Some(DatasetSizes::of(&FACIAL_KEYPOINTS)),
        ),
        listed("kaggle", "Kaggle's facial keypoints: a folder with training.csv", None),
        listed(
            "bair",
            "a folder in the BAIR layout: {train,validate,test}/*/*/ with 0.png, 1.png, ..., \
             actions.csv and endeffector_positions.csv",
            None,
        ),
        listed(
            "berkeley_tfrecord",
            "TFRecord files of the Berkeley pushing data, in the folders train and test",
            None,
        ),
        listed(
            "google_push_tfrecord",
            "TFRecord files of the Google pushing data, in the folders push_train and push_testseen or \
             push_testnovel",
            None,
        ),
        listed(
            "npy",
            "folders train and test, each with .npy files and a map.csv that lists them",
            None,
        ),
        listed(
            "moving_mnist",
            "two MNIST digits that move and bounce off walls, 64x64 grey, embedded in this program",
            Some(digits),
        ),
        listed(
            "moving_mnist_drawn",
            "Moving MNIST of the same digits, with a number, size and bounce of your own: \
             bounce = \"redrawn\" makes it stochastic",
            None,
        ),
        listed(
            "moving_mnist_idx",
            "Moving MNIST, drawn by this program from train-images-idx3-ubyte and \
             t10k-images-idx3-ubyte in a folder, plain or gzipped",
            None,
        ),
        listed(
            "mnist_test_seq",
            "the published test file mnist_test_seq.npy, or grey videos in another .npy or .npz file",
            None,
        ),
        listed(
            "weizmann_like",
            "videos of drawn people performing five actions, 64x64 RGB, embedded in this program; \
             the shortest has 36 frames",
            Some(DatasetSizes::of(&WEIZMANN_LIKE)),
        ),
        listed(
            "strips",
            "videos as strips of frames, CATEGORY/CLIP.png, as MoCoGAN reads them",
            None,
        ),
        listed(
            "videos",
            "videos as AVI (Motion JPEG) or GIF files, CATEGORY/CLIP.avi or PERSON_CATEGORY.avi",
            None,
        ),
        listed("moving_square", "a square moved by its actions, drawn in memory, for tests", None),
    ]
}
