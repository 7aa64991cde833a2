//! The ported systems, one module each.
//!
//! A model opens no file, reads no clock, draws no random number and prints nothing: noise comes in
//! through [`NoiseSource`], results go out as values.

pub mod convlstm;
pub mod cvae;
pub mod mocogan;
pub mod physical_interaction;
pub mod rcn;

use tch::Tensor;

/// Where a model's Gaussian noise comes from: a named stream in training, a recording when a model
/// is held against a reference.
pub trait NoiseSource {
    /// Returns N(0, 1) noise for one draw, in the kind and on the device of `like`.
    ///
    /// `draw` is the time step of the frame that is predicted, and 0 for noise without one; within a
    /// purpose, draws are asked for in the order of the original.
    fn standard_normal(
        &mut self,
        purpose: NoisePurpose,
        draw: u64,
        shape: &[i64],
        like: &Tensor,
    ) -> Tensor;
}

/// Where noise and choices come from, for models that also choose at random.
pub trait RandomSource: NoiseSource {
    /// Returns the whole numbers of one choice.
    fn choose(&mut self, purpose: ChoicePurpose, choice: IndexChoice) -> Vec<i64>;
}

/// Whole numbers to be drawn evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexChoice {
    /// Each on its own.
    Independent {
        /// How many.
        count: i64,
        /// Above the largest; the smallest is 0.
        below: i64,
    },
    /// No two alike, in any order.
    Distinct {
        /// How many, at most `below`.
        count: i64,
        /// Above the largest; the smallest is 0.
        below: i64,
    },
}

/// What noise is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoisePurpose {
    /// z from the posterior in training.
    Posterior,
    /// z from the learned prior in training; drawn and thrown away, as in the original.
    Prior,
    /// z in a roll-out.
    Rollout,
    /// The content code of a video.
    Content,
    /// The state from which the motion of a video starts.
    MotionStart,
    /// What drives the motion: once a frame, or once a video where it is repeated at every frame.
    Motion,
    /// Noise on the input of a discriminator's layer.
    Instance,
}

/// What is chosen at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChoicePurpose {
    /// The category of each generated video.
    Category,
    /// Which frames of generated videos are shown to the image discriminator.
    Frames,
    /// Where a part is cut from a longer sequence of motion.
    Start,
}
