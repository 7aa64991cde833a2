//! Training of CDNA, DNA and STP (`prediction_train.py` of the TensorFlow original and
//! `train_model.py` of its port to Chainer).
//!
//! An update is a forward pass, the gradient of the loss and a step of Adam in the form of the port.
//! An evaluation rolls out from the context, feeding back every prediction. Start from
//! [`PhysicalInteractionSystem`]; `evaluation` scores states and saves masks, kernels and transformed
//! frames.

use tch::Kind;

use super::{
    batch::{self, Batch, Examples, FrameCounts, size},
    evaluate::{PredictedRows, RolloutRequest, Scope, Scoring, VideoPredictor},
    noise::{SAMPLING_ORDER_STREAM, StepShuffle},
    state::TrainState,
    system::{At, Divergence, Scalars, System, UnfitData},
};
use crate::{
    libtorch::convert::numbers,
    models::physical_interaction::{
        Network, NetworkSizes, Sequences,
        network::HALVINGS,
        sampling::ScheduledFeedback,
        sequence::rollout,
        training::{Pass, PassTime, pass},
    },
    nn::{Mode, params::Builder},
};
use reprise_base::{
    config::{
        RunSpec,
        model::{PhysicalInteractionSpec, WeightLifetime},
        protocol::RolloutProtocol,
    },
    rng::streams::Stream,
    scalar::{Seed, Step},
    vocabulary::{MetricName, SeriesName},
};
use reprise_data::Pack;
use reprise_store::store::{record::SeriesDefinition, tensors::StoredTensor};

mod evaluation;

use evaluation::{inspected, state_errors};

/// Stream of the seeds of weights that last for one update; the nonce is the batch.
const REDRAWN_STREAM: &str = "init/redrawn";

/// Sequences whose masks, kernels and transformed frames are saved.
const INSPECTED_SEQUENCES: usize = 2;

