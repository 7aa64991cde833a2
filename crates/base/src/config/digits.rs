//! What the data sets of Moving MNIST show.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scalar::Count;

/// Random numbers that choose the digits of Moving MNIST and their paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DigitSampling {
    #[default]
    /// One random stream per split, with independent draws per sequence. The last tenth of MNIST's
    /// training digits is used only in the validation split.
    Streams,
    /// NumPy's generator in the original's order. One data set is drawn from the training digits: its
    /// first sequences are the training split, the next ones the validation split. Another is drawn
    /// from the test digits: the test split.
    Original {
        /// Index of the first item that is requested from a data set. The original seeds NumPy with
        /// this index, once.
        first_index: u32,
    },
}

/// Height and width of a digit in pixels; MNIST's 28 pixels are resized to it.
pub const DIGIT_SIDE: usize = 32;

/// What a sequence of Moving MNIST shows. The defaults are the original's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DigitScene {
    /// Digits in a frame (`num_digits`).
    pub digits: Count,
    /// Height and width of a frame in pixels (`image_size`), more than the 32 of a digit.
    pub side: Count,
    /// How the velocity of a digit changes at a wall.
    pub bounce: Bounce,
}

impl DigitScene {
    /// Two digits in 64×64 pixels.
    pub const ORIGINAL: Self =
        Self { digits: Count::literal(2), side: Count::literal(64), bounce: Bounce::Mirrored };
}

impl Default for DigitScene {
    fn default() -> Self {
        Self::ORIGINAL
    }
}

/// How the velocity of a digit changes at a wall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Bounce {
    /// Its component across the wall changes sign (`deterministic=True`), so the first frames decide
    /// all others.
    #[default]
    Mirrored,
    /// It is drawn again, pointing away from the wall (`deterministic=False`), so the future is
    /// stochastic: Stochastic Moving MNIST of Denton & Fergus 2018.
    Redrawn,
}
