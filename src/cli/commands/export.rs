//! `reprise export`: writes the weights of a run under the original's names.

use std::path::{Path, PathBuf};

use clap::Args;
use safetensors::Dtype;

use super::{
    checkpoint,
    original::{self, Names},
};
use crate::cli::{Failure, args::StoreArgs, output::tell};
use reprise_base::{config::protocol::CheckpointKind, text::count};
use reprise_data::{
    npy::{Array, ArrayData},
    npz,
};
use reprise_store::store::{
    Store,
    tensors::{StoredTensor, write_tensors},
};

/// Arguments of `reprise export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise export 3f2a weights.safetensors                      the best checkpoint
  reprise export 3f2a last.safetensors --checkpoint final      the weights after the last step
  reprise export 3f2a weights.npz                              for NumPy, TensorFlow or Chainer

In Python, read the file with `safetensors.torch.load_file('weights.safetensors')`. Each key
begins with the name of its module and a dot. Remove this prefix before you call
`load_state_dict(strict=True)` of the module.

If the archive uses Chainer's names, load it with
`chainer.serializers.load_npz('weights.npz', model)`. If it uses TensorFlow's names, assign each
array to the variable of the same name in the scope `model`.")]
pub struct ExportArgs {
    /// Id of the run, or the first digits of the id
    #[arg(value_name = "RUN")]
    run: String,
    /// File to write: a NumPy archive if it ends in `.npz`, otherwise safetensors
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// Weights to export: best (by validation score), final (after the last step), or those after a
    /// number of epochs, if `training.keep` keeps them
    #[arg(long, value_name = "best|final|EPOCHS", value_parser = checkpoint::parse, default_value = "best")]
    checkpoint: CheckpointKind,
    /// Names and layouts of the tensors
    #[arg(long, value_enum, default_value_t = Names::Original)]
    names: Names,
    #[command(flatten)]
    store: StoreArgs,
}

/// Writes parameters and buffers of a run.
pub fn run(args: &ExportArgs) -> Result<(), Failure> {
    let dir = Store::open(&args.store.store)?.find(&args.run)?;
    let (tensors, mut metadata) = checkpoint::read(&dir, args.checkpoint, "export")?;
    metadata.insert("run".to_owned(), dir.id().to_string());
    metadata.insert("system".to_owned(), dir.spec()?.model.system().to_owned());
    let tensors = original::of_run(&dir, tensors, args.names)?;
    if args.out.extension().is_some_and(|extension| extension == "npz") {
        write_npz(&args.out, &tensors)?;
    } else {
        write_tensors(&args.out, &tensors, &metadata)?;
    }
    tell(&format!("wrote {} to `{}`", count(tensors.len(), "tensor"), args.out.display()));
    Ok(())
}

fn write_npz(path: &Path, tensors: &[StoredTensor]) -> Result<(), Failure> {
    let array = |tensor: &StoredTensor| {
        let StoredTensor { name, dtype, shape, data } = tensor;
        let numbers = data.chunks_exact(4).map(|bytes| {
            f32::from_le_bytes(bytes.try_into().expect("a chunk of four has four bytes"))
        });
        let elements = match dtype {
            Dtype::F32 => ArrayData::F32(numbers.collect()),
            Dtype::U8 => ArrayData::U8(data.clone()),
            other => {
                return Err(Failure::Usage {
                    message: format!(
                        "failed to export `{name}`: type {other} is unsupported in `.npz`"
                    ),
                    hint: "write a `.safetensors` file instead",
                });
            }
        };
        Ok((name.clone(), Array { shape: shape.clone(), elements }))
    };
    let arrays = tensors.iter().map(array).collect::<Result<Vec<_>, _>>()?;
    Ok(npz::write(path, &arrays)?)
}
