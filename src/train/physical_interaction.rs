//! CDNA, DNA and STP in training (`prediction_train.py` of TensorFlow's original and `train_model.py`
//! of its port to Chainer; seed document 000).
//!
//! ```text
//! update:  pass at the step, gradient of the loss, Adam in the port's form
//! test:    roll-out from the context, every prediction fed back
//! ```
//! [`PhysicalInteractionSystem`] is the type to start from; `evaluation` scores states and keeps what
//! a frame was made of.

use tch::{Kind, Tensor};

use super::{
    batch::{self, Batch, Examples, size},
    evaluate::{Evaluation, Scope, score_rollouts},
    noise::{SAMPLING_ORDER_STREAM, StepShuffle},
    state::TrainState,
    system::{At, Divergence, Horizon, Scalars, System, UnfitData},
};
use crate::{
    config::{RunSpec, model::PhysicalInteractionSpec},
    data::Pack,
    models::physical_interaction::{
        Network, Sequences, Sizes,
        network::HALVINGS,
        sampling::Feedback,
        sequence::rollout,
        training::{self, Pass},
    },
    nn::{Mode, params::Builder},
    scalar::Seed,
    store::record::SeriesDefinition,
};

mod evaluation;

use evaluation::StateErrors;

/// Refuses frames that cannot be halved as often as the network does, and data without positions.
///
/// # Errors
/// If they are.
pub fn check_data(pack: &Pack) -> Result<(), UnfitData> {
    let [height, width, _] = pack.frame_shape();
    let multiple = 1 << HALVINGS;
    if !height.is_multiple_of(multiple) || !width.is_multiple_of(multiple) {
        return Err(UnfitData::FrameSides { multiple, height, width });
    }
    if pack.position_size() == 0 { Err(UnfitData::NoPositions) } else { Ok(()) }
}

/// Network and optimizer of a run.
#[derive(Debug)]
pub struct PhysicalInteractionSystem {
    model: PhysicalInteractionSpec,
    network: Network,
    state: TrainState,
    seed: Seed,
    horizon: Horizon,
    actions: i64,
}

impl PhysicalInteractionSystem {
    /// Builds the network with its initial weights for the frames, actions and positions of a pack.
    pub fn new(
        spec: &RunSpec,
        model: &PhysicalInteractionSpec,
        pack: &Pack,
        device: tch::Device,
    ) -> Self {
        let [height, width, channels] = pack.frame_shape().map(size);
        let actions = size(pack.action_size());
        let sizes = Sizes {
            frame: [channels, height, width],
            actions,
            states: size(pack.position_size()),
            batch: spec.training.batch_size.size(),
        };
        let builder = Builder::new(spec.seed, Kind::Float, device);
        let network = Network::new(&builder, model, sizes);
        let params = builder.finish();
        Self {
            model: model.clone(),
            network,
            state: TrainState::new(spec.optimizer, params),
            seed: spec.seed,
            horizon: Horizon::new(model.context_frames, model.horizon),
            actions,
        }
    }

    /// Takes frames, actions and states of a batch apart.
    fn sequences(&self, batch: &Batch) -> Sequences {
        let states = batch.condition.size()[2] - self.actions;
        Sequences {
            images: batch.frames.shallow_clone(),
            actions: batch.condition.narrow(2, 0, self.actions),
            states: batch.condition.narrow(2, self.actions, states),
        }
    }

    /// Takes one optimizer step on a batch and returns its scalars by series name.
    ///
    /// # Errors
    /// If a quantity is not finite; the parameters are then left as they were.
    pub fn step(&mut self, batch: &Batch, at: At) -> Result<Scalars, Divergence> {
        self.state.params.zero_grad();
        let sequences = self.sequences(batch);
        let shuffle = &mut StepShuffle::new(self.seed, at.step);
        let now = training::At { step: at.step, mode: Mode::Train };
        let pass = training::pass(&self.network, &self.model, &sequences, now, shuffle, |_, _| {});
        pass.objective.loss.backward();

        let scalars = Self::scalars(&pass, batch);
        Divergence::check(&scalars)?;
        self.state.step();
        Ok(scalars)
    }

    fn scalars(pass: &Pass, batch: &Batch) -> Scalars {
        let objective = &pass.objective;
        let number = |tensor: &Tensor| tensor.double_value(&[]);
        let sum = |terms: &[Tensor]| terms.iter().map(number).sum::<f64>();
        let share = match pass.feedback {
            Feedback::Prediction => 0.0,
            Feedback::Mixture { true_frames } => true_frames as f64 / batch.frames.size()[1] as f64,
        };
        Scalars::from([
            ("loss", number(&objective.loss)),
            ("reconstruction", sum(&objective.reconstruction)),
            ("state_loss", sum(&objective.state)),
            ("psnr_sum", number(&objective.psnr_sum)),
            ("true_frame_share", share),
        ])
    }
}

impl System for PhysicalInteractionSystem {
    fn state(&self) -> &TrainState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut TrainState {
        &mut self.state
    }

    fn update(&mut self, examples: &Examples<'_>, at: At) -> Result<Scalars, Divergence> {
        self.step(&batch::load(examples, self.horizon), at)
    }

    fn evaluate(&self, pack: &Pack, scope: Scope, device: tch::Device) -> Evaluation {
        let mut errors = StateErrors::default();
        let mut evaluation = score_rollouts(pack, scope, self.horizon, device, |batch, _| {
            let sequences = self.sequences(batch);
            let predicted = rollout(&self.network, &sequences, self.horizon.context);
            errors.add(&sequences.states, &predicted.states, self.horizon.context);
            predicted.frames
        });
        errors.into_scores(&mut evaluation.scores);
        evaluation.pictures.extend(self.anatomy(pack, scope, device));
        evaluation
    }

    fn choosing_metric(&self) -> &'static str {
        "psnr"
    }

    fn series(&self) -> Vec<(&'static str, SeriesDefinition)> {
        let define = SeriesDefinition::new;
        vec![
            (
                "loss",
                define(
                    "training loss",
                    "",
                    "(reconstruction + state loss) / predicted frames, as the originals' `loss`",
                ),
            ),
            (
                "reconstruction",
                define(
                    "reconstruction error",
                    "",
                    "sum over predicted frames of the batch's mean squared error (`recon_cost`)",
                ),
            ),
            (
                "state_loss",
                define(
                    "state loss",
                    "",
                    "sum over predicted frames of 1e-4 x the mean squared error of the state \
                     (`state_cost`)",
                ),
            ),
            (
                "psnr_sum",
                define(
                    "sum of PSNR",
                    "dB",
                    "sum, not mean, over predicted frames of 10 log10(1 / mean squared error of the \
                     batch), as the originals report it (`psnr_all`); with scheduled sampling some \
                     frames are predicted from true ones",
                ),
            ),
            (
                "true_frame_share",
                define(
                    "true-frame share",
                    "",
                    "part of the batch that saw the true previous frame after the context: \
                     round(batch x k / (k + exp(step / k))) / batch",
                ),
            ),
        ]
    }

    fn streams(&self) -> Vec<(&'static str, &'static str)> {
        vec![(
            SAMPLING_ORDER_STREAM,
            "which sequences of a batch see true frames after the context, by step",
        )]
    }
}

#[cfg(test)]
mod tests;
