//! The verbs, and the options that several of them share.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

#[cfg(feature = "report")]
use super::commands::report;
#[cfg(feature = "torch")]
use super::commands::{bench, predict, sweep, worker};
use super::commands::{data, doctor, export, golden, import, runs, status};
#[cfg(feature = "torch")]
use crate::scalar::Count;

/// Repeat, check and believe published results of video-prediction models.
#[derive(Debug, Parser)]
#[command(
    name = "reprise",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "\
Begin with:
  reprise doctor                      what this machine offers
  reprise sweep kl_annealing          train, record and report
  reprise status                      what is done and what is left

Exit codes: 0 done, 1 a check did not hold, 2 a mistake in arguments or sweep file, 3 a run failed,
4 something outside failed (disk, device, a newer format), 130 interrupted."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train all runs of a sweep that are not finished yet, then write its report
    #[cfg(feature = "torch")]
    Sweep(sweep::SweepArgs),
    /// Say what sweeps have done and have still to do
    Status(status::StatusArgs),
    /// Rebuild a report from its records, or check that it is what they say
    #[cfg(feature = "report")]
    Report(report::ReportArgs),
    /// List, show and compare recorded runs
    Runs(runs::RunsArgs),
    /// Write a run's weights under the original's names
    Export(export::ExportArgs),
    /// Take weights into the store, to begin runs with
    Import(import::ImportArgs),
    /// Predict keypoints of Kaggle's test pictures with a run's weights
    #[cfg(feature = "torch")]
    Predict(predict::PredictArgs),
    /// List, check, pack and import data sets
    Data(data::DataArgs),
    /// Hold ports to the reference cases of their originals
    Golden(golden::GoldenArgs),
    /// Say what this machine offers: libtorch, CUDA, threads, disk
    Doctor(doctor::DoctorArgs),
    /// Measure how long a training step takes, in every arithmetic and beside other programs
    #[cfg(feature = "torch")]
    Bench(bench::BenchArgs),
    /// Train one run; started by `sweep`
    #[cfg(feature = "torch")]
    #[command(hide = true)]
    Worker(worker::WorkerArgs),
    /// Measure one side of a benchmark; started by `bench`
    #[cfg(feature = "torch")]
    #[command(hide = true)]
    BenchWorker(bench::worker::BenchWorkerArgs),
}

/// Which store.
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// Folder of the run store
    #[arg(long, value_name = "DIR", default_value = "store")]
    pub store: PathBuf,
}

/// What is shown to TensorBoard; changes no number of a run.
#[cfg(feature = "torch")]
#[derive(Debug, Args)]
pub struct TensorboardArgs {
    /// Write event files for TensorBoard to this folder: scalars, scores and pictures
    #[arg(long, value_name = "DIR")]
    pub tensorboard: Option<PathBuf>,
    /// Steps between pictures of training sequences in TensorBoard
    #[arg(long, value_name = "N", default_value = "250", requires = "tensorboard")]
    pub picture_steps: Count,
}

/// How data is printed.
#[derive(Debug, Args)]
pub struct FormatArgs {
    /// How to print: text for people, json for scripts
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// A form of output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables and sentences.
    Text,
    /// One JSON value.
    Json,
}
