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
  reprise runs show 3f2a                         everything that is known of one run
  reprise runs diff 3f2a 91bc                    compare two runs bit by bit
  reprise runs diff --store store --store again  compare two stores run by run

A run is named by its id or the first digits of it.")]
pub struct RunsArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List all runs of the store
    List(list::ListArgs),
    /// Show the record of a run
    Show(show::ShowArgs),
    /// Compare two runs, or two stores run by run, bit by bit
    Diff(diff::DiffArgs),
}

/// Carries out a verb of `reprise runs`.
pub fn run(args: RunsArgs) -> Result<(), Failure> {
    match args.verb {
        Verb::List(args) => list::run(&args),
        Verb::Show(args) => show::run(&args),
        Verb::Diff(args) => diff::run(&args),
    }
}
