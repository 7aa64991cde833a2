//! The command line: parses arguments, calls the layers below, prints.
//!
//! The only layer that reads the environment and prints. Data goes to stdout, progress and messages
//! to stderr. Each command is a file of [`commands`]; start from [`run`].

pub mod args;
pub mod candidates;
pub mod chart;
pub mod command;
pub mod commands;
pub mod failure;
pub mod interrupts;
pub mod output;
pub mod places;
pub mod progress;

pub use command::{Cli, run};
pub use failure::Failure;
pub use output::tell;
