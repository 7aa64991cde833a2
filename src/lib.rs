//! reprise: repeat and check published results of video-prediction models.
//!
//! A sweep file (`experiments/NAME.toml`) is parsed into a validated [`config::sweep::Sweep`] and
//! expanded into fully explicit [`config::RunSpec`]s. Every run trains in a process of its own and
//! writes a run folder in the store: a journal, checkpoints, artefacts and finally `record.json`.
//! Reports are computed from records alone.
//!
//! Modules are listed in layer order, one paragraph per layer. A module may import only modules of
//! the paragraphs above its own; `tests/it/layers.rs` checks this.

// Pure values and functions: no libtorch, clock, environment or files.
pub mod scalar;
pub mod stats;
pub mod text;
pub mod vocabulary;

pub mod rng;
pub mod schedule;

pub mod config;

// Files, clock and processes, without libtorch.
pub mod fs;
pub mod metrics;

pub mod data;

pub mod store;

pub mod provenance;
pub mod sweep;

pub mod golden;
pub mod tensorboard;

// Modules that need libtorch; `ports` only in part.
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

// Output for people.
#[cfg(feature = "report")]
pub mod report;

pub mod cli;
