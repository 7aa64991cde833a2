//! Optimizers whose whole state is named tensors, so that a run can be continued bit for bit.

pub mod adam;

pub use adam::Adam;
