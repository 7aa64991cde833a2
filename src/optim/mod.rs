//! Optimizers whose whole state is named tensors, so that a run can be continued bit for bit.

pub mod adam;
pub mod sgd;

pub use adam::Adam;
pub use sgd::Sgd;
