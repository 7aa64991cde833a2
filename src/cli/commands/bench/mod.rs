//! `reprise bench`: times a training step in several precisions, and beside other programs.

use std::{env, process::Command};

use clap::{Args, ValueEnum};
use serde::Serialize;

use self::{
    contestant::Contestant,
    ratios::{Measured, Ratios, ratios},
    worker::{BenchMode, BenchSystem, Gemm, Steps, horizon},
};
use crate::cli::{
    Failure,
    args::{FormatArgs, OutputFormat},
    output::{print, print_json, table, tell},
};
use reprise_base::{
    config::engine::{Device, EngineSpec},
    scalar::Count,
    text::count,
};
use reprise_torch::train::bench::Workload;

pub mod contestant;
mod ratios;
pub mod worker;

/// Arguments of `reprise bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise bench cvae                                     exact and fast
  reprise bench physical_interaction --width 32 --batch 8 --arithmetic exact
  reprise bench cvae --width 8 --threads 1 --arithmetic exact,fast,bf16
  ./just bench cvae                                      PyTorch eager as well

Each program and precision runs in a process of its own. The processes take turns: one takes a
step while the others wait, so that other load on the machine slows all of them alike. The table
compares each process with the first one. Speed is (time per step of the first) / (time per step
of this one), median over rounds. Peak memory is (memory of this one) / (memory of the first),
with and without the libraries. The last column is (speed of the step) / (speed of a matrix
product), where the operations of a step are counted as in the original.

The program of --eager is called with --width --batch --frames --threads --mode, and with --device
if that is not the CPU. It must print
`ready`. Then it must answer `step N` with {\"seconds\": [...], \"peak_memory_bytes\": n,
\"base_memory_bytes\": n} and `gemm` with {\"gflops\": x}. All layer sizes of
the model are proportional to the width.")]
pub struct BenchArgs {
    /// System to train
    #[arg(value_name = "SYSTEM")]
    system: BenchSystem,
    /// Channels of the first layer
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "8,16")]
    width: Vec<Count>,
    /// Threads per process
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1,2")]
    threads: Vec<Count>,
    /// Sequences per batch
    #[arg(long, value_name = "N", default_value = "8")]
    batch: Count,
    /// Frames per sequence
    #[arg(long, value_name = "N", default_value = "12")]
    frames: Count,
    /// Timed steps per process, after two warm-up steps
    #[arg(long, value_name = "N", default_value = "9")]
    rounds: Count,
    /// Precisions to time
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "exact,fast")]
    arithmetic: Vec<BenchMode>,
    /// Device: cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value_t = Device::Cpu)]
    device: Device,
    /// Another program that takes the same training step; all ratios are relative to it
    #[arg(long, value_name = "COMMAND", overrides_with = "eager")]
    eager: Option<String>,
    /// Values of --mode for the program of --eager; it is started once with each
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        requires = "eager",
        default_value = "f32"
    )]
    eager_mode: Vec<String>,
    #[command(flatten)]
    format: FormatArgs,
}

/// The result for one width and number of threads.
#[derive(Debug, Serialize)]
struct BenchResult {
    width: Count,
    batch: Count,
    frames: Count,
    threads: Count,
    rounds: Count,
    /// Speed of a matrix product in each round.
    gemm_gflops: Vec<f64>,
    #[serde(rename = "sides")]
    contestants: Vec<Ratios>,
}

/// Measures every width with every number of threads.
pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    let mut results = Vec::new();
    for &width in &args.width {
        for &threads in &args.threads {
            let result = compare(args, width, threads)?;
            if args.format.format == OutputFormat::Text {
                print(&text(&result))?;
            }
            results.push(result);
        }
    }
    match args.format.format {
        OutputFormat::Json => print_json(&results),
        OutputFormat::Text => Ok(()),
    }
}

