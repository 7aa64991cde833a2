//! The systems and their settings.
//!
//! Start from [`ModelSpec`]. [`SystemFacts`] lists what a new system must answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub mod convlstm;
pub mod cvae;
mod facts;
pub mod mocogan;
pub mod physical_interaction;
pub mod rcn;

pub use convlstm::ConvLstmSpec;
pub use cvae::CvaeSpec;
pub use facts::{FramesUsed, ScheduleTable, SystemFacts};
pub use mocogan::MocoganSpec;
pub use physical_interaction::{PhysicalInteractionSpec, WeightLifetime};
pub use rcn::RcnSpec;

/// The system to train, with its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelSpec {
    /// Conditional VAE for video prediction, after SVG (Denton & Fergus 2018, arXiv:1802.07687).
    Cvae(CvaeSpec),
    /// Physical interaction through CDNA, DNA or STP (Finn et al. 2016, arXiv:1605.07157).
    PhysicalInteraction(PhysicalInteractionSpec),
    /// ConvLSTM autoencoder (Shi et al. 2015, arXiv:1506.04214).
    #[serde(rename = "convlstm")]
    ConvLstm(ConvLstmSpec),
    /// MoCoGAN (Tulyakov et al. 2018, arXiv:1707.04993).
    Mocogan(MocoganSpec),
    /// Recombinator Network for facial keypoints (Honari et al. 2016, arXiv:1511.07356).
    Rcn(RcnSpec),
}

impl ModelSpec {
    /// Returns the facts about the system.
    pub fn facts(&self) -> &dyn SystemFacts {
        match self {
            Self::Cvae(model) => model,
            Self::PhysicalInteraction(model) => model,
            Self::ConvLstm(model) => model,
            Self::Mocogan(model) => model,
            Self::Rcn(model) => model,
        }
    }

    /// Returns the same, to be changed.
    fn facts_mut(&mut self) -> &mut dyn SystemFacts {
        match self {
            Self::Cvae(model) => model,
            Self::PhysicalInteraction(model) => model,
            Self::ConvLstm(model) => model,
            Self::Mocogan(model) => model,
            Self::Rcn(model) => model,
        }
    }

    /// Returns the system's name as sweep files and `golden/` spell it.
    pub fn system(&self) -> &'static str {
        self.facts().system()
    }

    /// Returns how a sequence is divided, if the system predicts frames.
    pub fn frames_used(&self) -> Option<FramesUsed> {
        self.facts().frames_used()
    }

    /// Returns the model with all schedules at their defaults: they do not change the cost of a step.
    #[must_use]
    pub fn without_schedules(mut self) -> Self {
        self.facts_mut().reset_schedules();
        self
    }

    /// Returns the settings of the physical-interaction model, if it is this system.
    pub const fn physical_interaction(&self) -> Option<&PhysicalInteractionSpec> {
        match self {
            Self::PhysicalInteraction(model) => Some(model),
            Self::Cvae(_) | Self::ConvLstm(_) | Self::Mocogan(_) | Self::Rcn(_) => None,
        }
    }
}
