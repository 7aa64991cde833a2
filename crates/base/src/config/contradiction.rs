//! Settings that are each valid but contradict each other: messages, keys and hints.

use super::{
    digits::DIGIT_SIDE,
    engine::{Arithmetic, Device},
    model::{mocogan::MocoganConflict, physical_interaction::Port},
    optim::AdamForm,
};
use crate::scalar::{Count, Seed};

/// Settings of a run that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    #[error(
        "{context} context frames and a horizon of {horizon} need {} frames, \
         but sequences of `{dataset}` have {frames}", context + horizon
    )]
    SequenceTooShort {
        context: u64,
        horizon: u64,
        /// Key of the horizon.
        key: String,
        system: &'static str,
        dataset: &'static str,
        frames: u64,
    },
    #[error("digits of {DIGIT_SIDE}x{DIGIT_SIDE} pixels cannot move in frames of {side}x{side}")]
    DigitFillsFrame { side: Count, dataset: &'static str },
    #[error("`{system}` does not predict frames, so `evaluation.horizon` does not apply")]
    HorizonWithoutFrames { system: &'static str },
    #[error(
        "a decoder with one cell per frame was trained to predict {longest} frames, but {scored} are scored"
    )]
    HorizonBeyondDecoder { scored: Count, longest: Count },
    #[error("the kernel of a ConvLSTM cell must be odd, but it is {kernel}")]
    EvenKernel { kernel: Count },
    #[error("a run cannot both start from weights and continue another run")]
    TwoBeginnings,
    #[error("a batch of 1 cannot be trained: BatchNorm over 1x1 maps needs at least two sequences")]
    BatchOfOne,
    #[error("teacher forcing decays from epoch {start}, but the last epoch is {last}")]
    DecayAfterEnd {
        start: u64,
        last: u64,
        /// Key of `start_epoch`.
        key: &'static str,
    },
    #[error("the ratio of a KL ramp must be above 0")]
    RampWithoutLength {
        /// Key of `ratio`.
        key: &'static str,
    },
    #[error("{cycles} cycles of the KL weight do not fit in {epochs} epochs")]
    CyclesBeyondEpochs { cycles: u64, epochs: u64 },
    #[error("the port `{port}` requires Adam in the form `{expected}`, not `{form}`")]
    AdamOfAnotherPort { port: Port, form: AdamForm, expected: AdamForm },
    #[error("`{system}` learns from {needs}, but `{dataset}` has none")]
    ContentMissing { system: &'static str, needs: &'static str, dataset: &'static str },
    #[error("`{system}` does not support the sampler `{sampler}`")]
    ForeignSampler { system: &'static str, sampler: &'static str },
    #[error("the sampler `fresh` draws sequences from digits, and `{dataset}` has none")]
    NothingToDraw { dataset: &'static str },
    #[error("the sampler `{sampler}` takes seeds from 0 to {largest}, not {seed}")]
    SeedTooLarge { seed: Seed, largest: Seed, sampler: &'static str },
    #[error("`{system}` does not support `{arithmetic}` arithmetic")]
    NoSuchArithmetic { system: &'static str, arithmetic: Arithmetic },
    #[error(transparent)]
    Mocogan(#[from] MocoganConflict),
    #[error("`{key}` needs the form `pytorch`")]
    NotInThisForm {
        /// The key that only PyTorch has.
        key: &'static str,
    },
    #[error("Nesterov's momentum needs a momentum above 0")]
    NesterovWithoutMomentum,
    #[error("the learning rate rises for {warm_up} epochs, but the run has {epochs}")]
    WarmUpToTheEnd { warm_up: Count, epochs: Count },
    #[error("`mocogan` updates its modules in turn, so it accumulates no batches")]
    NotAccumulated,
    #[error("`mocogan` requires Adam, not `{optimizer}`")]
    NotAdam { optimizer: &'static str },
    #[error("`{system}` can be trained on one device only, not on {devices}")]
    NotDataParallel { system: &'static str, devices: u64 },
    #[error("a batch of {batch} cannot be split between {devices} devices")]
    MoreDevicesThanSequences { devices: u64, batch: u64 },
    #[error("`engine.device` is `{device}`, but the first of `engine.devices` is `{first}`")]
    DevicesDisagree { device: Device, first: Device },
    #[error("`engine.devices` cannot contain `{}`", Device::Auto)]
    AutoAmongDevices,
}

impl Contradiction {
    /// Returns the keys involved, the most likely culprit first.
    pub fn keys(&self) -> Vec<String> {
        let keys = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect();
        match self {
            Self::SequenceTooShort { key, system, dataset, .. } => vec![
                key.clone(),
                format!("model.{system}.context_frames"),
                format!("data.dataset.{dataset}.frames"),
                "data.dataset".to_owned(),
            ],
            Self::DigitFillsFrame { dataset, .. } => {
                vec![format!("data.dataset.{dataset}.scene.side"), "data.dataset".to_owned()]
            }
            Self::TwoBeginnings => keys(&["continue_from", "initial_weights"]),
            Self::BatchOfOne => keys(&["training.batch_size"]),
            Self::DecayAfterEnd { key, .. } => keys(&[key, "training.epochs"]),
            Self::RampWithoutLength { key } | Self::NotInThisForm { key } => keys(&[key]),
            Self::CyclesBeyondEpochs { .. } => {
                keys(&["model.cvae.kl_weight.cyclical.cycles", "training.epochs"])
            }
            Self::AdamOfAnotherPort { .. } => {
                keys(&["optimizer.adam.form", "model.physical_interaction.port"])
            }
            Self::HorizonWithoutFrames { .. } => keys(&["evaluation.horizon"]),
            Self::HorizonBeyondDecoder { .. } => {
                keys(&["evaluation.horizon", "model.convlstm.decoding"])
            }
            Self::EvenKernel { .. } => keys(&["model.convlstm.connections.convolutional.kernel"]),
            Self::ContentMissing { .. } => keys(&["data.dataset"]),
            Self::ForeignSampler { .. } | Self::SeedTooLarge { .. } => keys(&["data.sampler"]),
            Self::NothingToDraw { .. } => keys(&["data.sampler", "data.dataset"]),
            Self::NoSuchArithmetic { .. } => keys(&["engine.arithmetic"]),
            Self::Mocogan(conflict) => keys(conflict.keys()),
            Self::NesterovWithoutMomentum => keys(&["optimizer.gradient_descent.momentum_kind"]),
            Self::WarmUpToTheEnd { .. } => {
                keys(&["training.learning_rate_schedule.warm_up.epochs", "training.epochs"])
            }
            Self::NotAccumulated => keys(&["training.accumulated_batches"]),
            Self::NotAdam { .. } => keys(&["optimizer"]),
            Self::NotDataParallel { .. } | Self::AutoAmongDevices => keys(&["engine.devices"]),
            Self::MoreDevicesThanSequences { .. } => {
                keys(&["engine.devices", "training.batch_size"])
            }
            Self::DevicesDisagree { .. } => keys(&["engine.device", "engine.devices"]),
        }
    }

    /// Returns what the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::AdamOfAnotherPort { expected, .. } => {
                return Some(format!("set `optimizer.adam.form = \"{expected}\"`"));
            }
            Self::SequenceTooShort { .. }
            | Self::CyclesBeyondEpochs { .. }
            | Self::NotDataParallel { .. }
            | Self::MoreDevicesThanSequences { .. }
            | Self::WarmUpToTheEnd { .. } => return None,
            Self::NotInThisForm { .. } => "set `form = \"pytorch\"` of the optimizer",
            Self::NesterovWithoutMomentum => "set `momentum`, for example to 0.9",
            Self::DigitFillsFrame { .. } => "use frames of at least 33 pixels; the original has 64",
            Self::HorizonBeyondDecoder { .. } => "use `decoding = \"recurrent\"` for any horizon",
            Self::EvenKernel { .. } => "use 1, 3, 5, ...; the original has 3",
            Self::HorizonWithoutFrames { .. } => "remove `evaluation.horizon`",
            Self::TwoBeginnings => "remove `initial_weights` or `continue_from`",
            Self::BatchOfOne => "set `training.batch_size` to at least 2",
            Self::DecayAfterEnd { .. } => {
                "start the decay earlier, train for more epochs, or choose `always`"
            }
            Self::RampWithoutLength { .. } => {
                "use `constant = { beta = 1.0 }` for the full weight from the first epoch on"
            }
            Self::ContentMissing { .. } => "run `reprise data list` to see what each contains",
            Self::NothingToDraw { .. } => {
                "use `moving_mnist`, `moving_mnist_drawn` or `moving_mnist_idx`"
            }
            Self::ForeignSampler { .. } => "use `epoch_permutation`, which every system supports",
            Self::SeedTooLarge { .. } => "use a smaller seed, or the sampler `epoch_permutation`",
            Self::NoSuchArithmetic { .. } => "use `exact`, which every system supports",
            Self::Mocogan(conflict) => conflict.hint(),
            Self::DevicesDisagree { .. } => "set only `engine.devices`",
            Self::AutoAmongDevices => {
                "list the devices, for example `engine.devices = [\"cuda:0\", \"cuda:1\"]`"
            }
            Self::NotAccumulated => "set `training.accumulated_batches` to 1",
            Self::NotAdam { .. } => {
                "use `adam = { learning_rate = 0.0002, beta1 = 0.5, weight_decay = 0.00001 }`, as \
                 the original does"
            }
        };
        Some(hint.to_owned())
    }
}
