//! Training of the conditional VAE (`main` and `train` of the original).

use tch::Kind;

use super::{
    batch::{self, Batch, Examples, FrameCounts, size},
    evaluate::{PredictedRows, RolloutRequest, Scoring, VideoPredictor},
    noise::{RolloutNoise, StepNoise, rollout_stream_name, stream_name},
    state::TrainState,
    system::{At, Divergence, Scalars, System, UnfitData},
};
use crate::{
    libtorch::autocast::autocast,
    models::{
        NoisePurpose,
        cvae::{
            Cvae, CvaeDataSizes, fast,
            rollout::{RolloutPolicy, rollout},
            training::{ConditionedBatch, CvaeObjective, Feedback, SkipPolicy, objective},
            vgg::VGG_SIDES,
        },
    },
    nn::params::Builder,
};
use reprise_base::{
    config::{RunSpec, engine::Arithmetic, model::CvaeSpec, protocol::Latent},
    rng::streams::Stream,
    scalar::Seed,
    vocabulary::{MetricName, SeriesName},
};
use reprise_data::Pack;
use reprise_store::store::record::SeriesDefinition;

/// Stream of the draw per step that decides between true frames and predictions.
const TEACHER_FORCING_STREAM: &str = "teacher_forcing";

/// Checks that frames have a size that the encoder takes.
///
/// # Errors
/// If they have another size.
pub fn check_data(pack: &Pack) -> Result<(), UnfitData> {
    let [height, width, _] = pack.frame_shape();
    if height == width && VGG_SIDES.contains(&height) {
        Ok(())
    } else {
        Err(UnfitData::NoSuchSide { sides: VGG_SIDES, height, width })
    }
}

/// Model, optimizer and schedules of a run.
#[derive(Debug)]
pub struct CvaeSystem {
    model: Cvae,
    state: TrainState,
    seed: Seed,
    skips: SkipPolicy,
    frames: FrameCounts,
    /// KL weight β by epoch.
    kl_weight: Vec<f64>,
    /// Teacher-forcing ratio by epoch.
    teacher_forcing: Vec<f64>,
    arithmetic: Arithmetic,
    device: tch::Device,
}

impl CvaeSystem {
    /// Builds the model with its initial weights for the frames, actions and positions of a pack.
    pub fn new(spec: &RunSpec, cvae: &CvaeSpec, pack: &Pack, device: tch::Device) -> Self {
        let builder = Builder::new(spec.seed, Kind::Float, device);
        let [side, _, channels] = pack.frame_shape().map(size);
        let data = CvaeDataSizes { side, channels, condition_size: size(pack.condition_size()) };
        let model = Cvae::new(&builder, cvae, data);
        let mut params = builder.finish();
        let arithmetic = spec.engine.arithmetic;
        match arithmetic {
            Arithmetic::Exact => {}
            Arithmetic::Fast | Arithmetic::Bf16 | Arithmetic::Fp16 => {
                params.store_channels_last();
            }
        }
        Self {
            model,
            state: TrainState::new(spec.optimizer, params).with_arithmetic(arithmetic),
            seed: spec.seed,
            skips: SkipPolicy { rule: cvae.skip, context_frames: cvae.context_frames.size() },
            frames: FrameCounts::new(cvae.context_frames, cvae.horizon),
            kl_weight: cvae.kl_weight.table(spec.training.epochs),
            teacher_forcing: cvae.teacher_forcing.table(spec.training.epochs),
            arithmetic,
            device,
        }
    }

    /// Computes the terms of the objective with the arithmetic of the run.
    fn objective(&self, batch: &Batch, feedback: Feedback, at: At) -> CvaeObjective {
        let noise = &mut StepNoise::new(self.seed, at.batch);
        let (model, skips) = (&self.model, self.skips);
        let batch = conditioned(batch);
        autocast(self.arithmetic, self.device, || match self.arithmetic {
            Arithmetic::Exact => objective(model, &batch, feedback, skips, noise),
            Arithmetic::Fast | Arithmetic::Bf16 | Arithmetic::Fp16 => {
                fast::objective(model, &batch, feedback, skips, noise)
            }
        })
    }
}

impl System for CvaeSystem {
    fn state(&self) -> &TrainState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut TrainState {
        &mut self.state
    }

