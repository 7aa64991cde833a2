//! The ported systems, one module each.
//!
//! A model opens no file, reads no clock, draws no random number and prints nothing. Noise is an
//! argument ([`NoiseSource`], [`RandomSource`]); results are return values.

pub mod convlstm;
pub mod cvae;
pub mod mocogan;
pub mod physical_interaction;
pub mod rcn;

use tch::Tensor;

/// Source of a model's Gaussian noise: a named stream in training, recorded noise in a reference
/// case.
pub trait NoiseSource {
    /// Returns N(0, 1) noise for one draw, with the kind and device of `like`.
    ///
    /// `draw` is the time step of the predicted frame, or 0 if there is none. The draws of a
    /// purpose are requested in the order of the original.
    fn standard_normal(
        &mut self,
        purpose: NoisePurpose,
        draw: u64,
        shape: &[i64],
        like: &Tensor,
    ) -> Tensor;

    /// Returns the noise of the draws 0, 1, …, each of this shape.
    fn standard_normals(
        &mut self,
        purpose: NoisePurpose,
        draws: u64,
        shape: &[i64],
        like: &Tensor,
    ) -> Vec<Tensor> {
        (0..draws).map(|draw| self.standard_normal(purpose, draw, shape, like)).collect()
    }
}

/// Source of noise and of random integers.
pub trait RandomSource: NoiseSource {
    /// Returns the integers of one choice.
    fn choose(&mut self, purpose: ChoicePurpose, choice: IndexChoice) -> Vec<i64>;
}

/// Uniformly random integers in `0..below`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexChoice {
    /// With replacement.
    Independent { count: i64, below: i64 },
    /// Without replacement, in any order; `count` is at most `below`.
    Distinct { count: i64, below: i64 },
}

/// Purpose of noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoisePurpose {
    /// z from the posterior in training.
    Posterior,
    /// z from the learned prior in training; drawn but unused, as in the original.
    Prior,
    /// z in a roll-out.
    Rollout,
    /// The content code of a video.
    Content,
    /// The initial state of the motion network.
    MotionStart,
    /// The input of the motion network: one per frame with a GRU, one per video with an LSTM.
    Motion,
    /// Noise on the input of a discriminator layer.
    Instance,
}

/// Purpose of a random choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChoicePurpose {
    /// The category of each generated video.
    Category,
    /// Generated frames for the image discriminator.
    Frames,
    /// First frame of a video within a longer sequence of motion.
    Start,
}
