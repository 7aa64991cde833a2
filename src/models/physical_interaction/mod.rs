//! Unsupervised learning for physical interaction (seed document 000; Finn, Goodfellow & Levine
//! 2016, arXiv:1605.07157): the next frame is the previous one, moved by predicted kernels or
//! affine maps and merged by predicted masks.
//!
//! ```text
//! e_0 = conv(x_{t-1})      e_1 = conv(cells 1, 2)      e_2 = conv(cells 3, 4)
//! e_3 = conv(e_2 ⊕ a_{t-1} ⊕ s_{t-1})                  e_4 = deconv(cell 5)
//! e_5 = deconv(cell 6 ⊕ e_1)                           e_6 = deconv(cell 7 ⊕ e_0)
//! x̂_t = Ξ_0 ⊙ x_{t-1} + Σ_m Ξ_m ⊙ J_m(x_{t-1})         ŝ_t = W (a_{t-1} ⊕ s_{t-1}) + b
//! ```
//! Two originals exist, tensorflow/models (`video_prediction`) and its port to Chainer
//! (kristofbc/physical-interaction-video-prediction), and they differ. Which one is followed is the
//! setting [`Port`](crate::config::model::physical_interaction::Port); the code matches on it at
//! the line that deviates:
//!
//! | # | what | where |
//! |---|---|---|
//! | 1, 2 | parameters and ε of the layer normalization | [`layers`], [`crate::nn::layer_norm`] |
//! | 3 | over what the masks' softmax runs | [`masks`] |
//! | 4, 5, 8 | CDNA: merged images, layout and floor of the kernels | [`transformation::cdna`], [`names`] |
//! | 6, 7, 8 | DNA: shifts, gradient, floor of the kernels | [`transformation::dna`] |
//! | 9, 10 | STP: parameters, sampling | [`transformation::stp`] |
//! | 11, 15 | rectifiers | [`layers`] |
//! | 12, 13, 17 | zeros around images, order of gates, initial weights | [`layers`] |
//! | 14 | state that a cell carries on | [`network`] |
//! | 16 | gradient and reach of scheduled sampling | [`sampling`] |
//!
//! Neither original fixes names for the other, so parameters have names of our own; [`names`] maps
//! them one to one to those of either, and [`foreign`] knows weights by these.
//!
//! [`Network`] is the type to start from. [`training::pass`] is one update up to its gradient,
//! [`sequence::rollout`] a prediction, [`sequence::inspect`] one with masks, transformed frames and
//! kernels.

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
