//! The embedded clips: five actions by four drawn people, 64×64 RGB, 36 to 63 frames.
//!
//! `data/weizmann_like/` says where the clips come from.

use super::embedded::Embedded;

/// The data set; the clips of two people train, one validates, one tests.
pub(super) const WEIZMANN_LIKE: Embedded = Embedded {
    name: "weizmann_like",
    origin: "drawn people performing actions, in the layout of the Weizmann data, embedded in this \
             program (see `data/weizmann_like/README.md`)",
    compressed: include_bytes!("../../data/weizmann_like/sequences.pack.zst"),
    pack_bytes: 12_560_562,
    payload_sha256: "215e0e3a031c80329e4eea7e51cb00c090741ea51840178e3794b0b743774d07",
    sources_sha256: "c2825978ed818b825c4295e0bdbf4ee1a5f02c859cc7f90bfc79617c9809ecaf",
    frame_shape: [64, 64, 3],
    frames: 36,
    sequences: [10, 5, 5],
};
