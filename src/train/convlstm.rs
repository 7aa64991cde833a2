//! The ConvLSTM autoencoder in training (`MovingMNISTLightning` of seed document 003).
//!
//! The original's options: `use_amp` is `engine.arithmetic = "bf16"`, with bfloat16 where it has
//! half precision and so without a scaled loss; `n_gpus` is `engine.replicas`.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::{
    batch::{self, Batch, Examples},
    evaluate::{Evaluation, FrameMetric, Scope, score_rollouts_by},
    replicas::{Replica, Replicas},
    system::{At, Divergence, Horizon, System, UnfitData},
};
use crate::{
    config::{RunSpec, engine::Arithmetic, model::ConvLstmSpec},
    data::Pack,
    libtorch::{autocast, convert::to_stored},
    models::convlstm::{
        ConvLstm,
        picture::{Example, picture_grid},
        training::{self, objective},
    },
    nn::params::{Builder, Params},
    optim::Optimizer,
    store::{record::SeriesDefinition, tensors::StoredTensor},
};

/// Channels of a frame (`in_chan`): the objective compares grey frames only.
const CHANNELS: usize = 1;

/// What roll-outs are scored by: the squared error in both conventions of the literature.
const METRICS: [FrameMetric; 4] =
    [FrameMetric::Mse, FrameMetric::MseSum, FrameMetric::Psnr, FrameMetric::Ssim];

/// Refuses frames that are not grey.
///
/// # Errors
/// If they are not.
pub fn check_data(pack: &Pack) -> Result<(), UnfitData> {
    let [height, width, channels] = pack.frame_shape();
    if channels == CHANNELS {
        Ok(())
    } else {
        let expected = [height, width, CHANNELS];
        Err(UnfitData::FrameShape { expected, found: pack.frame_shape() })
    }
}

/// Model and optimizer of a run.
#[derive(Debug)]
pub struct ConvLstmSystem {
    model: ConvLstm,
    params: Params,
    replicas: Replicas<ConvLstm>,
    optimizer: Optimizer,
    horizon: Horizon,
    divided: training::Horizon,
    learning_rate: f64,
    arithmetic: Arithmetic,
    device: tch::Device,
}

impl ConvLstmSystem {
    /// Builds the model with its initial weights.
    pub fn new(spec: &RunSpec, convlstm: &ConvLstmSpec, device: tch::Device) -> Self {
        let builder = Builder::new(spec.seed, Kind::Float, device);
        let channels = size(CHANNELS);
        let build = |builder: &Builder| ConvLstm::new(builder, convlstm, channels);
        let model = build(&builder);
        let params = builder.finish();
        Self {
            optimizer: Optimizer::new(spec.optimizer, &params),
            replicas: Replicas::new(spec.engine, spec.seed, device, build),
            model,
            params,
            horizon: Horizon {
                context: convlstm.context_frames.len(),
                frames: convlstm.context_frames.len() + convlstm.horizon.len(),
            },
            divided: training::Horizon {
                context_frames: convlstm.context_frames.size(),
                predicted_frames: convlstm.horizon.size(),
            },
            learning_rate: spec.optimizer.learning_rate().get(),
            arithmetic: spec.engine.arithmetic,
            device,
        }
    }

    /// Computes the loss of some sequences `[B, T, 1, H, W]` in the arithmetic of the run.
    fn loss_on(&self, model: &ConvLstm, frames: &Tensor, device: tch::Device) -> Tensor {
        let compute = || objective(model, frames, self.divided).loss;
        match self.arithmetic {
            Arithmetic::Exact | Arithmetic::Fast => compute(),
            Arithmetic::Bf16 => autocast::bfloat16(device, compute),
        }
    }

    /// Computes the loss of a batch, each device a part of it.
    fn loss(&self, frames: &Tensor) -> Tensor {
        let parts = frames.chunk(1 + size(self.replicas.iter().len()), 0);
        let [first, others @ ..] = &parts[..] else { unreachable!("a batch has a sequence") };
        let whole = frames.size()[0] as f64;
        let own = self.loss_on(&self.model, first, self.device);
        if others.is_empty() {
            return own;
        }
        let mut loss = own * (first.size()[0] as f64 / whole);
        for (part, Replica { model, device, .. }) in others.iter().zip(self.replicas.iter()) {
            let term = self.loss_on(model, &part.to_device(*device), *device);
            loss += term.to_device(self.device) * (part.size()[0] as f64 / whole);
        }
        loss
    }

