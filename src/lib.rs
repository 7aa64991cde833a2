//! reprise: repeat and check published results of video-prediction models.
//!
//! A sweep file (`experiments/NAME.toml`) is parsed into a validated
//! [`Sweep`](reprise_base::config::sweep::Sweep) and expanded into fully explicit
//! [`RunSpec`](reprise_base::config::RunSpec)s. Every run trains in a process of its own and writes a
//! run folder in the store: a journal, checkpoints, artefacts and finally `record.json`. Reports are
//! computed from records alone.
//!
//! This crate holds what joins the members in `crates/`: experiments and the command line.
//! ARCHITECTURE.md shows which crate may use which. Modules are in layer order, one paragraph per
//! layer.

pub mod build_identity;

pub mod experiment;

pub mod cli;
