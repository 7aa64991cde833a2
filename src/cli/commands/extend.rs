//! `reprise extend`: trains a finished run for more epochs.

use std::{collections::BTreeMap, str::FromStr};

use clap::Args;

use super::sweep::{CarryOutArgs, carry_out};
use crate::cli::Failure;
use reprise_base::{
    config::{
        RunSpec,
        parent_run::ParentRun,
        sweep::{Sweep, SweepRun},
        training::TrainingSpec,
    },
    scalar::Count,
    text::count,
};
use reprise_store::store::Store;

/// Arguments of `reprise extend`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise extend 3f2a --epochs 400              a run of 200 epochs is trained for 200 more
  reprise extend 3f2a --epochs 400 --dry-run    print what would be done
  reprise extend 3f2a@50 --epochs 400           from a full snapshot after 50 epochs

The new run continues after the last step of the finished one: parameters, buffers, moments of the
optimizer, number of steps and random streams go on. It has an id of its own, and its record names
the run that it continues. Its journal and its curves begin with those of that run.

Ten epochs that are extended to twenty have the weights of twenty at once, bit for bit, unless a
schedule depends on the number of epochs; a warning then names the schedule. In a sweep file, the
setting `continue_from` does the same.")]
pub struct ExtendArgs {
    /// Id of a finished run, or its first digits; `@` and a number of epochs name a full snapshot
    #[arg(value_name = "RUN[@EPOCHS]")]
    run: ParentArg,
    /// Epochs of the new run, those of the finished one included
    #[arg(long, value_name = "N")]
    epochs: Count,
    #[command(flatten)]
    carry_out: CarryOutArgs,
}

/// A run on the command line, with the epochs after which its snapshot was taken.
#[derive(Clone, Debug)]
struct ParentArg {
    run: String,
    epochs: Option<Count>,
}

impl FromStr for ParentArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((run, epochs)) = text.split_once('@') else {
            return Ok(Self { run: text.to_owned(), epochs: None });
        };
        let epochs = epochs.parse().map_err(|_| format!("`{epochs}` is not a number of epochs"))?;
        Ok(Self { run: run.to_owned(), epochs: Some(epochs) })
    }
}

/// Trains a run on, as a sweep of one run.
pub fn run(args: ExtendArgs) -> Result<(), Failure> {
    let ExtendArgs { run, epochs, carry_out: how } = args;
    let record = Store::open(&how.store.store)?.find(&run.run)?.read_record()?;
    let from = ParentRun { run: record.run.clone(), epochs: run.epochs };
    let spec = RunSpec {
        continue_from: Some(from.clone()),
        initial_weights: None,
        // A run that stopped early would stop again at once.
        training: TrainingSpec { epochs, early_stopping: None, ..record.spec.training },
        ..record.spec
    };
    let arm = format!("{} of {}", count(epochs.get(), "epoch"), spec.model.system());
    let preset = "extended".to_owned();
    let sweep = Sweep {
        name: format!("{from}_{epochs}").replace('@', "_at_"),
        title: format!("Run {} extended to {}", record.run, count(epochs.get(), "epoch")),
        description: match from.epochs {
            Some(epochs) => {
                format!("Continues run `{}` after {}.", record.run, count(epochs.get(), "epoch"))
            }
            None => format!("Continues run `{}` after its last step.", record.run),
        },
        scale: String::new(),
        presets: vec![preset.clone()],
        default_preset: preset.clone(),
        preset,
        axes: Vec::new(),
        runs: vec![SweepRun { arm, labels: BTreeMap::new(), spec }],
        evaluations: Vec::new(),
        published: Vec::new(),
        claims: Vec::new(),
    };
    let command = format!("./just extend {from} --epochs {epochs}");
    carry_out(sweep, command, &[], &how)
}
