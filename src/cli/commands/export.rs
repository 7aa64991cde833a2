//! `reprise export`: a run's weights under the original's names.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use safetensors::Dtype;

use super::original;
use crate::{
    cli::{
        Failure,
        args::StoreArgs,
        output::{count, tell},
    },
    data::{
        npy::{Array, ArrayData},
        npz,
    },
    store::{
        RunDir, RunFile, Store,
        tensors::{StoredTensor, read_tensors, write_tensors},
    },
};

/// Arguments of `reprise export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise export 3f2a weights.safetensors                      the best validation's
  reprise export 3f2a last.safetensors --checkpoint final      those after the last step
  reprise export 3f2a weights.npz                              for NumPy, TensorFlow or Chainer

In Python: state = safetensors.torch.load_file('weights.safetensors'); the keys of a module are
those that begin with its name and a dot, and fit `load_state_dict(strict=True)` without that prefix.

An archive with Chainer's names is loaded by chainer.serializers.load_npz('weights.npz', model);
with TensorFlow's, each array is the variable of its name below the scope `model`.")]
pub struct ExportArgs {
    /// Id of the run, or its first digits
    #[arg(value_name = "RUN")]
    run: String,
    /// The file to write: `.npz` for NumPy's archive, anything else is safetensors
    #[arg(value_name = "OUT")]
    out: PathBuf,
    /// Which weights
    #[arg(long, value_enum, default_value_t = Checkpoint::Best)]
    checkpoint: Checkpoint,
    /// Whose names and layouts
    #[arg(long, value_enum, default_value_t = Names::Original)]
    names: Names,
    #[command(flatten)]
    store: StoreArgs,
}

/// A moment of a run whose weights are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Checkpoint {
    /// After the epoch whose validation was best
    Best,
    /// After the last step
    Final,
}

impl Checkpoint {
    /// Returns the file of a run's weights; `action` is what they are for, as a verb.
    pub(super) fn path(self, dir: &RunDir, action: &str) -> Result<PathBuf, Failure> {
        let file = match self {
            Self::Best => RunFile::Best,
            Self::Final => RunFile::Final,
        };
        if dir.has(file)? {
            return Ok(dir.path(file));
        }
        Err(Failure::Usage {
            message: format!("failed to {action} run {}: it has no such checkpoint yet", dir.id()),
            hint: "`reprise status` says how far it is; `--checkpoint` names the other one",
        })
    }
}

/// Names and layouts of exported tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Names {
    /// Those of the original that the run follows; mostly they are ours as well
    Original,
    /// Variables of TensorFlow, for a run of `physical_interaction` that follows it
    Tensorflow,
    /// Paths of Chainer, for a run of `physical_interaction` that follows it
    Chainer,
    /// Those of the run's own files
    Own,
}

/// Writes parameters and buffers of a run.
pub fn run(args: &ExportArgs) -> Result<(), Failure> {
    let dir = Store::open(&args.store.store)?.find(&args.run)?;
    let (tensors, mut metadata) = read_tensors(&args.checkpoint.path(&dir, "export")?)?;
    metadata.insert("run".to_owned(), dir.id().to_string());
    metadata.insert("system".to_owned(), dir.read_spec()?.model.system().to_owned());
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
                    message: format!("failed to export `{name}`: a `.npz` file takes no {other}"),
                    hint: "a name that ends in `.safetensors` takes every type",
                });
            }
        };
        Ok((name.clone(), Array { shape: shape.clone(), elements }))
    };
    let arrays = tensors.iter().map(array).collect::<Result<Vec<_>, _>>()?;
    Ok(npz::write(path, &arrays)?)
}