    fn update(&mut self, examples: &Examples<'_>, at: At) -> Result<Scalars, Divergence> {
        let batch = batch::load(examples, self.frames);
        let epoch = usize::try_from(at.epoch.0).expect("an epoch indexes its schedule");
        let (beta, ratio) = (self.kl_weight[epoch], self.teacher_forcing[epoch]);
        let coin = Stream::new(self.seed, TEACHER_FORCING_STREAM).at(at.batch.0).next_unit();
        let teacher_forced = coin < ratio;
        let feedback = if teacher_forced { Feedback::TrueFrame } else { Feedback::Prediction };

        self.state.zero_grad();
        let objective = self.objective(&batch, feedback, at);
        let loss = objective.loss(beta);
        self.state.backward(&loss);

        // The original divides the reported values, not the differentiated ones, by n_past +
        // n_future.
        let frames = self.frames.total as f64;
        let reported = [&loss, &objective.mse, &objective.kld, &objective.active_units()];
        let values = self.state.complete_gradients(&reported);
        let scalars = Scalars::from([
            (SeriesName::Loss, values[0] / frames),
            (SeriesName::Reconstruction, values[1] / frames),
            (SeriesName::Kl, values[2] / frames),
            (SeriesName::ActiveUnits, values[3]),
            (SeriesName::KlWeight, beta),
            (SeriesName::TeacherForcingRatio, ratio),
            (SeriesName::TeacherForced, f64::from(u8::from(teacher_forced))),
        ]);
        Divergence::check(&scalars)?;
        match self.arithmetic {
            Arithmetic::Exact => self.state.step(),
            Arithmetic::Fast | Arithmetic::Bf16 | Arithmetic::Fp16 => self.state.step_fused(),
        }
        Ok(scalars)
    }

    fn scoring(&self) -> Scoring<'_> {
        Scoring::Frames(self)
    }

    fn choosing_metric(&self) -> MetricName {
        MetricName::Psnr
    }

    fn series(&self) -> Vec<(SeriesName, SeriesDefinition)> {
        let per_frame = "divided by context + horizon, as the original reports it";
        let define = SeriesDefinition::new;
        vec![
            (
                SeriesName::Loss,
                define(
                    "training loss",
                    "",
                    &format!("reconstruction + KL weight x KL, {per_frame}"),
                ),
            ),
            (
                SeriesName::Reconstruction,
                define(
                    "reconstruction error",
                    "",
                    &format!("sum over time of the mean squared error of a frame, {per_frame}"),
                ),
            ),
            (
                SeriesName::Kl,
                define(
                    "KL divergence",
                    "nats",
                    &format!("sum over time of KL(posterior || prior) / batch size, {per_frame}"),
                ),
            ),
            (
                SeriesName::ActiveUnits,
                define(
                    "active units",
                    "",
                    "dimensions of z whose posterior mean has a variance above 0.01 over the sequences and time \
                     steps of the batch",
                ),
            ),
            (SeriesName::KlWeight, define("KL weight", "", "weight of the KL term in the epoch")),
            (
                SeriesName::TeacherForcingRatio,
                define(
                    "teacher-forcing ratio",
                    "",
                    "probability that a step feeds back true frames in the epoch",
                ),
            ),
            (
                SeriesName::TeacherForced,
                define(
                    "teacher forcing",
                    "",
                    "1 if the step fed back true frames, 0 if predictions",
                ),
            ),
        ]
    }

    fn streams(&self) -> Vec<(String, &'static str)> {
        vec![
            (
                TEACHER_FORCING_STREAM.to_owned(),
                "whether a step feeds back true frames or predictions, by step",
            ),
            (stream_name(NoisePurpose::Posterior).to_owned(), "z from the posterior, by step"),
            (
                stream_name(NoisePurpose::Prior).to_owned(),
                "z from the learned prior in training, unused as in the original",
            ),
            (rollout_stream_name("SPLIT"), "z of roll-outs, by sequence"),
        ]
    }
}

impl VideoPredictor for CvaeSystem {
    fn predict(&self, request: &RolloutRequest<'_>) -> PredictedRows {
        let RolloutRequest { batch, rows, protocol, rollout: asked } = request;
        let mut noise = RolloutNoise::of_samples(protocol.seed, protocol.split, rows);
        let policy = RolloutPolicy {
            latent: asked.latent.unwrap_or(Latent::Prior),
            feedback: asked.feedback,
            skips: SkipPolicy { context_frames: asked.context.size(), ..self.skips },
        };
        let frames = rollout(&self.model, &conditioned(batch), policy, &mut noise);
        PredictedRows { frames, others: Vec::new() }
    }
}

fn conditioned(batch: &Batch) -> ConditionedBatch {
    ConditionedBatch {
        frames: batch.frames.shallow_clone(),
        condition: batch.condition.shallow_clone(),
    }
}
