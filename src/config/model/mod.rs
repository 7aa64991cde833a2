//! Which system a run trains, with everything specific to it.

use serde::{Deserialize, Serialize};

pub mod convlstm;
pub mod cvae;
pub mod mocogan;
pub mod physical_interaction;
pub mod rcn;

pub use convlstm::ConvLstmSpec;
pub use cvae::CvaeSpec;
pub use mocogan::MocoganSpec;
pub use physical_interaction::PhysicalInteractionSpec;
pub use rcn::RcnSpec;

use super::engine::Arithmetic;
use crate::scalar::Count;

/// The model of a run. One variant per system; the variant's table holds all its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelSpec {
    /// SVG-style conditional VAE (seed document 001).
    Cvae(CvaeSpec),
    /// Physical interaction: CDNA, DNA and STP (seed document 000).
    PhysicalInteraction(PhysicalInteractionSpec),
    /// ConvLSTM autoencoder (seed document 003).
    #[serde(rename = "convlstm")]
    ConvLstm(ConvLstmSpec),
    /// MoCoGAN (seed document 002).
    Mocogan(MocoganSpec),
    /// Recombinator Networks (seed document 004).
    Rcn(RcnSpec),
}

/// How a predictor of frames divides a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramesUsed {
    /// Frames that are given (`context_frames`).
    pub context: Count,
    /// Frames that are predicted (`horizon`).
    pub horizon: Count,
}

impl ModelSpec {
    /// Returns the system's name, as `--system` and `golden/` spell it.
    pub const fn system(&self) -> &'static str {
        match self {
            Self::Cvae(_) => "cvae",
            Self::PhysicalInteraction(_) => "physical_interaction",
            Self::ConvLstm(_) => "convlstm",
            Self::Mocogan(_) => "mocogan",
            Self::Rcn(_) => "rcn",
        }
    }

    /// Returns the arithmetics in which the system can be trained; `exact` is always one.
    pub const fn arithmetics(&self) -> &'static [Arithmetic] {
        match self {
            Self::Cvae(_) => &[Arithmetic::Exact, Arithmetic::Fast, Arithmetic::Bf16],
            Self::ConvLstm(_) => &[Arithmetic::Exact, Arithmetic::Bf16],
            Self::PhysicalInteraction(_) | Self::Mocogan(_) | Self::Rcn(_) => &[Arithmetic::Exact],
        }
    }

    /// Returns whether several devices can share a batch of the system.
    pub const fn is_data_parallel(&self) -> bool {
        match self {
            Self::ConvLstm(_) => true,
            Self::Cvae(_) | Self::PhysicalInteraction(_) | Self::Mocogan(_) | Self::Rcn(_) => false,
        }
    }

    /// Returns the channels of the frames that the system takes, where it takes no others.
    pub const fn channels(&self) -> Option<u64> {
        match self {
            Self::Cvae(_) => Some(3),
            Self::ConvLstm(_) => Some(1),
            Self::PhysicalInteraction(_) | Self::Mocogan(_) | Self::Rcn(_) => None,
        }
    }

    /// Returns how a sequence is divided, for systems that predict frames.
    pub const fn frames_used(&self) -> Option<FramesUsed> {
        match self {
            Self::Cvae(CvaeSpec { context_frames, horizon, .. })
            | Self::PhysicalInteraction(PhysicalInteractionSpec {
                context_frames, horizon, ..
            })
            | Self::ConvLstm(ConvLstmSpec { context_frames, horizon, .. }) => {
                Some(FramesUsed { context: *context_frames, horizon: *horizon })
            }
            Self::Mocogan(_) | Self::Rcn(_) => None,
        }
    }
}
