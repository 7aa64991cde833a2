//! The command line: parses arguments, calls the layers below, prints.
//!
//! The only layer that reads the environment and writes to stdout. Data goes to stdout, progress and
//! messages to stderr. Each verb is a file of [`commands`]; start from [`run`].

pub mod args;
pub mod chart;
pub mod commands;
pub mod failure;
pub mod interrupts;
pub mod output;
pub mod places;
pub mod progress;

pub use args::Cli;
pub use failure::Failure;
pub use output::tell;

use args::Command;

/// Carries out a command.
pub fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        #[cfg(feature = "torch")]
        Command::Sweep(args) => commands::sweep::run(&args),
        Command::Status(args) => commands::status::run(&args),
        #[cfg(feature = "report")]
        Command::Report(args) => commands::report::run(&args),
        Command::Runs(args) => commands::runs::run(args),
        Command::Data(args) => commands::data::run(args),
        Command::Export(args) => commands::export::run(&args),
        Command::Import(args) => commands::import::run(&args),
        #[cfg(feature = "torch")]
        Command::Predict(args) => commands::predict::run(&args),
        Command::Golden(args) => commands::golden::run(args),
        Command::Doctor(args) => commands::doctor::run(&args),
        #[cfg(feature = "torch")]
        Command::Bench(args) => commands::bench::run(&args),
        #[cfg(feature = "torch")]
        Command::Worker(args) => commands::worker::run(&args),
        #[cfg(feature = "torch")]
        Command::BenchWorker(args) => commands::bench::worker::run(&args),
    }
}
