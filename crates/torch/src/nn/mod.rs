//! Layers in PyTorch's arithmetic, with the parameter names of the originals.
//!
//! A layer is a struct of tensors with a `forward` that takes kind and device from its input, so
//! the same code runs in f32 and f64. Parameters are created by [`params::Builder`], which rejects
//! duplicate names and draws every initial value from a stream named after the parameter.

pub mod conv;
pub mod conv_lstm;
pub mod gru;
pub mod init;
pub mod joined;
pub mod layer_norm;
pub mod layers;
pub mod lstm;
pub mod params;
pub mod same;

/// Whether a model is in training or in evaluation mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// BatchNorm uses batch statistics and updates the running ones.
    Train,
    /// BatchNorm uses running statistics.
    Eval,
}
