//! Training of the ConvLSTM autoencoder (`MovingMNISTLightning` of the original).
//!
//! The original's `use_amp` is `engine.arithmetic = "fp16"`, its `n_gpus` the number of `engine.devices`.

use tch::{Kind, Tensor};

use super::{
    batch::{self, Batch, Examples, FrameCounts, size},
    evaluate::{FrameMetric, PredictedRows, RolloutRequest, Scope, Scoring, VideoPredictor},
    replicas::{Replica, Replicas},
    state::TrainState,
    system::{At, Divergence, Scalars, System},
};
use crate::{
    libtorch::{autocast::autocast, convert::to_stored},
    models::convlstm::{
        ConvLstm, FrameSize,
        picture::{GridExample, picture_grid},
        training::{FrameSplit, objective},
    },
    nn::params::Builder,
};
use reprise_base::{
    config::{RunSpec, engine::Arithmetic, model::ConvLstmSpec},
    vocabulary::{MetricName, SeriesName, rollouts::PICTURE_GRID},
};
use reprise_data::{HwcShape, Pack};
use reprise_store::store::{record::SeriesDefinition, tensors::StoredTensor};

/// Metrics of roll-outs, among them the squared error in both conventions of the literature.
const METRICS: [FrameMetric; 4] =
    [FrameMetric::Mse, FrameMetric::MseSum, FrameMetric::Psnr, FrameMetric::Ssim];

/// Model and optimizer of a run.
#[derive(Debug)]
pub struct ConvLstmSystem {
    model: ConvLstm,
    state: TrainState,
    replicas: Replicas<ConvLstm>,
    frames: FrameCounts,
    split: FrameSplit,
    arithmetic: Arithmetic,
    device: tch::Device,
}

impl ConvLstmSystem {
    /// Builds the model with its initial weights for frames of the given size.
    pub fn new(
        spec: &RunSpec,
        convlstm: &ConvLstmSpec,
        [height, width, channels]: HwcShape,
        device: tch::Device,
    ) -> Self {
        let builder = Builder::new(spec.seed, Kind::Float, device);
        let frame =
            FrameSize { channels: size(channels), height: size(height), width: size(width) };
        let build = |builder: &Builder| ConvLstm::new(builder, convlstm, frame);
        let model = build(&builder);
        let params = builder.finish();
        Self {
            replicas: Replicas::new(&spec.engine, spec.seed, build),
            model,
            state: TrainState::new(spec.optimizer, params).with_arithmetic(spec.engine.arithmetic),
            frames: FrameCounts::new(convlstm.context_frames, convlstm.horizon),
            split: FrameSplit {
                context_frames: convlstm.context_frames.size(),
                predicted_frames: convlstm.horizon.size(),
            },
            arithmetic: spec.engine.arithmetic,
            device,
        }
    }

    /// Computes the loss of sequences `[B, T, C, H, W]` with the arithmetic of the run.
    fn loss_on(&self, model: &ConvLstm, frames: &Tensor, device: tch::Device) -> Tensor {
        autocast(self.arithmetic, device, || objective(model, frames, self.split).loss)
    }

    /// Computes the loss of a batch, divided among the devices.
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

    /// Computes the gradients of a batch and returns its loss.
    ///
    /// # Errors
    /// If the loss is not finite.
    fn differentiate(&mut self, batch: &Batch) -> Result<f64, Divergence> {
        self.state.zero_grad();
        self.replicas.synchronize(&self.state.params);
        let loss = self.loss(&sequences_first(&batch.frames));
        self.state.backward(&loss);
        self.replicas.add_gradients(&self.state.params);
        let value = self.state.complete_gradients(&[&loss])[0];
        Divergence::check(&Scalars::from([(SeriesName::Loss, value)]))?;
        Ok(value)
    }

    /// Takes one optimizer step on a batch and returns its scalars.
    ///
    /// # Errors
    /// If the loss is not finite; the parameters are unchanged then.
    pub fn step(&mut self, batch: &Batch) -> Result<Scalars, Divergence> {
        let loss = self.differentiate(batch)?;
        self.state.step();
        Ok(Scalars::from([(SeriesName::Loss, loss)]))
    }

    /// Draws the image that the original logs, of the first sequence: `picture_grid`, `[1, H, W, 3]`.
    fn picture_grid(&self, examples: &Examples<'_>) -> StoredTensor {
        let batch = batch::load(examples, self.frames);
        let FrameSplit { context_frames, predicted_frames } = self.split;
        let rollout = self.rollout(&batch, context_frames).select(1, 0); // [T, C, H, W]
        let grid = picture_grid(&GridExample {
            context: &rollout.narrow(0, 0, context_frames),
            prediction: &rollout.narrow(0, context_frames, predicted_frames),
            truth: &batch.frames.select(1, 0).narrow(0, context_frames, predicted_frames),
        });
        // Truncated, not rounded, as in `SummaryWriter.add_image`.
        let bytes = (grid * 255.0).clamp(0.0, 255.0).to_kind(Kind::Uint8);
        to_stored(PICTURE_GRID.to_owned(), &bytes.permute([1, 2, 0]).unsqueeze(0))
    }

    /// Predicts the frames after the context; returns context and predictions, `[T, B, C, H, W]`.
    fn rollout(&self, batch: &Batch, context_frames: i64) -> Tensor {
        let context = batch.frames.narrow(0, 0, context_frames);
        let predicted_frames = batch.frames.size()[0] - context_frames;
        let predicted = self.model.predict(&sequences_first(&context), predicted_frames);
        Tensor::cat(&[context, predicted.transpose(0, 1)], 0)
    }
}

/// Transposes `[T, B, C, H, W]` to `[B, T, C, H, W]`.
fn sequences_first(frames: &Tensor) -> Tensor {
    frames.transpose(0, 1).contiguous()
}

impl System for ConvLstmSystem {
    fn state(&self) -> &TrainState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut TrainState {
        &mut self.state
    }

    fn update(&mut self, examples: &Examples<'_>, _: At) -> Result<Scalars, Divergence> {
        self.step(&batch::load(examples, self.frames))
    }

    fn scoring(&self) -> Scoring<'_> {
        Scoring::Frames(self)
    }

    fn training_images(&self, examples: &Examples<'_>) -> Vec<StoredTensor> {
        let first = Examples { indices: &examples.indices[..1], ..*examples };
        vec![self.picture_grid(&first)]
    }

    fn choosing_metric(&self) -> MetricName {
        MetricName::Mse
    }

    fn series(&self) -> Vec<(SeriesName, SeriesDefinition)> {
        vec![(
            SeriesName::Loss,
            SeriesDefinition::new(
                "training loss",
                "",
                "mean squared error over all pixels of all predicted frames of the batch \
                 (`train_mse_loss`), before the step",
            ),
        )]
    }

    fn streams(&self) -> Vec<(String, &'static str)> {
        Vec::new()
    }
}

impl VideoPredictor for ConvLstmSystem {
    fn metrics(&self) -> &'static [FrameMetric] {
        &METRICS
    }

    fn predict(&self, request: &RolloutRequest<'_>) -> PredictedRows {
        let frames = self.rollout(request.batch, request.rollout.context.size());
        PredictedRows { frames, others: Vec::new() }
    }

    fn pictures(&self, pack: &Pack, scope: Scope, device: tch::Device) -> Vec<StoredTensor> {
        if scope.sequences(pack) == 0 {
            return Vec::new();
        }
        let first = Examples { pack, split: scope.protocol.split, indices: &[0], device };
        vec![self.picture_grid(&first)]
    }
}

#[cfg(test)]
mod tests;
