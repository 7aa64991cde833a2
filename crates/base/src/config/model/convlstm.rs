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
    /// ConvLSTM cells of the encoder. The decoder has the same number, unless it is `all_at_once`.
    pub layers: Count,
    /// What connects the input and the hidden state of a cell to its gates.
    pub connections: Connections,
    /// Bias of the gates (`bias`).
    pub bias: Presence,
    /// Peephole terms `W_c ∘ C` of the gates, which the guide's equations contain and its code leaves
    /// out. Their weights are zero at the start.
    pub peepholes: Presence,
    /// How the decoder makes several frames.
    pub decoding: Decoding,
    /// Concatenation of the first cell's last hidden state of the encoder to the input of each cell of
    /// the decoder. The original only suggests it ("we could concat to provide skip conn here").
    pub skip: Presence,
}

/// What connects the input and the hidden state of a cell to its gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Connections {
    /// A convolution.
    Convolutional {
        /// Height and width of its kernel, odd (`kernel_size`).
        kernel: Count,
    },
    /// A matrix: frames are vectors of all their pixels, and `hidden` counts units. With it the model is
    /// the FC-LSTM to which Shi et al. 2015 compare the ConvLSTM.
    Full,
}

impl Default for Connections {
    fn default() -> Self {
        Self::Convolutional { kernel: Count::literal(3) }
    }
}

/// Whether a model has a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Presence {
    /// It has the part.
    Present,
    /// It does not have the part.
    Absent,
}

/// How the decoder makes several frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Decoding {
    /// One frame per step: the last hidden state is the next input (method 1 of the guide).
    #[default]
    Recurrent,
    /// One cell per frame: each cell reads the hidden state of the one before it, once (method 2 of the
    /// guide). Such a model predicts at most `horizon` frames.
    AllAtOnce,
}

impl Default for ConvLstmSpec {
    fn default() -> Self {
        Self {
            context_frames: Count::literal(10),
            horizon: Count::literal(10),
            hidden: Count::literal(64),
            layers: Count::literal(2),
            connections: Connections::default(),
            bias: Presence::Present,
            peepholes: Presence::Absent,
            decoding: Decoding::Recurrent,
            skip: Presence::Absent,
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

    fn longest_horizon(&self) -> Option<Count> {
        match self.decoding {
            Decoding::Recurrent => None,
            Decoding::AllAtOnce => Some(self.horizon),
        }
    }

    fn has_latent(&self) -> bool {
        false
    }

    fn reads_frames_after_context(&self) -> bool {
        false
    }

    fn size(&self) -> Option<String> {
        Some(match self.connections {
            Connections::Convolutional { .. } => format!("{} hidden channels", self.hidden),
            Connections::Full => format!("{} hidden units", self.hidden),
        })
    }

    fn schedules(&self, _: &TrainingSpec) -> Vec<ScheduleTable> {
        Vec::new()
    }

    fn reset_schedules(&mut self) {}
}
