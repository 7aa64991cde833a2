//! Models on libtorch, and their training.
//!
//! Modules are in layer order, one paragraph per layer.

pub mod libtorch;

pub mod nn;

pub mod models;
pub mod optim;

pub mod train;
