//! `reprise bench`: how long a training step takes, in our arithmetics and beside other programs.

use std::{env, process::Command};

use clap::{Args, ValueEnum};
use serde::Serialize;

use self::{
    ratios::{Measured, Ratios, ratios},
    side::Side,
    worker::{BenchSystem, Gemm, Mode, Steps, horizon},
};
use crate::{
    cli::{
        Failure,
        args::{Format, FormatArgs},
        output::{count, print, print_json, table, tell},
    },
    config::engine::{Device, EngineSpec},
    scalar::Count,
    train::bench::Workload,
};

mod ratios;
pub mod side;
pub mod worker;

/// Arguments of `reprise bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reprise bench cvae                                     exact beside fast
  reprise bench physical_interaction --width 32 --batch 8 --arithmetic exact
  reprise bench cvae --width 8 --threads 1 --arithmetic exact,fast,bf16
  ./just bench cvae                                      both beside PyTorch eager

Every side is a process of its own that waits while another one computes: one step each, in turns,
so that whatever else the machine does slows all of them alike. Quoted are ratios to the first side:
speed as the median over rounds, peak memory of the process and of what it took after its libraries
were loaded; then which share of the speed of a matrix product the step reaches, counted with the
operations of the original's order.

A program given by --eager takes --width --batch --frames --threads --mode, says `ready` and answers
`step N` with {\"seconds\": [...], \"peak_memory_bytes\": n, \"base_memory_bytes\": n} and `gemm`
with {\"gflops\": x}. All sizes of the model are in the original's proportion to the width.")]
pub struct BenchArgs {
    /// What is trained
    #[arg(value_name = "SYSTEM")]
    system: BenchSystem,
    /// Channels of the first layer
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "8,16")]
    width: Vec<Count>,
    /// Threads of every side
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1,2")]
    threads: Vec<Count>,
    /// Sequences of a batch
    #[arg(long, value_name = "N", default_value = "8")]
    batch: Count,
    /// Frames of a sequence
    #[arg(long, value_name = "N", default_value = "12")]
    frames: Count,
    /// Steps of every side that count; two more come first
    #[arg(long, value_name = "N", default_value = "9")]
    rounds: Count,
    /// Our arithmetics
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "exact,fast")]
    arithmetic: Vec<Mode>,
    /// Program that takes the same step in another way; it becomes the first side
    #[arg(long, value_name = "COMMAND", overrides_with = "eager")]
    eager: Option<String>,
    /// Values of --mode that this program is started with
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

/// What came out for one size and number of threads.
#[derive(Debug, Serialize)]
struct Comparison {
    width: Count,
    batch: Count,
    frames: Count,
    threads: Count,
    rounds: Count,
    /// Speed of a matrix product by round, as measured.
    gemm_gflops: Vec<f64>,
    sides: Vec<Ratios>,
}

/// Measures every size with every number of threads.
pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    let mut comparisons = Vec::new();
    for &width in &args.width {
        for &threads in &args.threads {
            let found = compare(args, width, threads)?;
            if args.format.format == Format::Text {
                print(&text(&found))?;
            }
            comparisons.push(found);
        }
    }
    match args.format.format {
        Format::Json => print_json(&comparisons),
        Format::Text => Ok(()),
    }
}

fn compare(args: &BenchArgs, width: Count, threads: Count) -> Result<Comparison, Failure> {
    let &BenchArgs { batch, frames, rounds, .. } = args;
    let engine = EngineSpec { device: Device::Cpu, threads, ..EngineSpec::default() };
    let subject = args.system.into();
    let workload = Workload { subject, width, batch, horizon: horizon(frames)?, engine };
    workload.spec().check().map_err(|contradiction| Failure::Usage {
        message: contradiction.to_string(),
        hint: "give other sizes",
    })?;

    let mut sides = sides(args, width, threads)?;
    let mut measured = Vec::new();
    for side in &mut sides {
        let Steps { peak_memory_bytes, base_memory_bytes, .. } = side.ask("step 2")?;
        let name = side.name.clone();
        let seconds = Vec::new();
        measured.push(Measured { name, seconds, peak_memory_bytes, base_memory_bytes });
    }
    let mut gemm = Vec::new();
    for round in 1..=rounds.get() {
        tell(&format!("width {width}, {}: round {round} of {rounds}", in_threads(threads)));
        for (side, measured) in sides.iter_mut().zip(&mut measured) {
            let Steps { seconds, peak_memory_bytes, .. } = side.ask("step 1")?;
            measured.seconds.extend(seconds);
            measured.peak_memory_bytes = peak_memory_bytes;
        }
        // By the side that is there in any case, so that the product is one and the same.
        if let Some(own) = sides.last_mut() {
            let Gemm { gflops } = own.ask("gemm")?;
            gemm.push(gflops * 1e9);
        }
    }
    let sides = ratios(&measured, workload.operations(), &gemm);
    let gemm_gflops = gemm.into_iter().map(|operations| operations / 1e9).collect();
    Ok(Comparison { width, batch, frames, threads, rounds, gemm_gflops, sides })
}

/// Starts all sides, the one that the others are held against first.
fn sides(args: &BenchArgs, width: Count, threads: Count) -> Result<Vec<Side>, Failure> {
    let start = |name: String, mut command: Command, mode: &str| {
        for (key, value) in [
            ("--width", width),
            ("--batch", args.batch),
            ("--frames", args.frames),
            ("--threads", threads),
        ] {
            command.args([key, &value.to_string()]);
        }
        command.args(["--mode", mode]).env("OMP_NUM_THREADS", threads.to_string());
        Ok::<_, Failure>(Side::start(name, command)?)
    };
    let mut sides = Vec::new();
    if let Some(eager) = &args.eager {
        for mode in &args.eager_mode {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("exec {eager} \"$@\""), "sh"]);
            sides.push(start(format!("eager {mode}"), command, mode)?);
        }
    }
    let own = env::current_exe().map_err(Failure::Itself)?;
    let system = name(&args.system);
    for mode in &args.arithmetic {
        let mode = name(mode);
        let mut command = Command::new(&own);
        command.args(["bench-worker", &system]);
        sides.push(start(format!("reprise {mode}"), command, &mode)?);
    }
    Ok(sides)
}

/// Returns an argument as it is typed.
fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

fn in_threads(threads: Count) -> String {
    count(threads.len(), "thread")
}

fn text(comparison: &Comparison) -> String {
    let Comparison { width, batch, frames, threads, rounds, gemm_gflops: _, sides } = comparison;
    let head = format!(
        "width {width}, batch {batch}, {frames} frames, {}, median of {rounds} rounds\n",
        in_threads(*threads)
    );
    let rows: Vec<[String; 5]> = sides
        .iter()
        .map(|side| {
            [
                side.name.clone(),
                format!("{:.2} x", side.speed),
                format!("{:.2} x", side.memory),
                format!("{:.2} x", side.step_memory),
                format!("{:.0} %", 100.0 * side.gemm_share),
            ]
        })
        .collect();
    let columns = ["side", "speed", "peak memory", "without libraries", "of matrix product"];
    format!("{head}{}\n", table(columns, &rows))
}
