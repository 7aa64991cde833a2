//! The ported systems, one module each.
//!
//! A model opens no file, reads no clock, draws no random number and prints nothing: noise comes in
//! through [`NoiseSource`], results go out as values.

pub mod convlstm;
pub mod cvae;
pub mod rcn;

use tch::Tensor;

/// Where a model's Gaussian noise comes from: a named stream in training, a recording when a model
/// is held against a reference.
pub trait NoiseSource {
    /// Returns N(0, 1) noise for one draw, in the kind and on the device of `like`.
    ///
    /// `draw` is the time step of the frame that is predicted; each source of noise is asked once a
    /// step, in the order of the original.
    fn standard_normal(
        &mut self,
        purpose: NoisePurpose,
        draw: u64,
        shape: [i64; 2],
        like: &Tensor,
    ) -> Tensor;
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
}
