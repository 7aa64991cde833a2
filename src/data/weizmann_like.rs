//! The embedded clips: five actions by four drawn people, 64×64 RGB, 36 to 63 frames.
//!
//! `data/weizmann_like/` says where the clips come from.

use super::{Split, embedded::Embedded};

/// The pack, made by [`pack`](super::pack()).
pub(super) const PACK: Embedded = Embedded {
    name: "weizmann_like",
    origin: "drawn people performing actions, in the layout of the Weizmann data, embedded in this \
             program (see `data/weizmann_like/README.md`)",
    compressed: include_bytes!("../../data/weizmann_like/sequences.pack.zst"),
    bytes: 12_560_562,
    payload_sha256: "215e0e3a031c80329e4eea7e51cb00c090741ea51840178e3794b0b743774d07",
    sources_sha256: "c2825978ed818b825c4295e0bdbf4ee1a5f02c859cc7f90bfc79617c9809ecaf",
};

/// Height, width and channels of a frame.
pub(super) const FRAME_SHAPE: [usize; 3] = [64, 64, 3];

/// Frames of the shortest clip.
pub(super) const FRAMES: u64 = 36;

/// Returns the number of clips of a split: five a person.
pub(super) const fn size(split: Split) -> u64 {
    match split {
        Split::Train => 10,
        Split::Validate | Split::Test => 5,
    }
}
