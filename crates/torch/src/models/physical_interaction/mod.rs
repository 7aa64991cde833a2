//! Unsupervised learning for physical interaction (Finn, Goodfellow & Levine 2016,
//! arXiv:1605.07157): the next frame is the previous one, transformed by predicted kernels or
//! affine maps and merged by predicted masks.
//!
//! x is a frame, a an action, s a state; `Ξ_m` are masks, `J_m(x)` transformed frames, cells 1 to 7
//! convolutional LSTMs, each applied to the result of the layer before it:
//! ```text
//! e_0 = conv(x_{t−1})      e_1 = conv(cells 1, 2)      e_2 = conv(cells 3, 4)
//! e_3 = conv(e_2 ⊕ a_{t−1} ⊕ s_{t−1})                  e_4 = deconv(cell 5)
//! e_5 = deconv(cell 6 ⊕ e_1)                           e_6 = deconv(cell 7 ⊕ e_0)
//! x̂_t = Ξ_0 ⊙ x_{t−1} + Σ_m Ξ_m ⊙ J_m(x_{t−1})         ŝ_t = W (a_{t−1} ⊕ s_{t−1}) + b
//! ```
//! There are two originals, tensorflow/models (`video_prediction`) and its port to Chainer
//! (kristofbc/physical-interaction-video-prediction). The setting
//! [`Port`](reprise_base::config::model::physical_interaction::Port) selects which one is followed, and
//! [`PortDifferences`](reprise_base::config::model::physical_interaction::PortDifferences) another one for single
//! differences. The code matches on the port of each difference:
//!
//! | # | difference | where |
//! |---|---|---|
//! | 1, 2 | parameters and ε of the layer normalization | [`layers`], [`crate::nn::layer_norm`] |
//! | 3 | axis of the masks' softmax | [`masks`] |
//! | 4, 5, 8 | CDNA: merged frames, layout and lower bound of the kernels | [`transformation::cdna`], [`names`] |
//! | 6, 7, 8 | DNA: shifts, gradient, lower bound of the kernels | [`transformation::dna`] |
//! | 9, 10 | STP: parameters, sampling | [`transformation::stp`] |
//! | 11, 15 | ReLUs | [`layers`] |
//! | 12, 13, 17 | padding, order of gates, initial weights | [`layers`] |
//! | 14 | order of a cell's states | [`network`] |
//! | 16 | scheduled sampling: gradient, and use in evaluation | [`sampling`] |
//!
//! The originals name their parameters differently, so ours have names of their own. [`names`] maps
//! them to those of each original; [`foreign`] converts weights.
//!
//! Start from [`Network`]. [`training::pass`] is the forward pass of an update,
//! [`sequence::rollout`] a roll-out, [`sequence::inspect`] a roll-out with masks, transformed
//! frames and kernels.

pub mod conv_lstm;
pub mod foreign;
pub mod layers;
pub mod masks;
pub mod names;
pub mod network;
pub mod objective;
pub mod sampling;
pub mod sequence;
pub mod training;
pub mod transformation;

pub use network::{Network, NetworkSizes};
pub use sequence::Sequences;

#[cfg(test)]
mod difference_tests;
