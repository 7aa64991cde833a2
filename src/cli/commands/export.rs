//! `reprise export`: a run's weights under the original's names.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{
    cli::{
        Failure,
        args::StoreArgs,
        output::{count, tell},
    },
    store::{
        RunDir, RunFile, Store,
        tensors::{read_tensors, write_tensors},
    },
};

/// Arguments of `reprise export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise export 3f2a weights.safetensors                      the best validation's
  reprise export 3f2a last.safetensors --checkpoint final      those after the last step

In Python: state = safetensors.torch.load_file('weights.safetensors'); the keys of a module are those
that begin with its name and a dot, and fit `load_state_dict(strict=True)` without that prefix.")]
pub struct ExportArgs {
    /// Id of the run, or its first digits
    #[arg(value_name = "RUN")]
    run: String,
    /// The safetensors file to write
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
enum Names {
    /// Those of the original implementation, which are ours as well
    Original,
}

/// Writes parameters and buffers of a run.
pub fn run(args: &ExportArgs) -> Result<(), Failure> {
    let dir = Store::open(&args.store.store)?.find(&args.run)?;
    let path = args.checkpoint.path(&dir, "export")?;
    let Names::Original = args.names;
    let (tensors, mut metadata) = read_tensors(&path)?;
    metadata.insert("run".to_owned(), dir.id().to_string());
    metadata.insert("system".to_owned(), dir.read_spec()?.model.system().to_owned());
    write_tensors(&args.out, &tensors, &metadata)?;
    tell(&format!("wrote {} to `{}`", count(tensors.len(), "tensor"), args.out.display()));
    Ok(())
}
