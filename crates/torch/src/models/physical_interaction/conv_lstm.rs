//! The convolutional LSTM cell of the originals (`basic_conv_lstm_cell`, `BasicConvLSTMCell`): Shi
//! et al. 2015, arXiv:1506.04214, without peepholes and with a forget bias.

use tch::Tensor;

use crate::nn::{
    params::Path,
    same::{Convolution, LayerInit, Padding, Shape},
};

/// Order of the gates in the output channels of the gate convolution: i input, j candidate, f forget,
/// o output. It only permutes weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateOrder {
    /// i, j, f, o.
    Ijfo,
    /// j, i, f, o.
    Jifo,
}

/// State of a [`BasicConvLstmCell`].
#[derive(Debug)]
pub struct BasicConvLstmState {
    /// Cell state `[B, H, h, w]`.
    pub c: Tensor,
    /// Hidden state `[B, H, h, w]`.
    pub h: Tensor,
}

impl BasicConvLstmState {
    /// Returns a shallow clone.
    #[must_use]
    pub fn shallow_clone(&self) -> Self {
        Self { c: self.c.shallow_clone(), h: self.h.shallow_clone() }
    }

    /// Returns the state with `c` and `h` exchanged.
    #[must_use]
    pub fn swapped(&self) -> Self {
        Self { c: self.h.shallow_clone(), h: self.c.shallow_clone() }
    }
}

/// Sizes and conventions of a [`BasicConvLstmCell`].
#[derive(Clone, Copy, Debug)]
pub struct BasicConvLstmShape {
    /// Channels of the input.
    pub inputs: i64,
    /// Channels of the state.
    pub hidden: i64,
    pub kernel: i64,
    pub padding: Padding,
    pub gates: GateOrder,
    /// Added to the forget gate before its sigmoid.
    pub forget_bias: f64,
}

/// Convolutional LSTM cell.
///
/// x is the input, h and c are the hidden and cell state, h' and c' the next ones:
/// ```text
/// [i j f o] = W ∗ [x, h] + b
/// c' = c ⊙ σ(f + forget_bias) + σ(i) ⊙ tanh(j)
/// h' = tanh(c') ⊙ σ(o)
/// ```
#[derive(Debug)]
pub struct BasicConvLstmCell {
    gates: Convolution,
    shape: BasicConvLstmShape,
}

impl BasicConvLstmCell {
    /// Creates `weight` `[4H, in + H, k, k]` and `bias` `[4H]`.
    pub fn new(path: &Path<'_>, shape: BasicConvLstmShape, init: LayerInit) -> Self {
        let BasicConvLstmShape { inputs, hidden, kernel, padding, .. } = shape;
        let gates =
            Shape { inputs: inputs + hidden, outputs: 4 * hidden, kernel, stride: 1, padding };
        Self { gates: Convolution::new(path, gates, init), shape }
    }

    /// Returns the zero state for inputs like `x` `[B, in, h, w]`, with its kind and device.
    pub fn zero_state(&self, x: &Tensor) -> BasicConvLstmState {
        let mut size = x.size();
        size[1] = self.shape.hidden;
        let zeros = || x.new_zeros(size.as_slice(), (x.kind(), x.device()));
        BasicConvLstmState { c: zeros(), h: zeros() }
    }

    /// Computes the next state from `x` `[B, in, h, w]`.
    pub fn step(&self, x: &Tensor, previous: &BasicConvLstmState) -> BasicConvLstmState {
        let BasicConvLstmShape { hidden, gates, forget_bias, .. } = self.shape;
        let all = self.gates.forward(&Tensor::cat(&[x, &previous.h], 1)); // [B, 4H, h, w]
        let gate = |at: i64| all.narrow(1, at * hidden, hidden);
        let [i, j, f, o] = match gates {
            GateOrder::Ijfo => [0, 1, 2, 3].map(gate),
            GateOrder::Jifo => [1, 0, 2, 3].map(gate),
        };
        let c = &previous.c * (f + forget_bias).sigmoid() + i.sigmoid() * j.tanh();
        let h = c.tanh() * o.sigmoid();
        BasicConvLstmState { c, h }
    }
}
