//! Statistics of slices of numbers: how far apart two runs lie, and summaries small enough to store.
//!
//! Nothing here knows of tensors, cases or records. Start from [`ulp::distance_f32`] for bits and
//! from [`digest::digest`] for summaries.

pub mod digest;
pub mod ulp;
