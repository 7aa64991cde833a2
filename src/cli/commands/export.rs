//! `reprise export`: writes the weights of a run under the original's names.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use safetensors::Dtype;

use super::original::{self, Names};
use crate::cli::{Failure, args::StoreArgs, output::tell};
use reprise_base::text::count;
use reprise_data::{
    npy::{Array, ArrayData},
    npz,
};
use reprise_store::store::{
    FinishedRun, RunDir, RunFile, Store, StoreError,
    tensors::{StoredTensor, TensorMetadata, read_tensors, write_tensors},
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
    /// Checkpoint to export
    #[arg(long, value_enum, default_value_t = CheckpointChoice::Best)]
    checkpoint: CheckpointChoice,
    /// Names and layouts of the tensors
    #[arg(long, value_enum, default_value_t = Names::Original)]
    names: Names,
    #[command(flatten)]
    store: StoreArgs,
}

/// A checkpoint whose weights are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckpointChoice {
    /// The checkpoint with the best validation score
    Best,
    /// The weights after the last step
    Final,
}

impl CheckpointChoice {
    /// Reads the weights, with their metadata; `action` says in an error what they are for, as a verb. Those of a
    /// finished run are the ones that it recorded.
    pub(super) fn read(
        self,
        dir: &RunDir,
        action: &str,
    ) -> Result<(Vec<StoredTensor>, TensorMetadata), Failure> {
        let file = match self {
            Self::Best => RunFile::Best,
            Self::Final => RunFile::Final,
        };
        let found = match FinishedRun::open(dir) {
            Ok(run) => run.tensors(file)?,
            Err(StoreError::Unfinished { .. }) if dir.has(file)? => {
                Some(read_tensors(&dir.path(file))?)
            }
            Err(StoreError::Unfinished { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        found.ok_or_else(|| Failure::Usage {
            message: format!(
                "failed to {action} run {}: the run has no such checkpoint yet",
                dir.id()
            ),
            hint: "see `reprise status`; use `--checkpoint` to choose the other checkpoint",
        })
    }
}

/// Writes parameters and buffers of a run.
pub fn run(args: &ExportArgs) -> Result<(), Failure> {
    let dir = Store::open(&args.store.store)?.find(&args.run)?;
    let (tensors, mut metadata) = args.checkpoint.read(&dir, "export")?;
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
