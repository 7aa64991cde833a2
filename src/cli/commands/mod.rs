//! The commands, one file each.

#[cfg(feature = "torch")]
pub mod bench;
pub mod completions;
pub mod data;
pub mod doctor;
#[cfg(not(feature = "torch"))]
#[path = "no_engine.rs"]
pub mod engine;
#[cfg(feature = "torch")]
pub mod engine;
pub mod export;
pub mod golden;
pub mod import;
#[cfg(not(feature = "torch"))]
#[path = "no_original.rs"]
pub mod original;
#[cfg(feature = "torch")]
pub mod original;
#[cfg(feature = "torch")]
pub mod predict;
#[cfg(all(feature = "torch", not(feature = "report")))]
#[path = "no_report.rs"]
pub mod report;
#[cfg(feature = "report")]
pub mod report;
pub mod runs;
pub mod settings;
pub mod status;
#[cfg(feature = "torch")]
pub mod sweep;
#[cfg(feature = "torch")]
pub mod worker;
