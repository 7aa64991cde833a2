//! reprise: repeat, check and believe published results of video-prediction models.
//!
//! A sweep file (`experiments/NAME.toml`) is parsed into a validated [`config::sweep::Sweep`] and
//! expanded into fully explicit [`config::RunSpec`]s. Every run trains in a process of its own and
//! leaves a run folder in the store: a journal of what happened, checkpoints, artefacts and, last of
//! all, `record.json`. Reports are computed from records alone.
//!
//! Modules stand in layer order, a paragraph for each layer; a module may import only what stands in
//! a paragraph above its own, which `tests/it/layers.rs` checks.

// Values only: no libtorch, no clock, no environment, no files.
pub mod scalar;
pub mod stats;
pub mod text;
pub mod vocabulary;

pub mod rng;
pub mod schedule;

pub mod config;

// The outside world, still without libtorch.
pub mod fs;
pub mod metrics;

pub mod data;

pub mod store;

pub mod provenance;
pub mod sweep;

pub mod golden;
pub mod tensorboard;

// What needs libtorch; of `ports` only a part does.
#[cfg(feature = "torch")]
pub mod libtorch;

#[cfg(feature = "torch")]
pub mod nn;

#[cfg(feature = "torch")]
pub mod models;
#[cfg(feature = "torch")]
pub mod optim;

pub mod ports;
#[cfg(feature = "torch")]
pub mod train;

#[cfg(feature = "torch")]
pub mod experiment;

// What a person sees.
#[cfg(feature = "report")]
pub mod report;

pub mod cli;
