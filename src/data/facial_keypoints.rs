//! The embedded faces: 96×96 grey, fifteen keypoints each.
//!
//! `data/facial_keypoints/` says where the pictures come from.

use super::embedded::Embedded;

/// The data set.
pub(super) const FACIAL_KEYPOINTS: Embedded = Embedded {
    name: "facial_keypoints",
    origin: "complete rows of a table of rendered faces in the layout of Kaggle's facial keypoints, \
             embedded in this program (see `data/facial_keypoints/README.md`)",
    compressed: include_bytes!("../../data/facial_keypoints/pictures.pack.zst"),
    pack_bytes: 1_916_397,
    payload_sha256: "f5f00e05e9d98db52b82cb0dbe3c25b941e416789a52773281028f29cc0e4839",
    sources_sha256: "625113b6fdf9ecdf3cfb386d40d0b663695caf0e5c8c5985a6d160202a9b000e",
    frame_shape: [96, 96, 1],
    frames: 1,
    sequences: [145, 30, 30],
};
