//! The frame predictor (`lstm` of the original). Unlike in SVG, its output has a BatchNorm.

use tch::Tensor;

use super::{
    gaussian_lstm::{advance, stack},
    init::{AFFINE_INIT, BATCH_NORM_INIT},
};
use crate::nn::{
    Mode,
    layers::{BatchNorm, Linear, LstmCell, LstmState},
    params::Path,
};
use reprise_base::config::model::cvae::PredictorRecurrence;

/// Sizes of a [`FramePredictor`].
#[derive(Clone, Copy, Debug)]
pub struct FramePredictorSizes {
    /// Length of condition ⊕ h ⊕ z.
    pub inputs: i64,
    /// Length of the predicted code.
    pub outputs: i64,
    /// Hidden units of each LSTM layer.
    pub rnn: i64,
    /// Number of LSTM layers.
    pub layers: i64,
    /// What the LSTM layers remember.
    pub recurrence: PredictorRecurrence,
}

/// Linear → LSTM × layers → Linear → BatchNorm → tanh.
#[derive(Debug)]
pub struct FramePredictor {
    embed: Linear,
    cells: Vec<LstmCell>,
    output: Linear,
    norm: BatchNorm,
    recurrence: PredictorRecurrence,
}

impl FramePredictor {
    /// Creates `embed`, `lstm.N`, `output.0` and `output.1`.
    pub fn new(path: &Path<'_>, sizes: FramePredictorSizes) -> Self {
        let FramePredictorSizes { inputs, outputs, rnn, layers, recurrence } = sizes;
        let output = path.sub("output");
        Self {
            embed: Linear::new(&path.sub("embed"), inputs, rnn, AFFINE_INIT),
            cells: stack(path, rnn, layers),
            output: Linear::new(&output.sub("0"), rnn, outputs, AFFINE_INIT),
            norm: BatchNorm::new(&output.sub("1"), outputs, BATCH_NORM_INIT),
            recurrence,
        }
    }

    /// Returns zero states for the batch of `like` (`init_hidden`).
    pub fn zero_states(&self, like: &Tensor) -> Vec<LstmState> {
        self.cells.iter().map(|cell| cell.zero_state(like)).collect()
    }

    /// Advances `states` by the input `x` `[B, in]` and returns the code `[B, out]` in (−1, 1).
    pub fn step(&self, x: &Tensor, states: &mut [LstmState], mode: Mode) -> Tensor {
        let embedded = self.embed.forward(x);
        let top = match self.recurrence {
            PredictorRecurrence::Lstm => advance(&self.cells, &embedded, states),
            PredictorRecurrence::None => {
                advance(&self.cells, &embedded, &mut self.zero_states(&embedded))
            }
        };
        self.norm.forward(&self.output.forward(&top), mode).tanh()
    }
}
