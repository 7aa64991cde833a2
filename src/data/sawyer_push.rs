//! The embedded default: simulated Sawyer pushing, 64×64 RGB, 30 frames.
//!
//! `data/sawyer_push/` says where the sequences come from.

use super::embedded::Embedded;

/// The data set.
pub(super) const SAWYER_PUSH: Embedded = Embedded {
    name: "sawyer_push",
    origin: "first sequences of a simulation made with MuJoCo and Meta-World's Sawyer arm, \
             embedded in this program (see `data/sawyer_push/README.md`)",
    compressed: include_bytes!("../../data/sawyer_push/sequences.pack.zst"),
    pack_bytes: 71_337_481,
    payload_sha256: "b6602c702fe08ee37175cfea84dbfce2627c8467d69fa569640f31da6b6abcd8",
    sources_sha256: "f7565ff795e7d165e5e27856879377f3391fa37748771b24313fe756056b695d",
    frame_shape: [64, 64, 3],
    frames: 30,
    sequences: [128, 32, 32],
};
