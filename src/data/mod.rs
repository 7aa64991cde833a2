//! Sequences of frames with actions, decoded once into a checksummed pack.
//!
//! Nothing here knows a tensor: a batch is a list of sequence indices, a frame is bytes.

pub mod sampler;

pub use crate::config::data::Split;
