//! What is left to do in a sweep, and the processes that do it.
//!
//! Reading a sweep file is the task of `config::sweep`; nothing here knows how a run is trained.

pub mod estimate;
pub mod message;
pub mod plan;
pub mod scheduler;
pub mod status;
