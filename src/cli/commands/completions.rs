//! `reprise completions`: completion of commands, options, sweeps, runs and settings in a shell.
//!
//! The script that a shell loads calls this program with the words typed so far;
//! [`candidates`](mod@crate::cli::candidates) prints what could follow.

use std::env;

use clap::Args;
use clap_complete::{Shell, env::Shells};

use crate::cli::{Failure, output::print};

/// Environment variable through which a script asks for candidates.
pub const VARIABLE: &str = "COMPLETE";

/// Arguments of `reprise completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(reprise completions bash)                                  in ~/.bashrc
  source <(reprise completions zsh)                                   in ~/.zshrc
  reprise completions fish > ~/.config/fish/completions/reprise.fish

The script completes commands, options, sweep names, run ids and keys of settings. `reprise` must
be in PATH. The script calls the program that printed it to get the possible completions.")]
pub struct CompletionsArgs {
    /// Shell to write the script for
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Prints the script that a shell loads.
pub fn run(args: &CompletionsArgs) -> Result<(), Failure> {
    let program = env::current_exe().map_err(Failure::Executable)?.to_string_lossy().into_owned();
    let shells = Shells::builtins();
    let shell = shells.completer(&args.shell.to_string()).expect("every shell has a completer");
    let mut script = Vec::new();
    shell
        .write_registration(VARIABLE, "reprise", "reprise", &program, &mut script)
        .map_err(Failure::Print)?;
    print(&String::from_utf8_lossy(&script))
}
