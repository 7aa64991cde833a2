//! Statistics of plain numbers: summaries over seeds, and distances between two results.
//!
//! Nothing here depends on tensors, cases or records. Start from [`ulp::distance_f32`] for distances in
//! ULP, from [`digest::digest`] for summaries of tensors in reference cases, from [`paired`] for
//! comparisons over seeds, from [`student`], [`permutation`] and [`holm`] for
//! tests, from [`bootstrap`] for intervals over sequences, and from [`relative`] for the L1 error of an original's tests.

pub mod bootstrap;
pub mod digest;
pub mod holm;
pub mod paired;
pub mod permutation;
pub mod relative;
pub mod student;
pub mod summary;
pub mod ulp;
