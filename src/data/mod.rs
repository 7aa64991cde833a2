//! Sequences of frames with actions, decoded once into a checksummed pack.
//!
//! [`open`] turns a [`Dataset`] into a [`Pack`], [`check`] lists everything that is wrong with one,
//! [`list`] says which there are. Nothing here knows a tensor: a batch is a list of sequence
//! indices, a frame is bytes. Broken input is refused with the file and the row or frame at fault;
//! what is read is limited before it is read.

use std::path::Path;

use serde::Serialize;

use crate::{config::data::Dataset, scalar::Count};
use embedded::Embedded;
use facial_keypoints::FACIAL_KEYPOINTS;
use keypoints::Table;
use moving_mnist::{
    sets::{self, Recipe},
    test_seq,
};
use pushing::Origin;
use sawyer_push::SAWYER_PUSH;
use tfrecord::Layout;
use weizmann_like::WEIZMANN_LIKE;

mod bair;
mod cache;
mod clips;
mod embedded;
mod error;
mod facial_keypoints;
pub mod files;
mod folder;
pub mod idx;
pub mod jpeg;
pub mod kaggle;
mod keypoints;
pub mod map_csv;
pub mod moving_mnist;
mod moving_square;
mod natural;
pub mod npy;
pub mod npz;
mod pack;
mod pushing;
pub mod resize;
pub mod sampler;
mod sawyer_push;
mod source_files;
pub mod strips;
pub mod tfrecord;
pub mod videos;
mod weizmann_like;

pub use crate::config::data::Split;
pub use bair::{FrameFault, FrameShape, Required, TableFault};
pub use error::{DataError, Fault};
pub use pack::{Pack, PackFault, Sequence};
pub use pushing::import::{Imported, arrays, import};

/// How far a data set is; told to the caller as often as it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Another process makes the pack; this one waits for it.
    Waiting,
    /// Sequences are decoded.
    Decoding {
        /// Sequences decoded so far.
        done: u64,
        /// Sequences of all splits.
        total: u64,
    },
    /// A pack is verified.
    Verifying {
        /// Bytes hashed so far.
        bytes: u64,
        /// Bytes of the pack.
        total: u64,
    },
}

impl Progress {
    fn decoding(index: usize, total: usize) -> Self {
        Self::Decoding { done: index as u64 + 1, total: total as u64 }
    }
}

