//! `reprise store`: what is done with a run store as a whole.

use clap::{Args, Subcommand};

use crate::cli::Failure;

pub mod verify;

/// Arguments of `reprise store`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise store verify                  check all files of `store`
  reprise store verify --store other    check another store")]
pub struct StoreCommandArgs {
    #[command(subcommand)]
    command: StoreCommand,
}

#[derive(Debug, Subcommand)]
enum StoreCommand {
    /// Check every file of the store against its digests
    Verify(verify::VerifyArgs),
}

/// Carries out a command of `reprise store`.
pub fn run(args: StoreCommandArgs) -> Result<(), Failure> {
    match args.command {
        StoreCommand::Verify(args) => verify::run(&args),
    }
}
