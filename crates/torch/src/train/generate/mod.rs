//! What trained weights make besides scores: roll-outs of sequences and videos. Keypoints are made by
//! [`rcn::predict`](super::rcn::predict).
//!
//! Noise has the streams of an evaluation, so frames made here are those that an evaluation with the same seed scores.

mod made;
mod rollouts;
mod videos;

pub use made::{GeneratedRow, GeneratedVideos};
pub use rollouts::{RolloutSet, rollouts};
pub use videos::{CodeGrid, videos};

#[cfg(test)]
mod tests;
