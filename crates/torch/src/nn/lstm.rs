//! The LSTM layer of the MoCoGAN assignment (MP5), which repeats one input at every frame.

use tch::Tensor;

use super::{
    Mode,
    init::{self, Init},
    layers::{AffineInit, BatchNorm, Linear, LstmCell, LstmState},
    params::Path,
};

/// LSTM that maps one vector x to a sequence `y_1` … `y_T` (`LSTM` of the assignment's
/// `submitted.py`).
///
/// ```text
/// h_t, c_t = cell(x, h_{t−1}, c_{t−1})      the same x at every t
/// y_t      = BatchNorm(h_t Wᵀ + b)          without γ and β; statistics of frame t only
/// ```
#[derive(Debug)]
pub struct RepeatedInputLstm {
    lstm: LstmCell,
    linear: Linear,
    bn: BatchNorm,
}

impl RepeatedInputLstm {
    /// Creates `lstm`, `linear` and `bn` with the assignment's `initWeight(forget_bias)`:
    /// [`init::xavier_uniform`] for weights, `forget_bias` for both biases of the forget gate, 0
    /// for all other biases.
    pub fn new(path: &Path<'_>, inputs: i64, hidden_size: i64, forget_bias: f64) -> Self {
        let linear = AffineInit {
            weight: init::xavier_uniform(hidden_size, inputs),
            bias: Init::Constant(0.0),
        };
        Self {
            lstm: LstmCell::with_forget_bias(&path.sub("lstm"), inputs, hidden_size, forget_bias),
            linear: Linear::new(&path.sub("linear"), hidden_size, inputs, linear),
            bn: BatchNorm::without_affine(&path.sub("bn"), inputs),
        }
    }

    /// Returns the zero state for the batch of `like` `[B, …]` (`initHidden`).
    pub fn zero_state(&self, like: &Tensor) -> LstmState {
        self.lstm.zero_state(like)
    }

    /// Maps `x` `[B, in]` to `[T, B, in]` with T = `frames`, and advances `state`.
    ///
    /// In training the running statistics are updated once per frame.
    pub fn forward(&self, x: &Tensor, frames: i64, state: &mut LstmState, mode: Mode) -> Tensor {
        let outputs: Vec<Tensor> = (0..frames)
            .map(|_| {
                *state = self.lstm.step(x, state);
                self.bn.forward(&self.linear.forward(&state.h), mode)
            })
            .collect();
        Tensor::stack(&outputs, 0)
    }
}
