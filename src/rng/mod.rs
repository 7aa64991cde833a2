//! Randomness that repeats.

pub mod fill;
