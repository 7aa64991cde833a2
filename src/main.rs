//! The binary of reprise; everything else is in the library.

use std::process::ExitCode;

use clap::Parser;
use reprise::cli::{self, Cli};

fn main() -> ExitCode {
    cli::candidates::answer();
    match cli::run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            cli::tell(&failure.render());
            ExitCode::from(failure.exit_code())
        }
    }
}
