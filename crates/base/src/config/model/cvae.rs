//! Settings of the conditional VAE (original: the report on Deep Learning Lab 5, see docs/sources.md,
//! after SVG of Denton & Fergus 2018, arXiv:1802.07687).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::facts::{FramesUsed, ScheduleTable, SystemFacts};
use crate::{
    config::{data::Content, engine::Arithmetic, training::TrainingSpec},
    scalar::Count,
    schedule::{KlWeight, TeacherForcing},
};

/// Architecture and objective of the conditional VAE. The defaults are the original's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CvaeSpec {
    /// True frames given before the first prediction (`n_past`).
    pub context_frames: Count,
    /// Frames predicted after the context (`n_future`).
    pub horizon: Count,
    /// Channels of the first VGG block of encoder and decoder. The original has 64; other values scale
    /// the channels of every block. The number of blocks follows the frames: SVG's VGG-64 for 64×64,
    /// its VGG-128 for 128×128.
    pub width: Count,
    /// Length of an encoded frame's vector (`g_dim`).
    pub g_dim: Count,
    /// Length of the latent vector z (`z_dim`).
    pub z_dim: Count,
    /// Hidden units of each LSTM layer, in the frame predictor, the posterior and the learned prior
    /// (`rnn_size`).
    pub rnn_size: Count,
    /// LSTM layers of the frame predictor (`predictor_rnn_layers`).
    pub predictor_layers: Count,
    /// What the LSTM layers of the frame predictor remember of earlier steps.
    pub predictor_recurrence: PredictorRecurrence,
    /// LSTM layers of the posterior (`posterior_rnn_layers`).
    pub posterior_layers: Count,
    /// Distribution from which the latent vector z is drawn in roll-outs, where the next frame is not
    /// known.
    pub prior: Prior,
    /// Frame whose encoder activations the decoder receives as skip connections.
    pub skip: SkipRule,
    /// Weight β of the KL term in the loss, by epoch.
    pub kl_weight: KlWeight,
    /// Teacher-forcing ratio by epoch: the probability that a training step feeds back true frames
    /// instead of predictions.
    pub teacher_forcing: TeacherForcing,
}

impl Default for CvaeSpec {
    fn default() -> Self {
        Self {
            context_frames: Count::literal(2),
            horizon: Count::literal(10),
            width: Count::literal(64),
            g_dim: Count::literal(128),
            z_dim: Count::literal(64),
            rnn_size: Count::literal(256),
            predictor_layers: Count::literal(2),
            predictor_recurrence: PredictorRecurrence::Lstm,
            posterior_layers: Count::literal(1),
            prior: Prior::Fixed,
            skip: SkipRule::LastGroundTruth,
            kl_weight: KlWeight::default(),
            teacher_forcing: TeacherForcing::default(),
        }
    }
}

impl SystemFacts for CvaeSpec {
    fn system(&self) -> &'static str {
        "cvae"
    }

    fn arithmetics(&self) -> &'static [Arithmetic] {
        &[Arithmetic::Exact, Arithmetic::Fast, Arithmetic::Bf16, Arithmetic::Fp16]
    }

    fn is_data_parallel(&self) -> bool {
        false
    }

    fn content(&self) -> Content {
        Content::Frames
    }

    fn frames_used(&self) -> Option<FramesUsed> {
        Some(FramesUsed { context: self.context_frames, horizon: self.horizon })
    }

    fn has_latent(&self) -> bool {
        true
    }

    fn reads_frames_after_context(&self) -> bool {
        true
    }

    fn size(&self) -> Option<String> {
        Some(format!("width {}", self.width))
    }

    fn schedules(&self, training: &TrainingSpec) -> Vec<ScheduleTable> {
        vec![
            ScheduleTable {
                title: "KL weight by epoch",
                values: self.kl_weight.table(training.epochs),
            },
            ScheduleTable {
                title: "teacher-forcing ratio by epoch",
                values: self.teacher_forcing.table(training.epochs),
            },
        ]
    }

    fn reset_schedules(&mut self) {
        self.kl_weight = KlWeight::default();
        self.teacher_forcing = TeacherForcing::default();
    }
}

/// Distribution of z in roll-outs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Prior {
    /// The standard normal distribution N(0, I).
    #[default]
    Fixed,
    /// A Gaussian whose mean and variance an LSTM predicts from the previous frames.
    Learned {
        /// LSTM layers (`prior_rnn_layers`).
        layers: Count,
    },
}

/// Frame whose encoder activations the decoder receives as skip connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SkipRule {
    /// The input frame of step t while t ≤ `context_frames`; in later steps, the last of these frames
    /// (`last_frame_skip = False`). Without teacher forcing, the input frame is a prediction
    /// if t > 1.
    #[default]
    LastGroundTruth,
    /// The input frame of every step, which is a true frame or a prediction
    /// (`last_frame_skip = True`).
    LastFrame,
    /// None: the decoder reads the predicted code alone, and its blocks have no input channels for
    /// activations.
    None,
}

/// What the LSTM layers of the frame predictor remember of earlier steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PredictorRecurrence {
    /// Their states.
    #[default]
    Lstm,
    /// Nothing: their states are zero before every step. The parameters are the same, so nothing else
    /// changes. The posterior and a learned prior stay recurrent.
    None,
}
