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
//! With `all_at_once` the decoder has n cells, one per frame: `h^{2+k}_1 = cell_{2+k}(h^{1+k})`, and
//! `x̂_{T+k} = σ(W ∗ h^{2+k}_1 + b)`. With a skip connection each of its cells reads `[v, h¹_T]`. With
//! full connections frames are vectors of their pixels, so ∗ is a product of matrices.
//!
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
    conv_lstm::{ConvLstmCell, ConvLstmSizes, ConvLstmState, default_init},
    layers::{AffineInit, advance},
    params::{Builder, Path},
};
use reprise_base::{
    config::model::{
        ConvLstmSpec,
        convlstm::{Connections, Decoding, Presence},
    },
    scalar::Count,
};

/// Height and width of the head's kernel (`kernel_size=(1, 3, 3)`).
pub const HEAD_KERNEL: i64 = 3;

/// Size of the frames that the model reads and predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameSize {
    /// Channels (`in_chan`): 1 in the original.
    pub channels: i64,
    pub height: i64,
    pub width: i64,
}

impl FrameSize {
    /// Returns a frame of one pixel whose channels are all values of this one.
    const fn as_vector(self) -> Self {
        Self { channels: self.channels * self.height * self.width, height: 1, width: 1 }
    }
}

/// The autoencoder (`EncoderDecoderConvLSTM`).
#[derive(Debug)]
pub struct ConvLstm {
    /// `encoder_1_convlstm`, `encoder_2_convlstm`.
    pub encoder: Vec<ConvLstmCell>,
    /// `decoder_1_convlstm`, `decoder_2_convlstm`.
    pub decoder: Vec<ConvLstmCell>,
    /// Maps hidden states to frames (`decoder_CNN`).
    pub head: Head,
    connections: Connections,
    decoding: Decoding,
    skip: Presence,
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
    /// Creates all cells and the head for frames of the given size.
    pub fn new(builder: &Builder, spec: &ConvLstmSpec, frame: FrameSize) -> Self {
        let hidden = spec.hidden.size();
        let FrameSize { channels, height, width } = match spec.connections {
            Connections::Convolutional { .. } => frame,
            Connections::Full => frame.as_vector(),
        };
        let (kernel, head) = match spec.connections {
            Connections::Convolutional { kernel } => (kernel.size(), HEAD_KERNEL),
            Connections::Full => (1, 1),
        };
        let peepholes = match spec.peepholes {
            Presence::Present => Some([height, width]),
            Presence::Absent => None,
        };
        let stack = |name: &str, cells: Count, first: i64, others: i64| -> Vec<ConvLstmCell> {
            (1..=cells.get())
                .map(|layer| {
                    let cell = builder.module(&format!("{name}_{layer}_convlstm")).sub("conv");
                    let inputs = if layer == 1 { first } else { others };
                    let (kernel, bias) = ([kernel; 2], spec.bias);
                    ConvLstmCell::new(
                        &cell,
                        ConvLstmSizes { inputs, hidden, kernel, bias, peepholes },
                    )
                })
                .collect()
        };
        let decoder_cells = match spec.decoding {
            Decoding::Recurrent => spec.layers,
            Decoding::AllAtOnce => spec.horizon,
        };
        let read = match spec.skip {
            Presence::Present => 2 * hidden,
            Presence::Absent => hidden,
        };
        Self {
            encoder: stack("encoder", spec.layers, channels, hidden),
            decoder: stack("decoder", decoder_cells, read, read),
            head: Head::new(&builder.module("decoder_CNN"), hidden, channels, head),
            connections: spec.connections,
            decoding: spec.decoding,
            skip: spec.skip,
        }
    }

    /// Predicts `horizon` frames after the context `[B, T, C, H, W]`.
    ///
    /// # Panics
    /// If the context is empty or `horizon` is not positive, or if each frame has its own cell of the
    /// decoder and there are fewer cells.
    pub fn forward(&self, context: &Tensor, horizon: i64) -> Forecast {
        match self.connections {
            Connections::Convolutional { .. } => self.forward_maps(context, horizon),
            Connections::Full => {
                let (batch, steps, channels, height, width) =
                    context.size5().expect("a context is [B, T, C, H, W]");
                let vectors = context.reshape([batch, steps, -1, 1, 1]);
                let forecast = self.forward_maps(&vectors, horizon);
                let frames = forecast.frames.transpose(1, 2); // [B, horizon, C H W, 1, 1]
                let frames = frames.reshape([batch, horizon, channels, height, width]);
                Forecast { frames: frames.transpose(1, 2), ..forecast }
            }
        }
    }

    /// Predicts as [`ConvLstm::forward`], from frames in the form that the cells take.
    fn forward_maps(&self, context: &Tensor, horizon: i64) -> Forecast {
        let first = context.select(1, 0);
        let zero_states = |cells: &[ConvLstmCell]| -> Vec<ConvLstmState> {
            cells.iter().map(|cell| cell.zero_state(&first)).collect()
        };
        let (mut encoder, mut decoder) = (zero_states(&self.encoder), zero_states(&self.decoder));

        let mut v = first.shallow_clone();
        for t in 0..context.size()[1] {
            v = advance(
                &self.encoder,
                &context.select(1, t),
                &mut encoder,
                ConvLstmCell::step,
                |state| &state.h,
            );
        }
        let step = |cell: &ConvLstmCell, v: &Tensor, state: &ConvLstmState| match self.skip {
            Presence::Absent => cell.step(v, state),
            Presence::Present => cell.step(&Tensor::cat(&[v, &encoder[0].h], 1), state),
        };
        let mut hidden = Vec::new();
        for k in 0..usize::try_from(horizon).expect("a horizon is positive") {
            v = match self.decoding {
                Decoding::Recurrent => {
                    advance(&self.decoder, &v, &mut decoder, step, |state| &state.h)
                }
                Decoding::AllAtOnce => {
                    decoder[k] = step(&self.decoder[k], &v, &decoder[k]);
                    decoder[k].h.shallow_clone()
                }
            };
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

/// The output head, `x̂ = σ(W ∗ h + b)`.
///
/// The original's convolution is three-dimensional, but its kernel is one frame deep, so frames do
/// not mix.
#[derive(Debug)]
pub struct Head {
    weight: Tensor,
    bias: Tensor,
    kernel: i64,
}

impl Head {
    /// Creates `weight` `[C, hidden, 1, k, k]` and `bias` `[C]`; the original has C = 1 and k =
    /// [`HEAD_KERNEL`].
    pub fn new(path: &Path<'_>, hidden: i64, channels: i64, kernel: i64) -> Self {
        let AffineInit { weight, bias } = default_init(hidden * kernel * kernel);
        Self {
            weight: path.parameter("weight", &[channels, hidden, 1, kernel, kernel], weight),
            bias: path.parameter("bias", &[channels], bias),
            kernel,
        }
    }

    /// Maps `[B, hidden, T, H, W]` to `[B, C, T, H, W]` in (0, 1).
    pub fn forward(&self, h: &Tensor) -> Tensor {
        let padding = [0, self.kernel / 2, self.kernel / 2];
        h.conv3d(&self.weight, Some(&self.bias), [1; 3], padding, [1; 3], 1).sigmoid()
    }
}

#[cfg(test)]
mod tests;
