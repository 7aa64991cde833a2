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
use moving_mnist::sets;
use origin::origin;
use rgb_image::CHANNELS;
use sawyer_push::SAWYER_PUSH;
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
mod origin;
mod pack;
pub mod protobuf;
mod publish;
mod pushing;
pub mod resize;
pub mod rgb_image;
mod rgb_png;
pub mod sampler;
mod sawyer_push;
mod source_files;
pub mod strips;
pub mod tfrecord;
pub mod video_set;
pub mod videos;
mod weizmann_like;

pub use crate::config::data::Split;
pub use bair::{FrameFault, FrameShape, Required, TableFault};
pub use error::{DataError, Fault};
pub use pack::{Pack, PackFault, Sequence};
pub use pushing::import::{Imported, arrays, import};

/// How far a data set is; a [`Watch`] is told as often as it changes.
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

/// Hears how far a data set is.
pub type Watch<'a> = &'a mut dyn FnMut(Progress);

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
    progress: Watch<'_>,
) -> Result<Pack, DataError> {
    origin(dataset).open(required, cache, progress)
}

/// Returns everything that is wrong or doubtful about a data set, reading all of it.
pub fn check(dataset: &Dataset, required: Required, progress: Watch<'_>) -> Vec<Fault> {
    origin(dataset).check(required, progress)
}

/// Writes a folder of sequences or clips as a pack that can be given away; compressed if its name ends
/// in `.zst`.
///
/// # Errors
/// If something is wrong with the data, or a pack of such data is never given away.
pub fn pack(dataset: &Dataset, out: &Path, progress: Watch<'_>) -> Result<(), DataError> {
    let never = || Err(DataError::NotPacked { name: dataset.name() });
    origin(dataset).pack(out, progress).unwrap_or_else(never)
}

/// Returns what data set a folder holds, by what lies in it: clips, a table of keypoints, TFRecord
/// files, `.npy` files, or else the BAIR layout.
///
/// `frames` are those to take of a TFRecord, by default those of the first that can be read.
///
/// # Errors
/// If it cannot be read, or its first record is in no known layout.
pub fn recognise(root: &Path, frames: Option<Count>) -> Result<Dataset, DataError> {
    if let Some(clips) = clips::recognise(root)? {
        return Ok(clips);
    }
    if let Some(table) = keypoints::recognise(root)? {
        return Ok(table);
    }
    let pushing = pushing::import::recognise(root, frames)?;
    Ok(pushing.unwrap_or_else(|| Dataset::Bair { root: root.to_owned() }))
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
    let known = |name, about, sizes| Known { name, about, sizes };
    let digits = Sizes {
        frame_shape: sets::FRAME_SHAPE,
        frames: sets::EMBEDDED.frames.get(),
        sequences: Split::ALL.map(|split| sets::EMBEDDED.sequences.of(split).get()),
    };
    vec![
        known(
            "sawyer_push",
            "simulated Sawyer arm pushing objects, embedded in this program (default)",
            Some(Sizes::of(&SAWYER_PUSH)),
        ),
        known(
            "facial_keypoints",
            "rendered faces with fifteen keypoints each, 96x96 grey, embedded in this program",
            Some(Sizes::of(&FACIAL_KEYPOINTS)),
        ),
        known("kaggle", "Kaggle's facial keypoints: a folder with training.csv", None),
        known(
            "bair",
            "a folder in the BAIR layout: {train,validate,test}/*/*/ with 0.png, 1.png, ..., \
             actions.csv and endeffector_positions.csv",
            None,
        ),
        known(
            "berkeley_tfrecord",
            "TFRecord files of the Berkeley pushing data, in the folders train and test",
            None,
        ),
        known(
            "google_push_tfrecord",
            "TFRecord files of the Google pushing data, in push_train and push_testseen",
            None,
        ),
        known("npy", "`.npy` files that a map.csv lists, in the folders train and test", None),
        known(
            "moving_mnist",
            "two MNIST digits that bounce about, grey, embedded in this program",
            Some(digits),
        ),
        known(
            "moving_mnist_idx",
            "Moving MNIST drawn from the files train-images-idx3-ubyte and \
             t10k-images-idx3-ubyte of a folder, plain or gzipped",
            None,
        ),
        known(
            "mnist_test_seq",
            "the published test file mnist_test_seq.npy, divided as the sweep file says",
            None,
        ),
        known(
            "weizmann_like",
            "drawn people performing five actions, embedded in this program; frames of the \
             shortest clip",
            Some(Sizes::of(&WEIZMANN_LIKE)),
        ),
        known("strips", "clips as picture strips, CATEGORY/CLIP.png, as MoCoGAN reads them", None),
        known(
            "videos",
            "clips as AVI (Motion JPEG) or GIF files, CATEGORY/CLIP.avi or \
             PERSON_CATEGORY.avi",
            None,
        ),
        known(
            "moving_square",
            "a square pushed about by its actions, drawn on the fly, for tests",
            None,
        ),
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
