//! `reprise extend`: trains a finished run for more epochs.

use std::collections::BTreeMap;

use clap::Args;

use super::sweep::{CarryOutArgs, carry_out};
use crate::cli::Failure;
use reprise_base::{
    config::{
        RunSpec,
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

The new run continues after the last step of the finished one: parameters, buffers, moments of the
optimizer, number of steps and random streams go on. It has an id of its own, and its record names
the run that it continues. Its journal and its curves begin with those of that run.

Ten epochs that are extended to twenty have the weights of twenty at once, bit for bit, unless a
schedule depends on the number of epochs; a warning then names the schedule. In a sweep file, the
setting `continue_from` does the same.")]
pub struct ExtendArgs {
    /// Id of a finished run, or its first digits
    #[arg(value_name = "RUN")]
    run: String,
    /// Epochs of the new run, those of the finished one included
    #[arg(long, value_name = "N")]
    epochs: Count,
    #[command(flatten)]
    carry_out: CarryOutArgs,
}

/// Trains a run on, as a sweep of one run.
pub fn run(args: ExtendArgs) -> Result<(), Failure> {
    let ExtendArgs { run, epochs, carry_out: how } = args;
    let record = Store::open(&how.store.store)?.find(&run)?.read_record()?;
    let spec = RunSpec {
        continue_from: Some(record.run.clone()),
        initial_weights: None,
        training: TrainingSpec { epochs, ..record.spec.training },
        ..record.spec
    };
    let arm = format!("{} of {}", count(epochs.get(), "epoch"), spec.model.system());
    let preset = "extended".to_owned();
    let sweep = Sweep {
        name: format!("{}_{epochs}", record.run),
        title: format!("Run {} extended to {}", record.run, count(epochs.get(), "epoch")),
        description: format!("Continues run `{}` after its last step.", record.run),
        scale: String::new(),
        presets: vec![preset.clone()],
        default_preset: preset.clone(),
        preset,
        axes: Vec::new(),
        runs: vec![SweepRun { arm, labels: BTreeMap::new(), spec }],
        evaluations: Vec::new(),
        published: Vec::new(),
    };
    let command = format!("./just extend {} --epochs {epochs}", record.run);
    carry_out(sweep, command, &how)
}
