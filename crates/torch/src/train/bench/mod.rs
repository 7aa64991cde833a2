//! Timing of training steps: the trainer's own update on generated sequences.
//!
//! This module only measures; the caller decides what is compared and in which order.

use tch::{Device, Kind, Tensor};

use super::{
    batch::Examples,
    system::{At, Divergence, System},
    systems::build,
};
use reprise_base::{
    config::{
        RunSpec,
        data::{DataSpec, Dataset, Overlap, Sampler},
        engine::EngineSpec,
        model::{CvaeSpec, ModelSpec, PhysicalInteractionSpec},
        optim::{AdamForm, AdamSpec, OptimizerSpec},
        run::{EvaluationSpec, TrainingSpec},
    },
    scalar::{Count, Epoch, Positive, Seed, Step},
    schedule::{ScheduledSampling, TeacherForcing},
};
use reprise_data::{self as data, DataError, Pack, Required, Split};
use reprise_store::provenance::Stopwatch;

mod operations;

/// Side of the square matrices whose product measures the machine.
const GEMM_SIDE: i64 = 1024;
/// Number of products that are timed; the fastest counts.
const GEMM_REPEATS: usize = 4;

/// A system whose step is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The conditional VAE, always teacher-forced.
    Cvae,
    /// CDNA of the TensorFlow original, fed its own predictions.
    PhysicalInteraction,
}

/// The settings of a timed step.
#[derive(Clone, Debug)]
pub struct Workload {
    pub subject: Subject,
    /// Channels of the first layer.
    pub width: Count,
    pub batch: Count,
    /// Frames predicted after the original's two context frames.
    pub horizon: Count,
    pub engine: EngineSpec,
}

/// A system and the one batch that it is trained on.
#[derive(Debug)]
pub struct Trainee {
    system: Box<dyn System>,
    pack: Pack,
    indices: Vec<usize>,
    device: Device,
    next: u64,
}

impl Workload {
    /// Returns the run whose steps are timed.
    pub fn spec(&self) -> RunSpec {
        let (model, adam) = match self.subject {
            Subject::Cvae => (ModelSpec::Cvae(self.cvae()), AdamSpec::default()),
            Subject::PhysicalInteraction => {
                let adam = AdamSpec {
                    learning_rate: Positive::try_from(0.001).expect("the literal is positive"),
                    form: AdamForm::TensorFlow,
                    ..AdamSpec::default()
                };
                (ModelSpec::PhysicalInteraction(self.physical_interaction()), adam)
            }
        };
        let frames = model.frames_used().map_or(self.horizon, |used| {
            Count::try_from(used.context.size() + used.horizon.size()).unwrap_or(self.horizon)
        });
        RunSpec {
            seed: Seed(0),
            data: DataSpec {
                dataset: Dataset::MovingSquare { sequences: self.batch, frames },
                sampler: Sampler::default(),
                overlap: Overlap::default(),
            },
            model,
            initial_weights: None,
            continue_from: None,
            optimizer: OptimizerSpec::Adam(adam),
            training: TrainingSpec { batch_size: self.batch, ..TrainingSpec::default() },
            evaluation: EvaluationSpec::default(),
            engine: self.engine.clone(),
        }
    }

    /// Returns the number of multiplications and additions in the convolutions and linear layers of
    /// a step of the original, forward and backward.
    pub fn operations(&self) -> f64 {
        let multiplications = match self.subject {
            Subject::Cvae => operations::cvae(&self.cvae()),
            Subject::PhysicalInteraction => {
                operations::physical_interaction(&self.physical_interaction())
            }
        };
        2.0 * self.batch.get() as f64 * multiplications
    }

    /// Scales all sizes in the original's proportion to its width of 64.
    fn cvae(&self) -> CvaeSpec {
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

    fn physical_interaction(&self) -> PhysicalInteractionSpec {
        PhysicalInteractionSpec {
            width: self.width,
            horizon: self.horizon,
            scheduled_sampling: ScheduledSampling::Never,
            ..PhysicalInteractionSpec::default()
        }
    }
}

impl Trainee {
    /// Builds the model and generates a batch.
    ///
    /// # Errors
    /// If the batch does not fit in memory.
    pub fn new(workload: &Workload, device: Device) -> Result<Self, DataError> {
        let spec = workload.spec();
        // Generated data is not cached.
        let no_cache = std::path::Path::new("");
        let pack = data::open(&spec.data.dataset, Required::AllSplits, no_cache, &mut |_| {})?;
        let system = build(&spec, &pack, device);
        let indices = (0..workload.batch.len()).collect();
        Ok(Self { system, pack, indices, device, next: 0 })
    }

    /// Takes one optimizer step, loading of the batch included, and returns its duration in seconds.
    ///
    /// # Errors
    /// If the loss is NaN or infinite.
    pub fn step(&mut self) -> Result<f64, Divergence> {
        let at = At::update(Step(self.next), Epoch(0));
        self.next += 1;
        let Self { pack, indices, device, .. } = self;
        let examples = Examples { pack, split: Split::Train, indices, device: *device };
        let watch = Stopwatch::start();
        self.system.take_step(&examples, at)?;
        Ok(watch.seconds())
    }
}

/// Returns the speed of a product of two 1024×1024 f32 matrices in GFLOP/s, the fastest of four.
pub fn gemm_gflops(device: Device) -> f64 {
    let a = Tensor::ones([GEMM_SIDE, GEMM_SIDE], (Kind::Float, device));
    let fastest = (0..GEMM_REPEATS)
        .map(|_| {
            let watch = Stopwatch::start();
            let product = a.matmul(&a);
            // Reading a value waits for the device.
            let _value = product.double_value(&[0, 0]);
            watch.seconds()
        })
        .fold(f64::INFINITY, f64::min);
    2.0 * (GEMM_SIDE as f64).powi(3) / fastest / 1e9
}
