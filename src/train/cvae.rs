//! The conditional VAE in training (`main` and `train` of seed document 001).

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::{
    batch::{self, Batch, Examples},
    evaluate::{Evaluation, Scope, score_rollouts},
    noise::{RolloutNoise, StepNoise},
    system::{At, Divergence, Horizon, System, UnfitData},
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
    nn::params::{Builder, Params},
    optim::Optimizer,
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
    params: Params,
    optimizer: Optimizer,
    seed: Seed,
    skips: SkipPolicy,
    horizon: Horizon,
    learning_rate: f64,
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
            optimizer: Optimizer::new(spec.optimizer, &params),
            model,
            params,
            seed: spec.seed,
            skips: SkipPolicy { rule: cvae.skip, context_frames: cvae.context_frames.size() },
            horizon: Horizon {
                context: cvae.context_frames.len(),
                frames: cvae.context_frames.len() + cvae.horizon.len(),
            },
            learning_rate: spec.optimizer.learning_rate().get(),
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
    fn params(&self) -> &Params {
        &self.params
    }

    fn params_mut(&mut self) -> &mut Params {
        &mut self.params
    }

    fn update(
        &mut self,
        examples: &Examples<'_>,
        at: At,
    ) -> Result<BTreeMap<String, f64>, Divergence> {
        let batch = batch::load(examples, self.horizon);
        let epoch = usize::try_from(at.epoch.0).expect("an epoch indexes its schedule");
        let (beta, ratio) = (self.kl_weight[epoch], self.teacher_forcing[epoch]);
        let coin = Stream::new(self.seed, TEACHER_FORCING_STREAM).at(at.step.0).next_unit();
        let teacher_forced = coin < ratio;
        let feedback = if teacher_forced { Feedback::TrueFrame } else { Feedback::Prediction };

        self.params.zero_grad();
        let objective = self.objective(&batch, feedback, at);
        let loss = objective.loss(beta);
        loss.backward();

        // The document divides what it reports, not what it differentiates, by n_past + n_future.
        let frames = self.horizon.frames as f64;
        let scalars = BTreeMap::from([
            ("loss".to_owned(), loss.double_value(&[]) / frames),
            ("reconstruction".to_owned(), objective.mse.double_value(&[]) / frames),
            ("kl".to_owned(), objective.kld.double_value(&[]) / frames),
            ("kl_weight".to_owned(), beta),
            ("teacher_forcing_ratio".to_owned(), ratio),
            ("teacher_forced".to_owned(), f64::from(u8::from(teacher_forced))),
            ("learning_rate".to_owned(), self.learning_rate),
        ]);
        if let Some((quantity, &value)) = scalars.iter().find(|(_, value)| !value.is_finite()) {
            return Err(Divergence { quantity: quantity.clone(), value });
        }
        match self.arithmetic {
            Arithmetic::Exact => self.optimizer.step(&self.params),
            Arithmetic::Fast | Arithmetic::Bf16 => self.optimizer.step_fused(&self.params),
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

    fn optimizer_state(&self) -> Vec<(String, Tensor)> {
        self.optimizer.state()
    }

    fn restore_optimizer(&mut self, updates: u64, tensors: &BTreeMap<String, Tensor>) -> bool {
        self.optimizer.restore(updates, |name| tensors.get(name).map(Tensor::shallow_clone))
    }

    fn context_frames(&self) -> usize {
        self.horizon.context
    }

    fn series(&self) -> BTreeMap<String, SeriesDefinition> {
        let per_frame = "divided by context + horizon, as the document reports it";
        let define = |name: &str, label: &str, unit: &str, definition: String| {
            let series =
                SeriesDefinition { label: label.to_owned(), unit: unit.to_owned(), definition };
            (name.to_owned(), series)
        };
        BTreeMap::from([
            define(
                "loss",
                "training loss",
                "",
                format!("reconstruction + KL weight x KL, {per_frame}"),
            ),
            define(
                "reconstruction",
                "reconstruction error",
                "",
                format!("sum over time of the mean squared error of a frame, {per_frame}"),
            ),
            define(
                "kl",
                "KL divergence",
                "nats",
                format!("sum over time of KL(posterior || prior) / batch size, {per_frame}"),
            ),
            define("kl_weight", "KL weight", "", "weight of the KL term in the epoch".to_owned()),
            define(
                "teacher_forcing_ratio",
                "teacher-forcing ratio",
                "",
                "probability that a step feeds back true frames in the epoch".to_owned(),
            ),
            define(
                "teacher_forced",
                "teacher forcing",
                "",
                "1 if the step fed back true frames, 0 if predictions".to_owned(),
            ),
            define("learning_rate", "learning rate", "", "step size of the optimizer".to_owned()),
        ])
    }

    fn streams(&self) -> BTreeMap<String, String> {
        let uses = [
            ("init/NAME", "initial values of the parameter NAME"),
            ("data_order", "order of training sequences"),
            (TEACHER_FORCING_STREAM, "one coin per step: true frames or predictions"),
            ("posterior_noise", "z from the posterior, by step"),
            ("prior_noise", "the learned prior's sample in training, drawn and thrown away"),
            ("rollout_noise/SPLIT", "z of roll-outs, by sequence"),
        ];
        uses.into_iter().map(|(name, use_)| (name.to_owned(), use_.to_owned())).collect()
    }
}

fn sequences(batch: &Batch) -> Sequences {
    Sequences { frames: batch.frames.shallow_clone(), condition: batch.condition.shallow_clone() }
}
