//! Settings of the ConvLSTM autoencoder (original: the guide *Video Prediction using ConvLSTM
//! Autoencoder (PyTorch)*, see docs/sources.md; Shi et al. 2015, arXiv:1506.04214).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::facts::{FramesUsed, ScheduleTable, SystemFacts};
use crate::{
    config::{data::Content, engine::Arithmetic, training::TrainingSpec},
    scalar::Count,
};

/// Architecture of the ConvLSTM autoencoder. The defaults are the original's.
///
/// The original is trained with Adam (learning rate 1e-4, β = (0.9, 0.98)) for 300 epochs, in batches
/// of 12.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConvLstmSpec {
    /// Frames that the encoder reads (`n_steps_past`).
    pub context_frames: Count,
    /// Frames that the decoder predicts (`n_steps_ahead`).
    pub horizon: Count,
    /// Channels of each hidden state (`n_hidden_dim`, `nf`).
    pub hidden: Count,
    /// ConvLSTM cells of the encoder. The decoder has the same number.
    pub layers: Count,
}

impl Default for ConvLstmSpec {
    fn default() -> Self {
        Self {
            context_frames: Count::literal(10),
            horizon: Count::literal(10),
            hidden: Count::literal(64),
            layers: Count::literal(2),
        }
    }
}

impl SystemFacts for ConvLstmSpec {
    fn system(&self) -> &'static str {
        "convlstm"
    }

    fn arithmetics(&self) -> &'static [Arithmetic] {
        &[Arithmetic::Exact, Arithmetic::Bf16, Arithmetic::Fp16]
    }

    fn is_data_parallel(&self) -> bool {
        true
    }

    fn content(&self) -> Content {
        Content::Frames
    }

    fn frames_used(&self) -> Option<FramesUsed> {
        Some(FramesUsed { context: self.context_frames, horizon: self.horizon })
    }

    fn has_latent(&self) -> bool {
        false
    }

    fn reads_frames_after_context(&self) -> bool {
        false
    }

    fn size(&self) -> Option<String> {
        Some(format!("{} hidden channels", self.hidden))
    }

    fn schedules(&self, _: &TrainingSpec) -> Vec<ScheduleTable> {
        Vec::new()
    }

    fn reset_schedules(&mut self) {}
}
