//! What a run is: validated, fully explicit, the same for every system.
//!
//! [`RunSpec`] is the type to start from. It is read from a sweep file after defaults, preset, arms
//! and `--set` overrides were merged ([`sweep`]), and written out whole into every record. Nothing
//! here opens a file; [`sweep::parse`] takes text and returns values or a located error.

pub mod contradiction;
pub mod data;
pub mod engine;
pub mod model;
pub mod optim;
pub mod run;
pub mod sweep;
pub mod weights;

pub use contradiction::Contradiction;
pub use run::RunSpec;
