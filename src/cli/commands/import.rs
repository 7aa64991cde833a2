//! `reprise import`: imports weights to initialise runs.

use std::{
    cell::Cell,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::Args;
use safetensors::Dtype;

use super::original;
use crate::cli::{
    Failure,
    args::StoreArgs,
    output::{print, tell},
};
use reprise_base::text::count;
use reprise_data::{
    npy::{Array, ArrayData},
    npz,
};
use reprise_store::store::{
    Store,
    tensors::{StoredTensor, read_foreign_tensors},
};

/// Arguments of `reprise import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise import weights.safetensors
  reprise import model.npz
  reprise sweep kl_annealing --set 'initial_weights=\"<the printed id>\"'

The file must have names and layouts that `reprise export` can write: those of PyTorch's
`state_dict`, of Chainer's `save_npz`, or of TensorFlow's variables. Variables of an optimizer are
skipped. The command prints an id, which is a digest of the content. This id becomes part of the
id of every run that starts from these weights.")]
pub struct ImportArgs {
    /// A safetensors or `.npz` file; the format is detected from its content
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

/// Copies weights into the store and prints their id.
pub fn run(args: &ImportArgs) -> Result<(), Failure> {
    let (tensors, skipped) = read(&args.file)?;
    if skipped > 0 {
        tell(&format!("skipped {} of an optimizer", count(skipped, "tensor")));
    }
    let tensors = original::to_own(tensors)?;
    let origin = [("origin".to_owned(), args.file.display().to_string())];
    let store = Store::open_or_create(&args.store.store)?;
    let id = store.write_weights(&tensors, &BTreeMap::from(origin))?;
    tell(&format!("imported {} from `{}`", count(tensors.len(), "tensor"), args.file.display()));
    print(&format!("{id}\n"))
}

/// Reads the weights of a file; also returns how many tensors of an optimizer were skipped.
fn read(path: &Path) -> Result<(Vec<StoredTensor>, usize), Failure> {
    let skipped = Cell::new(0);
    let wanted = |name: &str| {
        let is_left_out = original::is_left_out(name);
        skipped.set(skipped.get() + usize::from(is_left_out));
        !is_left_out
    };
    if !npz::is_zip(path)? {
        let mut tensors = read_foreign_tensors(path)?;
        tensors.retain(|tensor| wanted(&tensor.name));
        return Ok((tensors, skipped.get()));
    }
    let stored = |(name, Array { shape, elements }): (String, Array)| {
        let (dtype, data) = match elements {
            ArrayData::F32(values) => {
                (Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
            }
            ArrayData::U8(bytes) => (Dtype::U8, bytes),
        };
        StoredTensor { name, dtype, shape, data }
    };
    // Skipped arrays may have any type, so they are not read.
    let arrays = npz::read(path, wanted)?;
    Ok((arrays.into_iter().map(stored).collect(), skipped.get()))
}