    /// Leaves the gradients of a batch with the parameters and returns its loss.
    ///
    /// # Errors
    /// If the loss is not finite.
    fn differentiate(&mut self, batch: &Batch) -> Result<f64, Divergence> {
        self.params.zero_grad();
        self.replicas.take_up(&self.params);
        let loss = self.loss(&sequences_first(&batch.frames));
        let value = loss.double_value(&[]);
        if !value.is_finite() {
            return Err(Divergence { quantity: "loss".to_owned(), value });
        }
        loss.backward();
        self.replicas.add_gradients(&self.params);
        Ok(value)
    }

    /// Takes one optimizer step on a batch and returns its scalars by series name.
    ///
    /// # Errors
    /// If the loss is not finite; the parameters are then left as they were.
    pub fn step(&mut self, batch: &Batch) -> Result<BTreeMap<String, f64>, Divergence> {
        let loss = self.differentiate(batch)?;
        self.optimizer.step(&self.params);
        Ok([("loss", loss), ("learning_rate", self.learning_rate)]
            .map(|(name, value)| (name.to_owned(), value))
            .into())
    }

    /// Draws the picture that the original logs, of one sequence: `picture_grid`, `[1, H, W, 3]`.
    fn picture_grid(&self, examples: &Examples<'_>) -> StoredTensor {
        let batch = batch::load(examples, self.horizon);
        let rollout = self.rollout(&batch).select(1, 0); // [T, 1, H, W]
        let training::Horizon { context_frames, predicted_frames } = self.divided;
        let grid = picture_grid(&Example {
            context: &rollout.narrow(0, 0, context_frames),
            prediction: &rollout.narrow(0, context_frames, predicted_frames),
            truth: &batch.frames.select(1, 0).narrow(0, context_frames, predicted_frames),
        });
        // Cut off, not rounded, as `SummaryWriter.add_image` does.
        let bytes = (grid * 255.0).clamp(0.0, 255.0).to_kind(Kind::Uint8);
        to_stored("picture_grid".to_owned(), &bytes.permute([1, 2, 0]).unsqueeze(0))
    }

    /// Predicts the frames after the context of a batch; returns both, `[T, B, 1, H, W]`.
    fn rollout(&self, batch: &Batch) -> Tensor {
        let context = batch.frames.narrow(0, 0, self.divided.context_frames);
        let predicted =
            self.model.predict(&sequences_first(&context), self.divided.predicted_frames);
        Tensor::cat(&[context, predicted.transpose(0, 1)], 0)
    }
}

fn size(n: usize) -> i64 {
    i64::try_from(n).expect("sizes fit an i64")
}

/// Turns `[T, B, 1, H, W]` into `[B, T, 1, H, W]`.
fn sequences_first(frames: &Tensor) -> Tensor {
    frames.transpose(0, 1).contiguous()
}

impl System for ConvLstmSystem {
    fn params(&self) -> &Params {
        &self.params
    }

    fn params_mut(&mut self) -> &mut Params {
        &mut self.params
    }

    fn update(
        &mut self,
        examples: &Examples<'_>,
        _: At,
    ) -> Result<BTreeMap<String, f64>, Divergence> {
        self.step(&batch::load(examples, self.horizon))
    }

    fn evaluate(&self, pack: &Pack, scope: Scope, device: tch::Device) -> Evaluation {
        let mut evaluation =
            score_rollouts_by(&METRICS, pack, scope, self.horizon, device, |batch, _| {
                self.rollout(batch)
            });
        if !evaluation.names.is_empty() {
            let first = Examples { pack, split: scope.split, indices: &[0], device };
            evaluation.pictures.push(self.picture_grid(&first));
        }
        evaluation
    }

    fn training_pictures(&self, examples: &Examples<'_>) -> Vec<StoredTensor> {
        let first = Examples { indices: &examples.indices[..1], ..*examples };
        vec![self.picture_grid(&first)]
    }

    fn choosing_metric(&self) -> &'static str {
        "mse"
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
        let define = |name: &str, label: &str, definition: &str| {
            let series = SeriesDefinition {
                label: label.to_owned(),
                unit: String::new(),
                definition: definition.to_owned(),
            };
            (name.to_owned(), series)
        };
        BTreeMap::from([
            define(
                "loss",
                "training loss",
                "mean squared error over all pixels of all predicted frames of the batch \
                 (`train_mse_loss`), before the step",
            ),
            define("learning_rate", "learning rate", "step size of the optimizer"),
        ])
    }

    fn streams(&self) -> BTreeMap<String, String> {
        let uses = [
            ("init/NAME", "initial values of the parameter NAME"),
            ("data_order", "order of training sequences"),
        ];
        uses.into_iter().map(|(name, use_)| (name.to_owned(), use_.to_owned())).collect()
    }
}

#[cfg(test)]
mod tests;
