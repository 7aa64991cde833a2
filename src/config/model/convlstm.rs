//! Settings of the ConvLSTM autoencoder (seed document 003; Shi et al. 2015, arXiv:1506.04214).

use serde::{Deserialize, Serialize};

use crate::scalar::Count;

/// Architecture and objective of the ConvLSTM autoencoder; defaults are the document's.
///
/// The document trains it with Adam at a learning rate of 1e-4, β = (0.9, 0.98), in batches of 12
/// for 300 epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConvLstmSpec {
    /// Frames that the encoder reads (`n_steps_past`).
    pub context_frames: Count,
    /// Frames that the decoder predicts (`n_steps_ahead`).
    pub horizon: Count,
    /// Channels of every hidden state (`n_hidden_dim`, `nf`).
    pub hidden: Count,
    /// ConvLSTM cells of the encoder, and as many of the decoder; the document has two.
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
