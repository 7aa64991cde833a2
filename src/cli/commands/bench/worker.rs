//! `reprise bench-worker`: one contestant of a benchmark, driven by lines on stdin.
//!
//! Prints `ready`, then answers every line with one line of JSON: `step N` with the seconds of N
//! training steps and the peak memory, so far and before the model was built; `gemm` with the speed
//! of a matrix product. Ends with stdin. A program in any language can use the same protocol.

use std::io::{self, BufRead, Write};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::cli::Failure;
use reprise_base::{
    config::{
        engine::{Arithmetic, Device, EngineSpec},
        model::CvaeSpec,
    },
    scalar::Count,
};
use reprise_store::provenance::peak_memory_bytes;
use reprise_torch::{
    libtorch,
    train::bench::{Subject, Trainee, Workload, gemm_gflops},
};

/// Arguments of `reprise bench-worker` and of every other contestant.
#[derive(Debug, Args)]
pub struct BenchWorkerArgs {
    /// System to train
    #[arg(value_name = "SYSTEM")]
    system: BenchSystem,
    /// Channels of the first layer
    #[arg(long, value_name = "N")]
    width: Count,
    /// Sequences per batch
    #[arg(long, value_name = "N")]
    batch: Count,
    /// Frames per sequence
    #[arg(long, value_name = "N")]
    frames: Count,
    /// Threads
    #[arg(long, value_name = "N")]
    threads: Count,
    /// Precision
    #[arg(long)]
    mode: BenchMode,
    /// Device
    #[arg(long, default_value_t = Device::Cpu)]
    device: Device,
}

/// A system that has a benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum BenchSystem {
    /// The conditional VAE
    Cvae,
    /// The physical-interaction model with CDNA
    PhysicalInteraction,
}

impl From<BenchSystem> for Subject {
    fn from(system: BenchSystem) -> Self {
        match system {
            BenchSystem::Cvae => Self::Cvae,
            BenchSystem::PhysicalInteraction => Self::PhysicalInteraction,
        }
    }
}

/// An [`Arithmetic`] as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BenchMode {
    /// The original's operations, in the original's order
    Exact,
    /// Fewer operations, which give the same result in exact arithmetic
    Fast,
    /// Like `fast`, with convolutions and linear layers in bfloat16
    Bf16,
    /// Like `fast`, with convolutions and linear layers in float16 and dynamic loss scaling
    Fp16,
}

impl From<BenchMode> for Arithmetic {
    fn from(mode: BenchMode) -> Self {
        match mode {
            BenchMode::Exact => Self::Exact,
            BenchMode::Fast => Self::Fast,
            BenchMode::Bf16 => Self::Bf16,
            BenchMode::Fp16 => Self::Fp16,
        }
    }
}

/// Answer to `step N`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Steps {
    /// Seconds per step.
    pub(super) seconds: Vec<f64>,
    /// Peak resident memory of the process so far.
    pub(super) peak_memory_bytes: u64,
    /// The same before the model was built: the program and its libraries.
    pub(super) base_memory_bytes: u64,
}

/// Answer to `gemm`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Gemm {
    /// 10⁹ arithmetic operations per second.
    pub(super) gflops: f64,
}

/// Answers the requests on stdin.
pub fn run(args: &BenchWorkerArgs) -> Result<(), Failure> {
    let &BenchWorkerArgs { system, width, batch, frames, threads, mode, device } = args;
    let engine = EngineSpec { device, threads, arithmetic: mode.into(), ..EngineSpec::default() };
    let device = libtorch::prepare(&engine)?.device;
    let horizon = horizon(frames)?;
    let base_memory_bytes = peak_memory_bytes();
    let subject = system.into();
    let mut trainee = Trainee::new(&Workload { subject, width, batch, horizon, engine }, device)?;
    send("ready")?;
    for line in io::stdin().lock().lines() {
        let line = line.map_err(Failure::Request)?;
        let answer = match line.split_once(' ').unwrap_or((&line, "")) {
            ("step", count) => {
                let steps = count.parse().unwrap_or(1_u32);
                let seconds = (0..steps).map(|_| trainee.step()).collect::<Result<_, _>>();
                let seconds = seconds.map_err(|divergence| {
                    Failure::Check(format!("{} is {}", divergence.quantity, divergence.value))
                })?;
                let peak_memory_bytes = peak_memory_bytes();
                serde_json::to_string(&Steps { seconds, peak_memory_bytes, base_memory_bytes })
            }
            ("gemm", _) => serde_json::to_string(&Gemm { gflops: gemm_gflops(device) }),
            _ => {
                return Err(Failure::Usage {
                    message: format!("unknown request `{line}`"),
                    hint: "send `step N` or `gemm`",
                });
            }
        };
        send(&answer.map_err(Failure::Encode)?)?;
    }
    Ok(())
}

/// Returns how many of these frames are predicted, after the context.
pub(super) fn horizon(frames: Count) -> Result<Count, Failure> {
    let context = CvaeSpec::default().context_frames.size();
    Count::try_from(frames.size() - context).map_err(|_| Failure::Usage {
        message: format!("{frames} frames leave nothing to predict after {context} context frames"),
        hint: "increase `--frames`",
    })
}

fn send(line: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(Failure::Print)
}