/// Opens a data set; packs are kept in the folder `cache`.
///
/// A pack that is damaged or older than its sources is made again, which the pack's
/// [`warnings`](Pack::warnings) then say.
pub fn open(
    dataset: &Dataset,
    required: Required,
    cache: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Pack, DataError> {
    match dataset {
        Dataset::SawyerPush => SAWYER_PUSH.open(cache, progress),
        Dataset::FacialKeypoints => FACIAL_KEYPOINTS.open(cache, progress),
        Dataset::WeizmannLike => WEIZMANN_LIKE.open(cache, progress),
        Dataset::Kaggle { root, columns, split } => {
            keypoints::open(Table { root, columns, split: *split }, cache, progress)
        }
        Dataset::Strips { root, shortest } => {
            clips::open(clips::Origin::Strips { root, shortest: *shortest }, cache, progress)
        }
        Dataset::Videos { root, side, shortest } => {
            let (side, shortest) = (*side, *shortest);
            clips::open(clips::Origin::Videos { root, side, shortest }, cache, progress)
        }
        Dataset::Bair { root } => folder::open(root, required, cache, progress),
        Dataset::BerkeleyTfrecord { root, frames } => {
            let layout = Layout::Berkeley;
            pushing::open(
                Origin::Records { root, layout, frames: *frames },
                required,
                cache,
                progress,
            )
        }
        Dataset::GooglePushTfrecord { root, frames } => {
            let layout = Layout::GooglePush;
            pushing::open(
                Origin::Records { root, layout, frames: *frames },
                required,
                cache,
                progress,
            )
        }
        Dataset::Npy { root } => pushing::open(Origin::Arrays { root }, required, cache, progress),
        Dataset::MovingMnist => sets::open_embedded(cache, progress),
        Dataset::MovingMnistIdx { root, sampling, frames, sequences } => {
            let recipe = Recipe { sampling: *sampling, frames: *frames, sequences: *sequences };
            sets::open_idx(root, recipe, cache, progress)
        }
        Dataset::MnistTestSeq { file, sequences } => {
            test_seq::open(file, *sequences, cache, progress)
        }
        Dataset::MovingSquare { sequences, frames } => {
            moving_square::open(*sequences, *frames, progress)
        }
    }
}

/// Returns what data set a folder holds, by what lies in it; `frames` are those to take of a TFRecord,
/// by default those of the first.
///
/// # Errors
/// If it cannot be read, or its first record is in no known layout.
pub fn recognise(root: &Path, frames: Option<Count>) -> Result<Dataset, DataError> {
    match clips::recognise(root)? {
        Some(clips) => Ok(clips),
        None => pushing::import::recognise(root, frames),
    }
}

/// Returns everything that is wrong or doubtful about a data set, reading all of it.
pub fn check(
    dataset: &Dataset,
    required: Required,
    progress: &mut dyn FnMut(Progress),
) -> Vec<Fault> {
    let whole = match dataset {
        Dataset::Bair { root } => return folder::check(root, required, progress),
        Dataset::BerkeleyTfrecord { root, frames } => {
            let origin = Origin::Records { root, layout: Layout::Berkeley, frames: *frames };
            return pushing::check(origin, required, progress);
        }
        Dataset::GooglePushTfrecord { root, frames } => {
            let origin = Origin::Records { root, layout: Layout::GooglePush, frames: *frames };
            return pushing::check(origin, required, progress);
        }
        Dataset::Npy { root } => {
            return pushing::check(Origin::Arrays { root }, required, progress);
        }
        Dataset::Kaggle { root, columns, split } => {
            return keypoints::check(Table { root, columns, split: *split });
        }
        Dataset::SawyerPush => SAWYER_PUSH.check(progress),
        Dataset::FacialKeypoints => FACIAL_KEYPOINTS.check(progress),
        Dataset::MovingMnist => sets::check_embedded(progress),
        Dataset::MovingMnistIdx { root, sampling, frames, sequences } => {
            let recipe = Recipe { sampling: *sampling, frames: *frames, sequences: *sequences };
            sets::check_idx(root, recipe, progress)
        }
        Dataset::MnistTestSeq { file, sequences } => test_seq::check(file, *sequences, progress),
        Dataset::WeizmannLike => WEIZMANN_LIKE.check(progress),
        Dataset::Strips { root, shortest } => {
            return clips::check(clips::Origin::Strips { root, shortest: *shortest });
        }
        Dataset::Videos { root, side, shortest } => {
            let (side, shortest) = (*side, *shortest);
            return clips::check(clips::Origin::Videos { root, side, shortest });
        }
        Dataset::MovingSquare { sequences, frames } => moving_square::check(*sequences, *frames),
    };
    whole.err().into_iter().map(Fault::Error).collect()
}

/// Writes a folder of sequences or clips as a pack that can be given away; compressed if its name ends
/// in `.zst`.
///
/// # Errors
/// If something is wrong with the data, or a pack of such data is never given away.
pub fn pack(
    dataset: &Dataset,
    out: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), DataError> {
    match dataset {
        Dataset::Bair { root } => folder::pack(root, out, progress),
        Dataset::Strips { root, shortest } => {
            clips::pack(clips::Origin::Strips { root, shortest: *shortest }, out, progress)
        }
        Dataset::Videos { root, side, shortest } => {
            let (side, shortest) = (*side, *shortest);
            clips::pack(clips::Origin::Videos { root, side, shortest }, out, progress)
        }
        Dataset::Kaggle { root, columns, split } => {
            let table = Table { root, columns, split: *split };
            folder::published(out, |file| keypoints::pack(table, file, progress))
        }
        Dataset::SawyerPush
        | Dataset::WeizmannLike
        | Dataset::FacialKeypoints
        | Dataset::MovingMnist
        | Dataset::MovingMnistIdx { .. }
        | Dataset::MnistTestSeq { .. }
        | Dataset::BerkeleyTfrecord { .. }
        | Dataset::GooglePushTfrecord { .. }
        | Dataset::Npy { .. }
        | Dataset::MovingSquare { .. } => Err(DataError::NotPacked { name: dataset.name() }),
    }
}

/// A data set that a sweep file can name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Known {
    /// Its name in a sweep file.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Its sizes, if they do not depend on the sweep file.
    pub sizes: Option<Sizes>,
}

