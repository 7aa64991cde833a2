//! All commands, and which function carries out which.

use clap::{Parser, Subcommand};

use super::commands::report;
use super::commands::{bench, claims, generate, sweep, worker};
use super::{
    Failure,
    commands::{
        completions, data, doctor, evaluate, export, extend, golden, import, runs, settings,
        status, store,
    },
};

/// Repeat and check published results of video-prediction models.
#[derive(Debug, Parser)]
#[command(
    name = "reprise",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "\
Start with:
  reprise doctor                      show what this machine supports
  reprise sweep kl_annealing          train, record and report
  reprise status                      show the progress of sweeps

In a clone of the repository, `./just COMMAND` builds reprise and runs `reprise COMMAND`.

Exit codes: 0 success; 1 a check failed; 2 invalid arguments, sweep file or data; 3 a run failed;
4 disk, device or another part of the system failed; 130 interrupted."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Train all unfinished runs of a sweep, then write its report
    Sweep(sweep::SweepArgs),
    /// Show the progress of sweeps
    Status(status::StatusArgs),
    /// Rebuild the report of a sweep, or check that it is up to date
    Report(report::ReportArgs),
    /// Show what the sources claim, and what the runs say of it
    Claims(claims::ClaimsArgs),
    /// Train a finished run for more epochs
    Extend(extend::ExtendArgs),
    /// Score finished runs again: other data, longer horizons, many samples
    Evaluate(evaluate::EvaluateArgs),
    /// Make roll-outs, videos or keypoints with the weights of a run, or with imported ones
    Generate(generate::GenerateArgs),
    /// List, show and compare recorded runs
    Runs(runs::RunsArgs),
    /// Check a run store
    Store(store::StoreCommandArgs),
    /// Write the weights of a run to a file, with the original's names
    Export(export::ExportArgs),
    /// Import weights to initialise runs
    Import(import::ImportArgs),
    /// List, check, pack and import data sets
    Data(data::DataArgs),
    /// Check ports against their reference cases
    Golden(golden::GoldenArgs),
    /// List the settings of runs with type, range, default and meaning
    Settings(settings::SettingsArgs),
    /// Show what this machine supports: libtorch, CUDA, threads, disk
    Doctor(doctor::DoctorArgs),
    /// Print a script that completes commands, sweeps, runs and settings in a shell
    Completions(completions::CompletionsArgs),
    /// Time a training step in several precisions, and compare it with other programs
    Bench(bench::BenchArgs),
    /// Train one run; started by `sweep`
    #[command(hide = true)]
    Worker(worker::WorkerArgs),
    /// Measure one contestant of a benchmark; started by `bench`
    #[command(hide = true)]
    BenchWorker(bench::worker::BenchWorkerArgs),
}

/// Carries out a command.
pub fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Sweep(args) => sweep::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Claims(args) => claims::run(&args),
        Command::Extend(args) => extend::run(args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Runs(args) => runs::run(args),
        Command::Store(args) => store::run(args),
        Command::Data(args) => data::run(args),
        Command::Export(args) => export::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Golden(args) => golden::run(args),
        Command::Settings(args) => settings::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Worker(args) => worker::run(&args),
        Command::BenchWorker(args) => bench::worker::run(&args),
    }
}
