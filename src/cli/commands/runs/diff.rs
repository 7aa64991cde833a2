//! `reprise runs diff`: compares two runs, or two stores, bit by bit.

use std::{fmt::Display, path::PathBuf};

use clap::Args;
use serde::Serialize;

use crate::cli::{
    Failure,
    args::{FormatArgs, OutputFormat},
    output::{print, print_json},
};
use reprise_store::store::{
    Store,
    diff::{DiffVerdict, diff_runs, diff_stores},
};

/// Arguments of `reprise runs diff`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise runs diff 3f2a 91bc                        two runs of `store`
  reprise runs diff --store store --store again      two stores, run by run
  reprise runs diff --store store --store again 3f2a one run of both stores

The command compares settings, outcome, every journal line, every tensor and every score. It also
lists machine, code and time, which may differ. The exit code is 1 unless every compared bit is
equal.")]
pub struct DiffArgs {
    /// Ids of the runs, or the first digits of each id
    #[arg(value_name = "RUN", num_args = 0..=2)]
    runs: Vec<String>,
    /// Folder of a run store; give it twice to compare two stores
    #[arg(long, value_name = "DIR", default_value = "store")]
    store: Vec<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Prints the differences; fails unless all bits are equal.
pub fn run(args: &DiffArgs) -> Result<(), Failure> {
    let stores: Vec<Store> =
        args.store.iter().map(|root| Store::open(root)).collect::<Result<_, _>>()?;
    let pair = |(a, run_a): (&Store, &str), (b, run_b): (&Store, &str)| {
        let diff = diff_runs(&a.find(run_a)?, &b.find(run_b)?)?;
        show(&diff, diff.verdict, args.format.format)
    };
    let runs: Vec<&str> = args.runs.iter().map(String::as_str).collect();
    match (stores.as_slice(), runs.as_slice()) {
        ([store], [a, b]) => pair((store, a), (store, b)),
        ([first, second], [a]) => pair((first, a), (second, a)),
        ([first, second], [a, b]) => pair((first, a), (second, b)),
        ([first, second], []) => {
            let diff = diff_stores(first, second)?;
            show(&diff, diff.verdict, args.format.format)
        }
        _ => Err(Failure::Usage {
            message: "nothing to compare: give exactly two runs or two stores".to_owned(),
            hint: "use `reprise runs diff RUN RUN` or `reprise runs diff --store A --store B`",
        }),
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
        DiffVerdict::BitEqual => Ok(()),
        DiffVerdict::Different => Err(Failure::Check("the runs are not bit-equal".to_owned())),
    }
}
