//! `reprise import`: weights that somebody else trained, to begin runs with.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;

use crate::{
    cli::{
        Failure,
        args::StoreArgs,
        output::{count, print, tell},
    },
    store::{Store, tensors::read_foreign_tensors},
};

/// Arguments of `reprise import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  reprise import weights.safetensors
  reprise sweep kl_annealing --set 'initial_weights=\"<the id that was printed>\"'

Names and layouts are the original's, as `reprise export` writes them and as PyTorch's state_dict has
them. The id is a digest of the content and part of every run that begins with the weights.")]
pub struct ImportArgs {
    /// A safetensors file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

/// Copies weights into the store and prints their id.
pub fn run(args: &ImportArgs) -> Result<(), Failure> {
    let tensors = read_foreign_tensors(&args.file)?;
    let origin = [("origin".to_owned(), args.file.display().to_string())];
    let store = Store::open_or_create(&args.store.store)?;
    let id = store.write_weights(&tensors, &BTreeMap::from(origin))?;
    tell(&format!("imported {} from `{}`", count(tensors.len(), "tensor"), args.file.display()));
    print(&format!("{id}\n"))
}
