//! A training step as a benchmark takes it: the trainer's own update on invented data.
//!
//! Only measures. What is compared with what, and in which turns, is decided by the caller.

use tch::{Device, Kind, Tensor};

use super::{
    batch::Batch,
    cvae::CvaeSystem,
    system::{At, Divergence},
};
use crate::{
    config::{
        RunSpec,
        data::DataSpec,
        engine::EngineSpec,
        model::{CvaeSpec, ModelSpec},
        optim::OptimizerSpec,
        run::{EvaluationSpec, TrainingSpec},
    },
    provenance::Stopwatch,
    rng::streams::Stream,
    scalar::{Count, Epoch, Seed, Step},
    schedule::TeacherForcing,
};

/// Length of action ⊕ position in the document's data.
const CONDITION: usize = 7;
/// Sides of the square matrices whose product measures the machine.
const GEMM_SIDE: i64 = 1024;
/// Products that are timed; the fastest counts.
const GEMM_REPEATS: usize = 4;

/// What a step is taken on.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Channels of the first VGG block.
    pub width: Count,
    /// Sequences.
    pub batch: Count,
    /// Frames that are predicted after the document's two.
    pub horizon: Count,
    /// Threads and arithmetic.
    pub engine: EngineSpec,
}

/// A model in training on one batch, always teacher-forced.
#[derive(Debug)]
pub struct Trainee {
    system: CvaeSystem,
    batch: Batch,
    next: u64,
}

impl Workload {
    /// Returns the model whose steps are taken.
    fn cvae(&self) -> CvaeSpec {
        // All sizes in the document's proportion to the width of 64.
        let times = |factor: u32| {
            let size = self.width.size() * i64::from(factor);
            Count::try_from(size).unwrap_or(self.width)
        };
        CvaeSpec {
            width: self.width,
            g_dim: times(2),
            z_dim: times(1),
            rnn_size: times(4),
            horizon: self.horizon,
            teacher_forcing: TeacherForcing::Always,
            ..CvaeSpec::default()
        }
    }

    /// Returns the run whose steps are taken.
    pub fn spec(&self) -> RunSpec {
        RunSpec {
            seed: Seed(0),
            data: DataSpec::default(),
            model: ModelSpec::Cvae(self.cvae()),
            initial_weights: None,
            optimizer: OptimizerSpec::default(),
            training: TrainingSpec { batch_size: self.batch, ..TrainingSpec::default() },
            evaluation: EvaluationSpec::default(),
            engine: self.engine,
        }
    }

    /// Returns how many multiplications and additions of convolutions and linear maps, forward and
    /// backward, the original's order of a teacher-forced step has.
    pub fn operations(&self) -> f64 {
        let spec = self.cvae();
        let real = |count: Count| count.get() as f64;
        let (w, g, z, r) =
            (real(spec.width), real(spec.g_dim), real(spec.z_dim), real(spec.rnn_size));
        // A chain of 3×3 convolutions through these channels at a side.
        let chain = |side: f64, channels: &[f64]| {
            channels.windows(2).map(|pair| 9.0 * side * side * pair[0] * pair[1]).sum::<f64>()
        };
        let lstm = |layers: Count| real(layers) * 8.0 * r * r;
        let first = chain(64.0, &[3.0, w]);
        let encoder = chain(64.0, &[w, w])
            + chain(32.0, &[w, 2.0 * w, 2.0 * w])
            + chain(16.0, &[2.0 * w, 4.0 * w, 4.0 * w, 4.0 * w])
            + chain(8.0, &[4.0 * w, 8.0 * w, 8.0 * w, 8.0 * w])
            + 16.0 * 8.0 * w * g;
        let decoder = 16.0 * g * 8.0 * w
            + chain(8.0, &[16.0 * w, 8.0 * w, 8.0 * w, 4.0 * w])
            + chain(16.0, &[8.0 * w, 4.0 * w, 4.0 * w, 2.0 * w])
            + chain(32.0, &[4.0 * w, 2.0 * w, w])
            + chain(64.0, &[2.0 * w, w, 3.0]);
        let posterior = g * r + lstm(spec.posterior_layers) + 2.0 * r * z;
        let predictor = (CONDITION as f64 + g + z) * r + lstm(spec.predictor_layers) + r * g;
        // Forward, gradient of the weights, gradient of the input; true frames need none.
        let step = 2.0 * (3.0 * encoder + 2.0 * first) + 3.0 * (decoder + posterior + predictor);
        let steps = real(spec.context_frames) + real(spec.horizon) - 1.0;
        2.0 * real(self.batch) * steps * step
    }
}

impl Trainee {
    /// Builds the model and invents a batch.
    pub fn new(workload: &Workload, device: Device) -> Self {
        let spec = workload.spec();
        let cvae = workload.cvae();
        let frames = cvae.context_frames.len() + cvae.horizon.len();
        let system = CvaeSystem::new(&spec, &cvae, CONDITION, device);
        let batch = batch(frames, workload.batch.len(), device);
        Self { system, batch, next: 0 }
    }

    /// Takes one optimizer step and returns how many seconds it took.
    ///
    /// # Errors
    /// If the loss is not finite.
    pub fn step(&mut self) -> Result<f64, Divergence> {
        let at = At { step: Step(self.next), epoch: Epoch(0) };
        self.next += 1;
        let watch = Stopwatch::start();
        self.system.step(&self.batch, at)?;
        Ok(watch.seconds())
    }
}

/// Frames and conditions of uniform noise in [0, 1).
fn batch(frames: usize, batch: usize, device: Device) -> Batch {
    let mut draws = Stream::new(Seed(0), "benchmark").at(0);
    let mut tensor = |shape: &[usize]| {
        let values = (0..shape.iter().product()).map(|_| draws.next_unit()).collect::<Vec<f64>>();
        let shape: Vec<i64> =
            shape.iter().map(|&n| i64::try_from(n).expect("sizes fit an i64")).collect();
        Tensor::from_slice(&values).to_kind(Kind::Float).reshape(shape).to_device(device)
    };
    Batch {
        frames: tensor(&[frames, batch, 3, 64, 64]),
        condition: tensor(&[frames, batch, CONDITION]),
    }
}

/// Returns the arithmetic operations of a second in the fastest of some products of f32 matrices,
/// in 10⁹.
pub fn gemm_gflops(device: Device) -> f64 {
    let a = Tensor::ones([GEMM_SIDE, GEMM_SIDE], (Kind::Float, device));
    let fastest = (0..GEMM_REPEATS)
        .map(|_| {
            let watch = Stopwatch::start();
            let product = a.matmul(&a);
            // Reading a number waits for the device.
            let _value = product.double_value(&[0, 0]);
            watch.seconds()
        })
        .fold(f64::INFINITY, f64::min);
    2.0 * (GEMM_SIDE as f64).powi(3) / fastest / 1e9
}
