//! Layers in PyTorch's arithmetic, with the parameter names of the originals.
//!
//! A layer is a struct of tensors and one `forward` that takes kind and device from its input, so
//! the same code runs in f32 and f64. Parameters are made through [`params::Builder`], which
//! refuses a name that exists and draws every initial value from a stream of that name.

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

/// Whether layers behave as in training or as in evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// BatchNorm uses and moves batch statistics.
    Train,
    /// BatchNorm uses running statistics.
    Eval,
}
