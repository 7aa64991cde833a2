//! Carries out a sweep: which of its runs are left to do, and in what way.
//!
//! Parsing and expanding a sweep file is `config::sweep`'s; nothing here knows how a run is trained.

pub mod estimate;
pub mod local;
pub mod message;
pub mod observe;
pub mod plan;
