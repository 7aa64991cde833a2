//! `reprise runs`: list, show and compare recorded runs.

use clap::{Args, Subcommand};

use crate::cli::Failure;

pub mod diff;
pub mod list;
pub mod show;

/// Arguments of `reprise runs`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise runs list                              all runs with their test scores
  reprise runs show 3f2a                         the record of one run
  reprise runs diff 3f2a 91bc                    compare two runs bit by bit
  reprise runs diff --store store --store again  compare two stores run by run

RUN is the id of a run or the first digits of the id.")]
pub struct RunsArgs {
    #[command(subcommand)]
    command: RunsCommand,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    /// List all runs of the store
    List(list::ListRunsArgs),
    /// Show the record of a run
    Show(show::ShowArgs),
    /// Compare two runs, or all runs of two stores, bit by bit
    Diff(diff::DiffArgs),
}

/// Carries out a command of `reprise runs`.
pub fn run(args: RunsArgs) -> Result<(), Failure> {
    match args.command {
        RunsCommand::List(args) => list::run(&args),
        RunsCommand::Show(args) => show::run(&args),
        RunsCommand::Diff(args) => diff::run(&args),
    }
}
