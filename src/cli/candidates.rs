//! What can follow the words typed so far, for the scripts of `reprise completions`.

use std::{env, ffi::OsString, path::PathBuf};

use clap::{Command, CommandFactory};
use clap_complete::{
    CompleteEnv,
    engine::{ArgValueCandidates, CompletionCandidate},
};

use super::{Cli, commands::completions::VARIABLE, places::sweep_names};
use reprise_base::config::reference;
use reprise_store::store::Store;

/// Prints candidates and exits if the program was called by a completion script.
pub fn answer() {
    CompleteEnv::with_factory(|| with_candidates(Cli::command())).var(VARIABLE).complete();
}

/// Adds candidates to the arguments of a command and its subcommands, by the names of their values.
fn with_candidates(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        let name = argument.get_value_names().and_then(|names| names.first());
        let candidates: fn() -> Vec<CompletionCandidate> =
            match name.map_or("", |name| name.as_str()) {
                "NAME|FILE" => sweep_files,
                "NAME" => stored_sweeps,
                "RUN" | "RUN[@EPOCHS]" | "RUN|WEIGHTS" => runs,
                "RUN|SWEEP" => runs_and_sweeps,
                "KEY" => keys,
                _ => return argument,
            };
        argument.add(ArgValueCandidates::new(candidates))
    });
    let names: Vec<String> =
        command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, with_candidates))
}

/// Candidates must not fail: where something cannot be read, there are none.
fn candidates(names: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    names.into_iter().map(CompletionCandidate::new).collect()
}

fn sweep_files() -> Vec<CompletionCandidate> {
    candidates(sweep_names().unwrap_or_default())
}

fn stored_sweeps() -> Vec<CompletionCandidate> {
    let manifests = store().and_then(|store| store.manifests().ok()).unwrap_or_default();
    candidates(manifests.readable.into_iter().map(|manifest| manifest.name))
}

fn runs() -> Vec<CompletionCandidate> {
    let runs = store().and_then(|store| store.runs().ok()).unwrap_or_default();
    candidates(runs.iter().map(ToString::to_string))
}

fn runs_and_sweeps() -> Vec<CompletionCandidate> {
    runs().into_iter().chain(stored_sweeps()).collect()
}

fn keys() -> Vec<CompletionCandidate> {
    candidates(reference::keys())
}

/// Opens the store that the words typed so far name.
fn store() -> Option<Store> {
    let words: Vec<OsString> = env::args_os().collect();
    let after_option = words.windows(2).find(|pair| pair[0] == "--store").map(|pair| &pair[1]);
    let joined = words.iter().find_map(|word| word.to_str()?.strip_prefix("--store="));
    let root = after_option.map(PathBuf::from).or_else(|| joined.map(PathBuf::from));
    Store::open(&root.unwrap_or_else(|| "store".into())).ok()
}
