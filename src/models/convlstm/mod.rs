//! Sequence-to-sequence ConvLSTM autoencoder (seed document 003;
//! holmdk/Video-Prediction-using-PyTorch at edab22a).
//!
//! ```text
//! encoder, t = 1 … T:      h¹_t = cell₁(x_t)        h²_t = cell₂(h¹_t)
//! decoder, t = 1 … n:      h³_t = cell₃(v_t)        h⁴_t = cell₄(h³_t)
//!                          v_1 = h²_T               v_{t+1} = h⁴_t
//! prediction:              x̂_{T+t} = σ(W * h⁴_t + b)
//! ```
//!
//! The decoder never sees a frame, its own or a true one: what it feeds back is its hidden state.
//! Its states start at zero; only `h²_T` passes from the encoder. Parameter names are the original's,
//! module by module, so its checkpoints load unchanged.
//!
//! [`ConvLstm`] is the type to start from; [`training`] holds the objective, [`picture`] the picture
//! grid that the original logs.

pub mod picture;
pub mod training;

use tch::Tensor;

use crate::{
    config::model::ConvLstmSpec,
    nn::{
        conv_lstm::{self, Bias, ConvLstmCell, ConvLstmState, default_init},
        layers::AffineInit,
        params::{Builder, Path},
    },
};

/// Kernel of every cell (`kernel_size=(3, 3)`).
const CELL_KERNEL: [i64; 2] = [3, 3];

/// Depth, height and width of the head's kernel (`kernel_size=(1, 3, 3)`).
const HEAD_KERNEL: [i64; 3] = [1, 3, 3];

/// The autoencoder (`EncoderDecoderConvLSTM`).
#[derive(Debug)]
pub struct ConvLstm {
    /// Reads the context (`encoder_1_convlstm`, `encoder_2_convlstm`).
    pub encoder: Vec<ConvLstmCell>,
    /// Rolls on (`decoder_1_convlstm`, `decoder_2_convlstm`).
    pub decoder: Vec<ConvLstmCell>,
    /// Turns hidden states into frames (`decoder_CNN`).
    pub head: Head,
}

/// What a forward pass gives.
#[derive(Debug)]
pub struct Forecast {
    /// Predicted frames `[B, 1, horizon, H, W]` in (0, 1).
    pub frames: Tensor,
    /// States of the encoder's cells after the last frame of the context.
    pub encoder: Vec<ConvLstmState>,
    /// States of the decoder's cells after the last predicted frame.
    pub decoder: Vec<ConvLstmState>,
}

impl ConvLstm {
    /// Makes all cells and the head; `channels` are those of a frame (`in_chan`).
    pub fn new(builder: &Builder, spec: &ConvLstmSpec, channels: i64) -> Self {
        let hidden = spec.hidden.size();
        let stack = |name: &str, inputs: i64| -> Vec<ConvLstmCell> {
            (1..=spec.layers.get())
                .map(|layer| {
                    let cell = builder.module(&format!("{name}_{layer}_convlstm")).sub("conv");
                    let inputs = if layer == 1 { inputs } else { hidden };
                    ConvLstmCell::new(
                        &cell,
                        conv_lstm::ConvLstmSizes {
                            inputs,
                            hidden,
                            kernel: CELL_KERNEL,
                            bias: Bias::Present,
                        },
                    )
                })
                .collect()
        };
        Self {
            encoder: stack("encoder", channels),
            decoder: stack("decoder", hidden),
            head: Head::new(&builder.module("decoder_CNN"), hidden),
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
            v = advance(&self.encoder, &context.select(1, t), &mut encoder);
        }
        let mut hidden = Vec::new();
        for _ in 0..horizon {
            v = advance(&self.decoder, &v, &mut decoder);
            hidden.push(v.shallow_clone());
        }
        let frames = self.head.forward(&Tensor::stack(&hidden, 2)); // [B, hidden, horizon, H, W]
        Forecast { frames, encoder, decoder }
    }

    /// Predicts `horizon` frames without gradient: `[B, T, C, H, W]` to `[B, horizon, 1, H, W]`.
    pub fn predict(&self, context: &Tensor, horizon: i64) -> Tensor {
        tch::no_grad(|| self.forward(context, horizon).frames.transpose(1, 2))
    }
}

/// Advances a stack of cells by one step and returns the top hidden state.
fn advance(cells: &[ConvLstmCell], x: &Tensor, states: &mut [ConvLstmState]) -> Tensor {
    let mut h = x.shallow_clone();
    for (cell, state) in cells.iter().zip(states) {
        *state = cell.step(&h, state);
        h = state.h.shallow_clone();
    }
    h
}

/// The output head: a convolution over height and width, then a sigmoid.
///
/// ```text
/// x̂ = σ(W * h + b)
/// ```
///
/// The original's kernel is three-dimensional but one frame deep, so frames do not mix.
#[derive(Debug)]
pub struct Head {
    weight: Tensor,
    bias: Tensor,
}

impl Head {
    /// Makes `weight` `[1, hidden, 1, 3, 3]` and `bias` `[1]`.
    pub fn new(path: &Path<'_>, hidden: i64) -> Self {
        let [depth, height, width] = HEAD_KERNEL;
        let AffineInit { weight, bias } = default_init(hidden * depth * height * width);
        Self {
            weight: path.parameter("weight", &[1, hidden, depth, height, width], weight),
            bias: path.parameter("bias", &[1], bias),
        }
    }

    /// Maps `[B, hidden, T, H, W]` to `[B, 1, T, H, W]` in (0, 1).
    pub fn forward(&self, h: &Tensor) -> Tensor {
        let padding = HEAD_KERNEL.map(|k| k / 2);
        h.conv3d(&self.weight, Some(&self.bias), [1; 3], padding, [1; 3], 1).sigmoid()
    }
}
