//! What is kept of runs, and how they are scheduled. No libtorch.
//!
//! Modules are in layer order, one paragraph per layer.

pub mod store;

pub mod provenance;
pub mod sweep;

pub mod tensorboard;
