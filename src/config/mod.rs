//! The settings of a run: validated and fully explicit.
//!
//! Start from [`RunSpec`]. It is read from a sweep file after defaults, preset, arms and `--set`
//! overrides are merged ([`sweep`]), and written to every record with all defaults. Nothing here
//! opens a file.

mod check;
pub mod contradiction;
pub mod data;
pub mod engine;
pub mod model;
pub mod optim;
pub mod run;
pub mod sweep;
pub mod training;
pub mod weights;

pub use contradiction::Contradiction;
pub use run::RunSpec;
