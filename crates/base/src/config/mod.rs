//! The settings of a run: validated and fully explicit.
//!
//! Start from [`RunSpec`]. It is read from a sweep file after defaults, preset, arms and `--set`
//! overrides are merged ([`sweep`]), and written to every record with all defaults. The doc comments
//! of settings are shown to users: [`reference`](mod@reference) derives the settings reference from
//! them. Nothing here opens a file.

pub mod caution;
mod check;
pub mod claim;
pub mod contradiction;
pub mod data;
pub mod digits;
pub mod engine;
pub mod feature_network;
pub mod ids;
pub mod model;
pub mod optim;
pub mod parent_run;
pub mod protocol;
pub mod reference;
pub mod run;
pub mod schema;
pub mod sweep;
pub mod training;
pub mod video_names;
pub mod weights;

pub use contradiction::Contradiction;
pub use run::RunSpec;
