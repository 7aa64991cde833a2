//! The base of reprise: values, sweep files, files and metrics. No libtorch, clock or environment.
//!
//! Modules are in layer order, one paragraph per layer.

// Pure values and functions.
pub mod scalar;
pub mod stats;
pub mod text;
pub mod vocabulary;

pub mod rng;
pub mod schedule;

pub mod config;

pub mod fs;
pub mod metrics;
