//! Random numbers; all of them are functions of a seed.
//!
//! Runs draw from [`streams::Stream`]: named, counter-based, the same bits on every machine. The other
//! generators only repeat the draws of an original bit for bit: [`numpy::RandomState`],
//! [`python::Random`] and [`torch::Generator`], all based on [`mt19937::Mt19937`]. [`fill`] computes the
//! tensors of reference cases and is not a source of randomness.

pub mod fill;
pub mod mt19937;
pub mod numpy;
pub mod python;
pub mod streams;
pub mod torch;
