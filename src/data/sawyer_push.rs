//! The embedded default: simulated Sawyer pushing, 64×64 RGB, 30 frames.
//!
//! `data/sawyer_push/` says where the sequences come from.

use super::{Split, embedded::Embedded};

/// The pack, made by [`pack`](super::pack()).
pub(super) const PACK: Embedded = Embedded {
    name: "sawyer_push",
    origin: "first sequences of a simulation made with MuJoCo and Meta-World's Sawyer arm, \
             embedded in this program (see `data/sawyer_push/README.md`)",
    compressed: include_bytes!("../../data/sawyer_push/sequences.pack.zst"),
    bytes: 71_337_481,
    payload_sha256: "b6602c702fe08ee37175cfea84dbfce2627c8467d69fa569640f31da6b6abcd8",
    sources_sha256: "f7565ff795e7d165e5e27856879377f3391fa37748771b24313fe756056b695d",
};

/// Height, width and channels of a frame.
pub(super) const FRAME_SHAPE: [usize; 3] = [64, 64, 3];

/// Frames of a sequence.
pub(super) const FRAMES: u64 = 30;

/// Returns the number of sequences of a split.
pub(super) const fn size(split: Split) -> u64 {
    match split {
        Split::Train => 128,
        Split::Validate | Split::Test => 32,
    }
}
