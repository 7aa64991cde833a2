//! The commands, one file each.

pub mod bench;
mod checkpoint;
pub mod claims;
pub mod completions;
pub mod data;
pub mod doctor;
pub mod engine;
pub mod evaluate;
pub mod export;
pub mod extend;
pub mod generate;
pub mod golden;
pub mod import;
pub mod original;
pub mod report;
pub mod runs;
pub mod settings;
pub mod status;
pub mod store;
pub mod sweep;
pub mod worker;