fn compare(args: &BenchArgs, width: Count, threads: Count) -> Result<BenchResult, Failure> {
    let &BenchArgs { batch, frames, rounds, .. } = args;
    let engine = EngineSpec { device: args.device, threads, ..EngineSpec::default() };
    let subject = args.system.into();
    let workload = Workload { subject, width, batch, horizon: horizon(frames)?, engine };
    workload.spec().check().map_err(|contradiction| Failure::Usage {
        message: contradiction.to_string(),
        hint: "choose other sizes",
    })?;

    let mut contestants = start_all(args, width, threads)?;
    let mut measured = Vec::new();
    for contestant in &mut contestants {
        let Steps { peak_memory_bytes, base_memory_bytes, .. } = contestant.ask("step 2")?;
        let name = contestant.name.clone();
        let seconds = Vec::new();
        measured.push(Measured { name, seconds, peak_memory_bytes, base_memory_bytes });
    }
    let mut gemm = Vec::new();
    for round in 1..=rounds.get() {
        tell(&format!("width {width}, {}: round {round} of {rounds}", in_threads(threads)));
        for (contestant, measured) in contestants.iter_mut().zip(&mut measured) {
            let Steps { seconds, peak_memory_bytes, .. } = contestant.ask("step 1")?;
            measured.seconds.extend(seconds);
            measured.peak_memory_bytes = peak_memory_bytes;
        }
        // The last contestant is always one of ours, so the product is always the same.
        if let Some(own) = contestants.last_mut() {
            let Gemm { gflops } = own.ask("gemm")?;
            gemm.push(gflops * 1e9);
        }
    }
    let contestants = ratios(&measured, workload.operations(), &gemm);
    let gemm_gflops = gemm.into_iter().map(|operations| operations / 1e9).collect();
    Ok(BenchResult { width, batch, frames, threads, rounds, gemm_gflops, contestants })
}

/// Starts all contestants. The others are compared with the first.
fn start_all(args: &BenchArgs, width: Count, threads: Count) -> Result<Vec<Contestant>, Failure> {
    let start = |name: String, mut command: Command, mode: &str| {
        for (key, value) in [
            ("--width", width),
            ("--batch", args.batch),
            ("--frames", args.frames),
            ("--threads", threads),
        ] {
            command.args([key, &value.to_string()]);
        }
        if args.device != Device::Cpu {
            command.args(["--device", &args.device.to_string()]);
        }
        command.args(["--mode", mode]).env("OMP_NUM_THREADS", threads.to_string());
        Ok::<_, Failure>(Contestant::start(name, command)?)
    };
    let mut contestants = Vec::new();
    if let Some(eager) = &args.eager {
        for mode in &args.eager_mode {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("exec {eager} \"$@\""), "sh"]);
            contestants.push(start(format!("eager {mode}"), command, mode)?);
        }
    }
    let own = env::current_exe().map_err(Failure::Executable)?;
    let system = name(&args.system);
    for mode in &args.arithmetic {
        let mode = name(mode);
        let mut command = Command::new(&own);
        command.args(["bench-worker", &system]);
        contestants.push(start(format!("reprise {mode}"), command, &mode)?);
    }
    Ok(contestants)
}

/// Returns an argument as it is typed.
fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

fn in_threads(threads: Count) -> String {
    count(threads.get(), "thread")
}

fn text(result: &BenchResult) -> String {
    let BenchResult { width, batch, frames, threads, rounds, gemm_gflops: _, contestants } = result;
    let head = format!(
        "width {width}, batch {batch}, {frames} frames, {}, median of {rounds} rounds\n",
        in_threads(*threads)
    );
    let rows: Vec<[String; 5]> = contestants
        .iter()
        .map(|contestant| {
            [
                contestant.name.clone(),
                format!("{:.2} x", contestant.speed),
                format!("{:.2} x", contestant.memory),
                format!("{:.2} x", contestant.step_memory),
                format!("{:.0} %", 100.0 * contestant.gemm_share),
            ]
        })
        .collect();
    let columns = ["program", "speed", "peak memory", "without libraries", "of matrix product"];
    format!("{head}{}\n", table(columns, &rows))
}
