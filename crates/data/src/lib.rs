//! Sequences of frames with actions and positions, decoded once into a pack with digests.
//!
//! [`open`] turns a [`Dataset`](reprise_base::config::data::Dataset) into a [`Pack`], [`check`] lists
//! everything that is wrong with one, [`list()`] names all. Nothing here uses tensors: a batch is a list
//! of sequence indices, a frame is bytes. Invalid input is refused with the file, row or frame; the
//! size of a file is checked before it is read.
//!
//! From bottom to top: readers of one file format each; `pack`; `error` and `origin`, which all kinds of
//! data sets share; the kinds; `registry`, the list of them.

mod bair;
mod cache;
mod canvas;
mod detect;
mod embedded;
mod equal;
mod error;
pub mod files;
mod findings;
#[cfg(fuzzing)]
pub mod fuzz;
pub mod idx;
mod image_file;
mod image_kinds;
pub mod jpeg;
pub mod kaggle;
mod keypoints;
mod listing;
pub mod map_csv;
pub mod moving_mnist;
mod moving_square;
mod natural;
pub mod npy;
pub mod npz;
mod origin;
mod pack;
pub mod png_file;
mod progress;
pub mod protobuf;
mod publish;
mod pushing;
mod registry;
pub mod resize;
pub mod rgb_image;
pub mod sampler;
mod scale;
mod sequence;
mod sheet;
mod signature;
mod source_files;
mod split_folders;
pub mod strips;
mod summary;
pub mod tfrecord;
mod video_folder;
pub mod video_grid;
pub mod video_set;
pub mod videos;

pub use bair::{BairError, FrameError, TableError};
pub use detect::{detect, embedded};
pub use error::DataError;
pub use findings::Findings;
pub use image_file::ImageError;
pub use keypoints::KeypointError;
pub use moving_mnist::MovingMnistError;
pub use origin::Required;
pub use pack::{Pack, PackError, Sequence};
pub use progress::{Progress, Watch};
pub use pushing::{
    PushingError,
    import::{Imported, arrays, import},
};
pub use registry::{Checked, DatasetSizes, ListedDataset, check, check_overlap, list, open, pack};
pub use reprise_base::config::data::Split;
pub use sequence::HwcShape;
pub use sheet::{ContactSheet, SheetSize, ShownSequence, keypoint_sheet};
pub use summary::{DataSummary, Fact, SplitSummary};
pub use video_folder::VideoFolderError;

#[cfg(test)]
mod tests;

#[cfg(test)]
mod hostile_bair;

#[cfg(test)]
mod hostile_readers;
