//! Statistics of plain numbers: what a report says about seeds, and how far apart two runs lie.
//!
//! Nothing here knows of tensors, cases or records. Start from [`ulp::distance_f32`] for bits, from
//! [`digest::digest`] for summaries small enough to store, from [`paired`] for seeds,
//! from [`relative`] for the acceptance rule of a course.

pub mod digest;
pub mod paired;
pub mod relative;
pub mod summary;
pub mod ulp;
