//! Settings of the conditional VAE (seed document 001; Denton & Fergus 2018, arXiv:1802.07687).

use serde::{Deserialize, Serialize};

use crate::{
    scalar::Count,
    schedule::{KlWeight, TeacherForcing},
};

/// Architecture and objective of the conditional VAE; defaults are the document's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CvaeSpec {
    /// Ground-truth frames before the first prediction (`n_past`).
    pub context_frames: Count,
    /// Frames predicted after the context (`n_future`).
    pub horizon: Count,
    /// Channels of the first VGG block; 64 is the original, smaller values scale every block.
    pub width: Count,
    /// Length of an encoded frame.
    pub g_dim: Count,
    /// Length of the latent z.
    pub z_dim: Count,
    /// Hidden units of every LSTM (`rnn_size`).
    pub rnn_size: Count,
    /// LSTM layers of the frame predictor (`predictor_rnn_layers`).
    pub predictor_layers: Count,
    /// LSTM layers of the posterior (`posterior_rnn_layers`).
    pub posterior_layers: Count,
    /// Where z comes from when there is no next frame to encode.
    pub prior: Prior,
    /// Which frame's encoder activations reach the decoder.
    pub skip: SkipRule,
    /// Weight of the KL term by epoch.
    pub kl_weight: KlWeight,
    /// Probability of feeding the true frame back, by epoch.
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
            posterior_layers: Count::literal(1),
            prior: Prior::Fixed,
            skip: SkipRule::LastGroundTruth,
            kl_weight: KlWeight::default(),
            teacher_forcing: TeacherForcing::default(),
        }
    }
}

/// The distribution of z at prediction time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Prior {
    /// N(0, I).
    #[default]
    Fixed,
    /// A Gaussian LSTM over the frames seen so far.
    Learned {
        /// LSTM layers (`prior_rnn_layers`).
        layers: Count,
    },
}

/// Which frame's encoder activations are handed to the decoder as skip connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SkipRule {
    /// Those of the input at step `t <= context_frames`, kept from then on
    /// (`last_frame_skip = False`).
    #[default]
    LastGroundTruth,
    /// Those of the previous step's input, predicted or not (`last_frame_skip = True`).
    LastFrame,
}
