//! `reprise import`: weights that somebody else trained, to begin runs with.

use std::{
    cell::Cell,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::Args;
use safetensors::Dtype;

use super::original;
use crate::{
    cli::{
        Failure,
        args::StoreArgs,
        output::{count, print, tell},
    },
    data::{
        npy::{Array, ArrayData},
        npz,
    },
    store::{
        Store,
        tensors::{StoredTensor, read_foreign_tensors},
    },
};

/// Arguments of `reprise import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise import weights.safetensors
  reprise import model.npz
  reprise sweep kl_annealing --set 'initial_weights=\"<the id that was printed>\"'

Names and layouts are the original's, as `reprise export` writes them: those of PyTorch's
state_dict, of Chainer's save_npz, or of TensorFlow's variables. An optimizer's variables are left
out. The id is a digest of the content and part of every run that begins with the weights.")]
pub struct ImportArgs {
    /// A safetensors or `.npz` file; which it is, its content says
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

/// Copies weights into the store and prints their id.
pub fn run(args: &ImportArgs) -> Result<(), Failure> {
    let (tensors, left_out) = read(&args.file)?;
    if left_out > 0 {
        tell(&format!("left out {} of an optimizer", count(left_out, "tensor")));
    }
    let tensors = original::to_own(tensors)?;
    let origin = [("origin".to_owned(), args.file.display().to_string())];
    let store = Store::open_or_create(&args.store.store)?;
    let id = store.write_weights(&tensors, &BTreeMap::from(origin))?;
    tell(&format!("imported {} from `{}`", count(tensors.len(), "tensor"), args.file.display()));
    print(&format!("{id}\n"))
}

/// Reads the weights of a file; also returns how many tensors of an optimizer were left out.
fn read(path: &Path) -> Result<(Vec<StoredTensor>, usize), Failure> {
    let left_out = Cell::new(0);
    let wanted = |name: &str| {
        let is_left_out = original::is_left_out(name);
        left_out.set(left_out.get() + usize::from(is_left_out));
        !is_left_out
    };
    if !npz::is_zip(path)? {
        let mut tensors = read_foreign_tensors(path)?;
        tensors.retain(|tensor| wanted(&tensor.name));
        return Ok((tensors, left_out.get()));
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
    // What is left out may be of any type, so it is not even looked at.
    let arrays = npz::read(path, wanted)?;
    Ok((arrays.into_iter().map(stored).collect(), left_out.get()))
}
