//! reprise: repeat, check and believe published results of video-prediction models.
//!
//! A sweep file (`experiments/NAME.toml`) is parsed into a validated [`config::sweep::Sweep`] and
//! expanded into fully explicit [`config::RunSpec`]s. Every run trains in a process of its own and
//! leaves a run folder in the store: a journal of what happened, checkpoints, artefacts and, last of
//! all, `record.json`. Reports are computed from records alone.
//!
//! Modules stand in layer order; a module may import only what stands before it. The test
//! `tests/it/layers.rs` holds every `use crate::` to the table in ARCHITECTURE.md.

// Layer 0: values only. No libtorch, no clock, no environment, no files.
pub mod rng;
pub mod scalar;
pub mod schedule;
pub mod stats;

pub mod config;

// Layer 1: the outside world, still without libtorch.
pub mod data;
pub mod fs;
pub mod metrics;
pub mod provenance;
pub mod store;
pub mod sweep;

pub mod golden;
pub mod ports;

// Layer 2: libtorch.
#[cfg(feature = "torch")]
pub mod libtorch;
#[cfg(feature = "torch")]
pub mod models;
#[cfg(feature = "torch")]
pub mod nn;
#[cfg(feature = "torch")]
pub mod optim;
#[cfg(feature = "torch")]
pub mod train;

// Layer 3: what a person sees.
#[cfg(feature = "report")]
pub mod report;

pub mod cli;