/// How much there is of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// Height, width and channels of a frame.
    pub frame_shape: FrameShape,
    /// Frames of a sequence.
    pub frames: u64,
    /// Sequences by split, in the order of [`Split::ALL`].
    pub sequences: [u64; 3],
}

impl Sizes {
    const fn of(embedded: &Embedded) -> Self {
        let Embedded { frame_shape, frames, sequences, .. } = *embedded;
        Self { frame_shape, frames, sequences }
    }
}

/// Returns the data sets that a sweep file can name.
pub fn list() -> Vec<Known> {
    vec![
        Known {
            name: "sawyer_push",
            about: "simulated Sawyer arm pushing objects, embedded in this program (default)",
            sizes: Some(Sizes::of(&SAWYER_PUSH)),
        },
        Known {
            name: "facial_keypoints",
            about: "rendered faces with fifteen keypoints each, 96x96 grey, embedded in this program",
            sizes: Some(Sizes::of(&FACIAL_KEYPOINTS)),
        },
        Known {
            name: "kaggle",
            about: "Kaggle's facial keypoints: a folder with training.csv",
            sizes: None,
        },
        Known {
            name: "bair",
            about: "a folder in the BAIR layout: {train,validate,test}/*/*/ with 0.png, 1.png, ..., \
                    actions.csv and endeffector_positions.csv",
            sizes: None,
        },
        Known {
            name: "berkeley_tfrecord",
            about: "TFRecord files of the Berkeley pushing data, in the folders train and test",
            sizes: None,
        },
        Known {
            name: "google_push_tfrecord",
            about: "TFRecord files of the Google pushing data, in push_train and push_testseen",
            sizes: None,
        },
        Known {
            name: "npy",
            about: "`.npy` files that a map.csv lists, in the folders train and test",
            sizes: None,
        },
        Known {
            name: "moving_mnist",
            about: "two MNIST digits that bounce about, grey, embedded in this program",
            sizes: Some(Sizes {
                frame_shape: sets::FRAME_SHAPE,
                frames: sets::EMBEDDED.frames.get(),
                sequences: Split::ALL.map(|split| sets::EMBEDDED.sequences.of(split).get()),
            }),
        },
        Known {
            name: "moving_mnist_idx",
            about: "Moving MNIST drawn from the files train-images-idx3-ubyte and \
                    t10k-images-idx3-ubyte of a folder, plain or gzipped",
            sizes: None,
        },
        Known {
            name: "mnist_test_seq",
            about: "the published test file mnist_test_seq.npy, divided as the sweep file says",
            sizes: None,
        },
        Known {
            name: "weizmann_like",
            about: "drawn people performing five actions, embedded in this program; frames of the \
                    shortest clip",
            sizes: Some(Sizes::of(&WEIZMANN_LIKE)),
        },
        Known {
            name: "strips",
            about: "clips as picture strips, CATEGORY/CLIP.png, as MoCoGAN reads them",
            sizes: None,
        },
        Known {
            name: "videos",
            about: "clips as AVI (Motion JPEG) or GIF files, CATEGORY/CLIP.avi or \
                    PERSON_CATEGORY.avi",
            sizes: None,
        },
        Known {
            name: "moving_square",
            about: "a square pushed about by its actions, drawn on the fly, for tests",
            sizes: None,
        },
    ]
}

#[cfg(test)]
mod tests;

#[cfg(test)]
#[path = "../../tests/it/hostile_bair.rs"]
mod hostile_bair;

#[cfg(test)]
#[path = "../../tests/it/hostile_readers.rs"]
mod hostile_readers;