/// Checks that frames can be halved as often as the network does and that there are positions.
///
/// # Errors
/// If a side is not a multiple of 8 or the data has no positions.
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
    frames: FrameCounts,
    actions: i64,
    sizes: NetworkSizes,
    device: tch::Device,
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
        let sizes = NetworkSizes {
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
            frames: FrameCounts::new(model.context_frames, model.horizon),
            actions,
            sizes,
            device,
        }
    }

    /// Draws all weights anew, as a new model would have them.
    fn redraw(&mut self, batch: Step) {
        let seed = Stream::new(self.seed, REDRAWN_STREAM).at(batch.0).next_u64();
        let seed = Seed(seed & Seed::MAX.0);
        let builder = Builder::new(seed, Kind::Float, self.device);
        Network::new(&builder, &self.model, self.sizes);
        let drawn = builder.finish();
        let values = drawn.iter().map(|entry| (entry.name.clone(), entry.tensor.shallow_clone()));
        self.state.params.load(values.collect()).expect("a model of the same settings");
    }

    /// Separates frames, actions and states of a batch.
    fn sequences(&self, batch: &Batch) -> Sequences {
        let states = batch.condition.size()[2] - self.actions;
        Sequences {
            images: batch.frames.shallow_clone(),
            actions: batch.condition.narrow(2, 0, self.actions),
            states: batch.condition.narrow(2, self.actions, states),
        }
    }

    /// Takes one optimizer step on a batch and returns its scalars.
    ///
    /// # Errors
    /// If a quantity is not finite; the parameters are unchanged then.
    pub fn step(&mut self, batch: &Batch, at: At) -> Result<Scalars, Divergence> {
        self.state.zero_grad();
        let sequences = self.sequences(batch);
        let shuffle = &mut StepShuffle::new(self.seed, at.batch);
        let now = PassTime { step: at.step, mode: Mode::Train };
        let pass = pass(&self.network, &self.model, &sequences, now, shuffle, |_, _| {});
        self.state.backward(&pass.objective.loss);

        let scalars = Self::scalars(&pass, batch);
        Divergence::check(&scalars)?;
        self.state.step();
        Ok(scalars)
    }

    fn scalars(pass: &Pass, batch: &Batch) -> Scalars {
        let objective = &pass.objective;
        let mut terms = vec![&objective.loss, &objective.psnr_sum];
        terms.extend(&objective.reconstruction);
        terms.extend(&objective.state);
        let values = numbers(&terms);
        let (reconstruction, state) = values[2..].split_at(objective.reconstruction.len());
        let share = match pass.feedback {
            ScheduledFeedback::Prediction => 0.0,
            ScheduledFeedback::Mixture { true_frames } => {
                true_frames as f64 / batch.frames.size()[1] as f64
            }
        };
        Scalars::from([
            (SeriesName::Loss, values[0]),
            (SeriesName::Reconstruction, reconstruction.iter().sum()),
            (SeriesName::StateLoss, state.iter().sum()),
            (SeriesName::PsnrSum, values[1]),
            (SeriesName::TrueFrameShare, share),
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
        match self.model.weights {
            WeightLifetime::Kept => {}
            WeightLifetime::Redrawn => self.redraw(at.batch),
        }
        self.step(&batch::load(examples, self.frames), at)
    }

    fn scoring(&self) -> Scoring<'_> {
        Scoring::Frames(self)
    }

    fn choosing_metric(&self) -> MetricName {
        MetricName::Psnr
    }

    fn series(&self) -> Vec<(SeriesName, SeriesDefinition)> {
        let define = SeriesDefinition::new;
        vec![
            (
                SeriesName::Loss,
                define(
                    "training loss",
                    "",
                    "(reconstruction + state loss) / predicted frames, as the originals' `loss`",
                ),
            ),
            (
                SeriesName::Reconstruction,
                define(
                    "reconstruction error",
                    "",
                    "sum over predicted frames of the batch's mean squared error (`recon_cost`)",
                ),
            ),
            (
                SeriesName::StateLoss,
                define(
                    "state loss",
                    "",
                    "sum over predicted frames of the state weight (1e-4 in the originals) x the mean \
                     squared error of the state (`state_cost`)",
                ),
            ),
            (
                SeriesName::PsnrSum,
                define(
                    "sum of PSNR",
                    "dB",
                    "sum, not mean, over predicted frames of 10 log10(1 / mean squared error of the \
                     batch), as the originals report it (`psnr_all`); with scheduled sampling some \
                     frames are predicted from true ones",
                ),
            ),
            (
                SeriesName::TrueFrameShare,
                define(
                    "true-frame share",
                    "",
                    "share of the batch that reads the true previous frame after the context: \
                     round(batch x k / (k + exp(step / k))) / batch",
                ),
            ),
        ]
    }

    fn streams(&self) -> Vec<(String, &'static str)> {
        let sampled = "which sequences of a batch are fed true frames after the context, by step";
        let redrawn = match self.model.weights {
            WeightLifetime::Kept => None,
            WeightLifetime::Redrawn => {
                Some((REDRAWN_STREAM.to_owned(), "seed of the weights of each update"))
            }
        };
        [(SAMPLING_ORDER_STREAM.to_owned(), sampled)].into_iter().chain(redrawn).collect()
    }
}

impl VideoPredictor for PhysicalInteractionSystem {
    fn predict(&self, request: &RolloutRequest<'_>) -> PredictedRows {
        let sequences = self.sequences(request.batch);
        let RolloutProtocol { context, feedback, .. } = request.rollout;
        let predicted = rollout(&self.network, &sequences, context.len(), feedback);
        let others = state_errors(&sequences.states, &predicted.states, context.len());
        PredictedRows { frames: predicted.frames, others }
    }

    /// Returns masks, kernels and transformed frames of the first sequences of a split.
    fn pictures(&self, pack: &Pack, scope: Scope, device: tch::Device) -> Vec<StoredTensor> {
        let count = INSPECTED_SEQUENCES.min(scope.sequences(pack));
        if count == 0 {
            return Vec::new();
        }
        let indices: Vec<usize> = (0..count).collect();
        let split = scope.protocol.split;
        let examples = Examples { pack, split, indices: &indices, device };
        let batch = self.sequences(&batch::load(&examples, self.frames));
        inspected(&self.network, &batch, self.frames.context)
    }
}

#[cfg(test)]
mod tests;
