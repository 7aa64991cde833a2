//! The conditional VAE in training (`main` and `train` of seed document 001).

use tch::Kind;

use super::{
    batch::{self, Batch, Examples},
    evaluate::{Evaluation, Scope, score_rollouts},
    noise::{RolloutNoise, StepNoise},
    state::TrainState,
    system::{At, Divergence, Horizon, Scalars, System, UnfitData},
};
use crate::{
    config::{RunSpec, engine::Arithmetic, model::CvaeSpec},
    data::Pack,
    libtorch::autocast,
    models::cvae::{
        Cvae, fast,
        rollout::{Latent, rollout},
        training::{Feedback, Objective, Sequences, SkipPolicy, objective},
        vgg::{VGG_CHANNELS, VGG_SIDE},
    },
    nn::params::Builder,
    rng::streams::Stream,
    scalar::Seed,
    store::record::SeriesDefinition,
};

/// Stream of the one coin per step that decides between truth and prediction.
const TEACHER_FORCING_STREAM: &str = "teacher_forcing";

/// Refuses frames of another size than the encoder takes.
///
/// # Errors
/// If they have.
pub fn check_data(pack: &Pack) -> Result<(), UnfitData> {
    let (expected, found) = ([VGG_SIDE, VGG_SIDE, VGG_CHANNELS], pack.frame_shape());
    if found == expected { Ok(()) } else { Err(UnfitData::FrameShape { expected, found }) }
}

/// Model, optimizer and schedules of a run.
#[derive(Debug)]
pub struct CvaeSystem {
    model: Cvae,
    state: TrainState,
    seed: Seed,
    skips: SkipPolicy,
    horizon: Horizon,
    /// KL weight β by epoch.
    kl_weight: Vec<f64>,
    /// Teacher-forcing ratio by epoch.
    teacher_forcing: Vec<f64>,
    arithmetic: Arithmetic,
    device: tch::Device,
}

impl CvaeSystem {
    /// Builds the model with its initial weights.
    pub fn new(
        spec: &RunSpec,
        cvae: &CvaeSpec,
        condition_size: usize,
        device: tch::Device,
    ) -> Self {
        let builder = Builder::new(spec.seed, Kind::Float, device);
        let condition = i64::try_from(condition_size).expect("a condition has few elements");
        let model = Cvae::new(&builder, cvae, condition);
        let mut params = builder.finish();
        let arithmetic = spec.engine.arithmetic;
        match arithmetic {
            Arithmetic::Exact => {}
            Arithmetic::Fast | Arithmetic::Bf16 => params.store_channels_last(),
        }
        Self {
            model,
            state: TrainState::new(spec.optimizer, params),
            seed: spec.seed,
            skips: SkipPolicy { rule: cvae.skip, context_frames: cvae.context_frames.size() },
            horizon: Horizon::new(cvae.context_frames, cvae.horizon),
            kl_weight: cvae.kl_weight.table(spec.training.epochs),
            teacher_forcing: cvae.teacher_forcing.table(spec.training.epochs),
            arithmetic,
            device,
        }
    }

    /// Computes the terms of the objective in the arithmetic of the run.
    fn objective(&self, batch: &Batch, feedback: Feedback, at: At) -> Objective {
        let noise = &mut StepNoise::new(self.seed, at.step);
        let (model, skips) = (&self.model, self.skips);
        let batch = sequences(batch);
        let fewer = |noise| fast::objective(model, &batch, feedback, skips, noise);
        match self.arithmetic {
            Arithmetic::Exact => objective(model, &batch, feedback, skips, noise),
            Arithmetic::Fast => fewer(noise),
            Arithmetic::Bf16 => autocast::bfloat16(self.device, || fewer(noise)),
        }
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
        let batch = batch::load(examples, self.horizon);
        let epoch = usize::try_from(at.epoch.0).expect("an epoch indexes its schedule");
        let (beta, ratio) = (self.kl_weight[epoch], self.teacher_forcing[epoch]);
        let coin = Stream::new(self.seed, TEACHER_FORCING_STREAM).at(at.step.0).next_unit();
        let teacher_forced = coin < ratio;
        let feedback = if teacher_forced { Feedback::TrueFrame } else { Feedback::Prediction };

        self.state.params.zero_grad();
        let objective = self.objective(&batch, feedback, at);
        let loss = objective.loss(beta);
        loss.backward();

        // The document divides what it reports, not what it differentiates, by n_past + n_future.
        let frames = self.horizon.frames as f64;
        let scalars = Scalars::from([
            ("loss", loss.double_value(&[]) / frames),
            ("reconstruction", objective.mse.double_value(&[]) / frames),
            ("kl", objective.kld.double_value(&[]) / frames),
            ("kl_weight", beta),
            ("teacher_forcing_ratio", ratio),
            ("teacher_forced", f64::from(u8::from(teacher_forced))),
        ]);
        Divergence::check(&scalars)?;
        match self.arithmetic {
            Arithmetic::Exact => self.state.step(),
            Arithmetic::Fast | Arithmetic::Bf16 => self.state.step_fused(),
        }
        Ok(scalars)
    }

    fn evaluate(&self, pack: &Pack, scope: Scope, device: tch::Device) -> Evaluation {
        score_rollouts(pack, scope, self.horizon, device, |batch, indices| {
            let mut noise = RolloutNoise::new(self.seed, scope.split, indices);
            rollout(&self.model, &sequences(batch), Latent::Prior, self.skips, &mut noise)
        })
    }

    fn choosing_metric(&self) -> &'static str {
        "psnr"
    }

    fn series(&self) -> Vec<(&'static str, SeriesDefinition)> {
        let per_frame = "divided by context + horizon, as the document reports it";
        let define = SeriesDefinition::new;
        vec![
            (
                "loss",
                define(
                    "training loss",
                    "",
                    &format!("reconstruction + KL weight x KL, {per_frame}"),
                ),
            ),
            (
                "reconstruction",
                define(
                    "reconstruction error",
                    "",
                    &format!("sum over time of the mean squared error of a frame, {per_frame}"),
                ),
            ),
            (
                "kl",
                define(
                    "KL divergence",
                    "nats",
                    &format!("sum over time of KL(posterior || prior) / batch size, {per_frame}"),
                ),
            ),
            ("kl_weight", define("KL weight", "", "weight of the KL term in the epoch")),
            (
                "teacher_forcing_ratio",
                define(
                    "teacher-forcing ratio",
                    "",
                    "probability that a step feeds back true frames in the epoch",
                ),
            ),
            (
                "teacher_forced",
                define(
                    "teacher forcing",
                    "",
                    "1 if the step fed back true frames, 0 if predictions",
                ),
            ),
        ]
    }

    fn streams(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            (TEACHER_FORCING_STREAM, "one coin per step: true frames or predictions"),
            ("posterior_noise", "z from the posterior, by step"),
            ("prior_noise", "the learned prior's sample in training, drawn and thrown away"),
            ("rollout_noise/SPLIT", "z of roll-outs, by sequence"),
        ]
    }
}

fn sequences(batch: &Batch) -> Sequences {
    Sequences { frames: batch.frames.shallow_clone(), condition: batch.condition.shallow_clone() }
}
