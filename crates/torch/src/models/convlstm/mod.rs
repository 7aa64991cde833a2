//! Sequence-to-sequence ConvLSTM autoencoder (holmdk/Video-Prediction-using-PyTorch at edab22a).
//!
//! `x_t` is a frame, T the length of the context, n the horizon; cell₁ to cell₄ are ConvLSTM cells
//! with hidden states h¹ to h⁴ (shown with two layers each):
//! ```text
//! encoder, t = 1 … T:      h¹_t = cell₁(x_t)        h²_t = cell₂(h¹_t)
//! decoder, t = 1 … n:      h³_t = cell₃(v_t)        h⁴_t = cell₄(h³_t)
//!                          v_1 = h²_T               v_{t+1} = h⁴_t
//! prediction:              x̂_{T+t} = σ(W ∗ h⁴_t + b)
//! ```
//! The decoder reads no frame: it feeds back its hidden state. Its initial states are zero, so only
//! `h²_T` passes from encoder to decoder. Parameters have the original's names, so its checkpoints
//! load unchanged.
//!
//! Start from [`ConvLstm`]; [`training`] defines the objective, [`picture`] the image that the
//! original logs.

pub mod picture;
pub mod training;

use tch::Tensor;

use crate::nn::{
    conv_lstm::{Bias, ConvLstmCell, ConvLstmSizes, ConvLstmState, default_init},
    layers::{AffineInit, advance},
    params::{Builder, Path},
};
use reprise_base::config::model::ConvLstmSpec;

/// Kernel of every cell (`kernel_size=(3, 3)`).
const CELL_KERNEL: [i64; 2] = [3, 3];

/// Depth, height and width of the head's kernel (`kernel_size=(1, 3, 3)`).
const HEAD_KERNEL: [i64; 3] = [1, 3, 3];

/// The autoencoder (`EncoderDecoderConvLSTM`).
#[derive(Debug)]
pub struct ConvLstm {
    /// `encoder_1_convlstm`, `encoder_2_convlstm`.
    pub encoder: Vec<ConvLstmCell>,
    /// `decoder_1_convlstm`, `decoder_2_convlstm`.
    pub decoder: Vec<ConvLstmCell>,
    /// Maps hidden states to frames (`decoder_CNN`).
    pub head: Head,
}

/// The result of a forward pass.
#[derive(Debug)]
pub struct Forecast {
    /// Predicted frames `[B, C, horizon, H, W]` in (0, 1).
    pub frames: Tensor,
    /// States of the encoder's cells after the last frame of the context.
    pub encoder: Vec<ConvLstmState>,
    /// States of the decoder's cells after the last predicted frame.
    pub decoder: Vec<ConvLstmState>,
}

impl ConvLstm {
    /// Creates all cells and the head; `channels` is that of a frame (`in_chan`).
    pub fn new(builder: &Builder, spec: &ConvLstmSpec, channels: i64) -> Self {
        let hidden = spec.hidden.size();
        let stack = |name: &str, inputs: i64| -> Vec<ConvLstmCell> {
            (1..=spec.layers.get())
                .map(|layer| {
                    let cell = builder.module(&format!("{name}_{layer}_convlstm")).sub("conv");
                    let inputs = if layer == 1 { inputs } else { hidden };
                    ConvLstmCell::new(
                        &cell,
                        ConvLstmSizes { inputs, hidden, kernel: CELL_KERNEL, bias: Bias::Present },
                    )
                })
                .collect()
        };
        Self {
            encoder: stack("encoder", channels),
            decoder: stack("decoder", hidden),
            head: Head::new(&builder.module("decoder_CNN"), hidden, channels),
        }
    }

    /// Predicts `horizon` frames after the context `[B, T, C, H, W]`.
    ///
    /// # Panics
    /// If the context is empty or `horizon` is not positive.
    pub fn forward(&self, context: &Tensor, horizon: i64) -> Forecast {
        let first = context.select(1, 0);
        let zero_states = |cells: &[ConvLstmCell]| -> Vec<ConvLstmState> {
            cells.iter().map(|cell| cell.zero_state(&first)).collect()
        };
        let (mut encoder, mut decoder) = (zero_states(&self.encoder), zero_states(&self.decoder));

        let mut v = first.shallow_clone();
        for t in 0..context.size()[1] {
            v = advance_cells(&self.encoder, &context.select(1, t), &mut encoder);
        }
        let mut hidden = Vec::new();
        for _ in 0..horizon {
            v = advance_cells(&self.decoder, &v, &mut decoder);
            hidden.push(v.shallow_clone());
        }
        let frames = self.head.forward(&Tensor::stack(&hidden, 2)); // [B, hidden, horizon, H, W]
        Forecast { frames, encoder, decoder }
    }

    /// Predicts `horizon` frames without gradient: `[B, T, C, H, W]` to `[B, horizon, C, H, W]`.
    pub fn predict(&self, context: &Tensor, horizon: i64) -> Tensor {
        tch::no_grad(|| self.forward(context, horizon).frames.transpose(1, 2))
    }
}

fn advance_cells(cells: &[ConvLstmCell], x: &Tensor, states: &mut [ConvLstmState]) -> Tensor {
    advance(cells, x, states, ConvLstmCell::step, |state| &state.h)
}

/// The output head, `x̂ = σ(W ∗ h + b)`.
///
/// The original's convolution is three-dimensional, but its kernel is one frame deep, so frames do
/// not mix.
#[derive(Debug)]
pub struct Head {
    weight: Tensor,
    bias: Tensor,
}

impl Head {
    /// Creates `weight` `[C, hidden, 1, 3, 3]` and `bias` `[C]`; the original has C = 1.
    pub fn new(path: &Path<'_>, hidden: i64, channels: i64) -> Self {
        let [depth, height, width] = HEAD_KERNEL;
        let AffineInit { weight, bias } = default_init(hidden * depth * height * width);
        Self {
            weight: path.parameter("weight", &[channels, hidden, depth, height, width], weight),
            bias: path.parameter("bias", &[channels], bias),
        }
    }

    /// Maps `[B, hidden, T, H, W]` to `[B, C, T, H, W]` in (0, 1).
    pub fn forward(&self, h: &Tensor) -> Tensor {
        let padding = HEAD_KERNEL.map(|k| k / 2);
        h.conv3d(&self.weight, Some(&self.bias), [1; 3], padding, [1; 3], 1).sigmoid()
    }
}
