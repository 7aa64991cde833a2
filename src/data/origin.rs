//! What stands behind the name of a data set: [`origin`] is the one place that knows them all.

use std::path::Path;

use super::{
    Required, Watch,
    clips::ClipFolder,
    error::{DataError, Fault},
    facial_keypoints::FACIAL_KEYPOINTS,
    folder::BairFolder,
    keypoints::Table,
    moving_mnist::{
        sets::{DigitFiles, EmbeddedDigits, Recipe},
        test_seq::TestFile,
    },
    moving_square::MovingSquare,
    pack::Pack,
    pushing::PushingFolder,
    sawyer_push::SAWYER_PUSH,
    tfrecord::RecordLayout,
    weizmann_like::WEIZMANN_LIKE,
};
use crate::config::data::Dataset;

/// Where the sequences of a data set come from.
pub(super) trait Origin {
    /// Opens the data through their pack in the folder `cache`, if they are not drawn in memory.
    fn open(
        &self,
        required: Required,
        cache: &Path,
        progress: Watch<'_>,
    ) -> Result<Pack, DataError>;

    /// Returns everything that is wrong or doubtful, reading all of the data.
    fn check(&self, required: Required, progress: Watch<'_>) -> Vec<Fault>;

    /// Writes a pack that can be given away; returns nothing if packs of such data never are.
    fn pack(&self, _out: &Path, _progress: Watch<'_>) -> Option<Result<(), DataError>> {
        None
    }
}

/// Returns where the sequences of a data set come from.
pub(super) fn origin(dataset: &Dataset) -> Box<dyn Origin + '_> {
    match *dataset {
        Dataset::SawyerPush => Box::new(SAWYER_PUSH),
        Dataset::FacialKeypoints => Box::new(FACIAL_KEYPOINTS),
        Dataset::WeizmannLike => Box::new(WEIZMANN_LIKE),
        Dataset::Kaggle { ref root, ref columns, split } => {
            Box::new(Table { root, columns, split })
        }
        Dataset::Bair { ref root } => Box::new(BairFolder { root }),
        Dataset::BerkeleyTfrecord { ref root, frames } => {
            Box::new(PushingFolder::Records { root, layout: RecordLayout::Berkeley, frames })
        }
        Dataset::GooglePushTfrecord { ref root, frames } => {
            Box::new(PushingFolder::Records { root, layout: RecordLayout::GooglePush, frames })
        }
        Dataset::Npy { ref root } => Box::new(PushingFolder::Arrays { root }),
        Dataset::MovingMnist => Box::new(EmbeddedDigits),
        Dataset::MovingMnistIdx { ref root, sampling, frames, sequences } => {
            Box::new(DigitFiles { root, recipe: Recipe { sampling, frames, sequences } })
        }
        Dataset::MnistTestSeq { ref file, sequences } => Box::new(TestFile { file, sequences }),
        Dataset::Strips { ref root, shortest } => Box::new(ClipFolder::Strips { root, shortest }),
        Dataset::Videos { ref root, side, shortest } => {
            Box::new(ClipFolder::Videos { root, side, shortest })
        }
        Dataset::MovingSquare { sequences, frames } => Box::new(MovingSquare { sequences, frames }),
    }
}
