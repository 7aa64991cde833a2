//! `reprise runs diff`: compares two runs, or two stores, bit by bit.

use std::{fmt::Display, path::PathBuf};

use clap::Args;
use serde::Serialize;

use crate::{
    cli::{
        Failure,
        args::{FormatArgs, OutputFormat},
        output::{print, print_json},
        places,
        progress::data_watch,
    },
    experiment::first_spec,
};
use reprise_base::{
    config::{
        RunSpec,
        engine::{Device, EngineSpec},
    },
    scalar::Count,
};
use reprise_data::{self as data, Required};
use reprise_store::store::{
    RunDir, Store,
    diff::{DiffVerdict, RunDiff, diff_runs, diff_stores},
};
use reprise_torch::{libtorch, train::first_steps::measure_noise};

/// Arguments of `reprise runs diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise runs diff 3f2a 91bc                        two runs of `store`
  reprise runs diff --store store --store again      two stores, run by run
  reprise runs diff --store store --store again 3f2a one run of both stores

  reprise runs diff --store cpu --store gpu --noise 20
                                                     the same runs on two devices

The command compares settings, outcome, every journal line, every tensor and every score. It also
lists device, machine, code and time, which may differ. The exit code is 1 unless every compared bit
is equal.

With --noise, runs that differ in bits but not in settings are judged by the losses of their first
steps. These steps are repeated here on the CPU, once as they are and four times with parameters
that are moved as much as rounding moves them. Runs are equal within noise if no loss differs by
more than 32 times what that changes. The exit code is then 0, too.")]
pub struct DiffArgs {
    /// Ids of the runs, or the first digits of each id
    #[arg(value_name = "RUN", num_args = 0..=2)]
    runs: Vec<String>,
    /// Folder of a run store; give it twice to compare two stores
    #[arg(long, value_name = "DIR", default_value = "store")]
    store: Vec<PathBuf>,
    /// Judge runs that are not bit-equal by this many first steps
    #[arg(long, value_name = "STEPS")]
    noise: Option<Count>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Prints the differences; fails unless all bits are equal, or all runs are equal within noise.
pub fn run(args: &DiffArgs) -> Result<(), Failure> {
    let stores: Vec<Store> =
        args.store.iter().map(|root| Store::open(root)).collect::<Result<_, _>>()?;
    let pair = |(a, run_a): (&Store, &str), (b, run_b): (&Store, &str)| {
        let (run_a, run_b) = (a.find(run_a)?, b.find(run_b)?);
        let mut diff = diff_runs(&run_a, &run_b)?;
        args.judge(&mut diff, a, &run_a, &run_b)?;
        show(&diff, diff.verdict, args.format.format)
    };
    let runs: Vec<&str> = args.runs.iter().map(String::as_str).collect();
    match (stores.as_slice(), runs.as_slice()) {
        ([store], [a, b]) => pair((store, a), (store, b)),
        ([first, second], [a]) => pair((first, a), (second, a)),
        ([first, second], [a, b]) => pair((first, a), (second, b)),
        ([first, second], []) => {
            let mut diff = diff_stores(first, second)?;
            for run in &mut diff.runs {
                let (a, b) = (first.run(&run.a), second.run(&run.b));
                args.judge(run, first, &a, &b)?;
            }
            diff.settle();
            show(&diff, diff.verdict, args.format.format)
        }
        _ => Err(Failure::Usage {
            message: "nothing to compare: give exactly two runs or two stores".to_owned(),
            hint: "use `reprise runs diff RUN RUN` or `reprise runs diff --store A --store B`",
        }),
    }
}

impl DiffArgs {
    /// Compares the first steps of two runs with the noise of the first one, if that is wanted and needed.
    fn judge(
        &self,
        diff: &mut RunDiff,
        store: &Store,
        a: &RunDir,
        b: &RunDir,
    ) -> Result<(), Failure> {
        let Some(steps) = self.noise.filter(|_| diff.needs_noise()) else { return Ok(()) };
        let spec = first_spec(store, &a.read_record()?.spec)?;
        let weights = spec.initial_weights.as_ref().map(|id| store.read_weights(id)).transpose()?;
        let packs = places::packs()?;
        let pack = data::open(&spec.data.dataset, Required::AllSplits, &packs, &mut data_watch())?;
        let engine = EngineSpec { device: Device::Cpu, devices: Vec::new(), ..spec.engine.clone() };
        let device = libtorch::prepare(&engine)?.device;
        let spec = RunSpec { engine, ..spec };
        let noise = measure_noise(&spec, &pack, weights.as_deref(), device, steps.get())?;
        Ok(diff.judge(a, b, &noise)?)
    }
}

fn show(
    diff: &(impl Display + Serialize),
    verdict: DiffVerdict,
    format: OutputFormat,
) -> Result<(), Failure> {
    match format {
        OutputFormat::Json => print_json(diff)?,
        OutputFormat::Text => print(&diff.to_string())?,
    }
    match verdict {
        DiffVerdict::BitEqual | DiffVerdict::WithinNoise => Ok(()),
        DiffVerdict::Different => Err(Failure::Check("the runs are not bit-equal".to_owned())),
    }
}
