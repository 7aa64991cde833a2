//! Layers of `torch.nn`, each with its formula.

use tch::Tensor;

use super::{
    Mode,
    init::{self, Init},
    params::Path,
};

/// ε in the denominator of BatchNorm (`torch.nn.BatchNorm2d`'s default).
const BATCH_NORM_EPSILON: f64 = 1e-5;
/// Share of a new batch in the running statistics (`torch.nn.BatchNorm2d`'s default).
const BATCH_NORM_MOMENTUM: f64 = 0.1;

/// Distributions of the initial weight and bias of a layer.
#[derive(Clone, Copy, Debug)]
pub struct AffineInit {
    pub weight: Init,
    pub bias: Init,
}

/// `y = x Wᵀ + b` (`torch.nn.Linear`).
#[derive(Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// Creates `weight` `[out, in]` and `bias` `[out]`.
    pub fn new(path: &Path<'_>, inputs: i64, outputs: i64, init: AffineInit) -> Self {
        Self {
            weight: path.parameter("weight", &[outputs, inputs], init.weight),
            bias: path.parameter("bias", &[outputs], init.bias),
        }
    }

    /// Maps `[in]` to `[out]` or `[B, in]` to `[B, out]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        x.linear(&self.weight, Some(&self.bias))
    }
}

/// Kernel size, stride and padding of a convolution, equal in both directions.
#[derive(Clone, Copy, Debug)]
pub struct SquareWindow {
    pub kernel: i64,
    pub stride: i64,
    /// Zeros added on each side.
    pub padding: i64,
}

/// Two-dimensional cross-correlation `y = W ∗ x + b` (`torch.nn.Conv2d`).
#[derive(Debug)]
pub struct Conv2d {
    weight: Tensor,
    bias: Tensor,
    window: SquareWindow,
}

impl Conv2d {
    /// Creates `weight` `[out, in, k, k]` and `bias` `[out]`.
    pub fn new(
        path: &Path<'_>,
        channels: [i64; 2],
        window: SquareWindow,
        init: AffineInit,
    ) -> Self {
        let [inputs, outputs] = channels;
        let k = window.kernel;
        Self {
            weight: path.parameter("weight", &[outputs, inputs, k, k], init.weight),
            bias: path.parameter("bias", &[outputs], init.bias),
            window,
        }
    }

    /// Returns weight and bias.
    pub(super) fn parameters(&self) -> (&Tensor, &Tensor) {
        (&self.weight, &self.bias)
    }

    /// Maps `[B, in, H, W]` to `[B, out, H', W']`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let SquareWindow { stride, padding, .. } = self.window;
        x.conv2d(&self.weight, Some(&self.bias), [stride; 2], [padding; 2], [1, 1], 1)
    }
}

/// The transpose of [`Conv2d`] with bias (`torch.nn.ConvTranspose2d`).
#[derive(Debug)]
pub struct ConvTranspose2d {
    weight: Tensor,
    bias: Tensor,
    window: SquareWindow,
}

impl ConvTranspose2d {
    /// Creates `weight` `[in, out, k, k]` and `bias` `[out]`.
    pub fn new(
        path: &Path<'_>,
        channels: [i64; 2],
        window: SquareWindow,
        init: AffineInit,
    ) -> Self {
        let [inputs, outputs] = channels;
        let k = window.kernel;
        Self {
            weight: path.parameter("weight", &[inputs, outputs, k, k], init.weight),
            bias: path.parameter("bias", &[outputs], init.bias),
            window,
        }
    }

    /// Maps `[B, in, H, W]` to `[B, out, H', W']`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let SquareWindow { stride, padding, .. } = self.window;
        let bias = Some(&self.bias);
        x.conv_transpose2d(&self.weight, bias, [stride; 2], [padding; 2], [0, 0], 1, [1, 1])
    }
}

/// Batch normalization over all axes except the second (Ioffe & Szegedy 2015, arXiv:1502.03167,
/// Algorithms 1 and 2; `torch.nn.BatchNorm1d` to `BatchNorm3d`).
///
/// E and Var are the mean and the biased variance of the batch in training, the running statistics in
/// evaluation.
/// ```text
/// y = (x − E[x]) / √(Var[x] + ε) · γ + β
/// running ← 0.9 · running + 0.1 · batch      (training; the variance unbiased)
/// ```
#[derive(Debug)]
pub struct BatchNorm {
    weight: Option<Tensor>,
    bias: Option<Tensor>,
    running_mean: Tensor,
    running_var: Tensor,
    num_batches_tracked: Tensor,
}

impl BatchNorm {
    /// Creates γ (`weight`), β (`bias`), the running statistics and the batch counter.
    pub fn new(path: &Path<'_>, channels: i64, init: AffineInit) -> Self {
        Self {
            weight: Some(path.parameter("weight", &[channels], init.weight)),
            bias: Some(path.parameter("bias", &[channels], init.bias)),
            ..Self::without_affine(path, channels)
        }
    }

    /// Creates the running statistics and the batch counter, without γ and β (`affine=False`).
    pub fn without_affine(path: &Path<'_>, channels: i64) -> Self {
        Self {
            weight: None,
            bias: None,
            running_mean: path.buffer("running_mean", &[channels], Init::Constant(0.0)),
            running_var: path.buffer("running_var", &[channels], Init::Constant(1.0)),
            num_batches_tracked: path.counter("num_batches_tracked"),
        }
    }

    /// Normalizes `[B, C]`, `[B, C, H, W]` or `[B, C, T, H, W]`. In training it also updates the
    /// running statistics.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> Tensor {
        let training = mode == Mode::Train;
        if training {
            tch::no_grad(|| {
                let _counted = self.num_batches_tracked.shallow_clone().g_add_scalar_(1);
            });
        }
        x.batch_norm(
            self.weight.as_ref(),
            self.bias.as_ref(),
            Some(&self.running_mean),
            Some(&self.running_var),
            training,
            BATCH_NORM_MOMENTUM,
            BATCH_NORM_EPSILON,
            true,
        )
    }

    /// Normalizes in training mode and also returns the statistics of the batch.
    ///
    /// Must not be mixed with [`BatchNorm::forward`] before one backward pass: autograd saves the
    /// running statistics there, and this method changes them in place.
    pub fn forward_with_moments(&self, x: &Tensor) -> (Tensor, BatchMoments) {
        // With momentum 1 the running statistics become those of the batch.
        let empty = || self.running_mean.zeros_like();
        let moments = BatchMoments { mean: empty(), var: empty() };
        let y = x.batch_norm(
            self.weight.as_ref(),
            self.bias.as_ref(),
            Some(&moments.mean),
            Some(&moments.var),
            true,
            1.0,
            BATCH_NORM_EPSILON,
            true,
        );
        self.observe(&moments);
        (y, moments)
    }

    /// Updates the running statistics as another forward pass over the batch in training mode would.
    pub fn observe(&self, batch: &BatchMoments) {
        tch::no_grad(|| {
            let _counted = self.num_batches_tracked.shallow_clone().g_add_scalar_(1);
            for (running, batch) in
                [(&self.running_mean, &batch.mean), (&self.running_var, &batch.var)]
            {
                let _moved = running.shallow_clone().lerp_(batch, BATCH_NORM_MOMENTUM);
            }
        });
    }
}

/// Mean and unbiased variance of a batch, `[C]` each.
#[derive(Debug)]
pub struct BatchMoments {
    mean: Tensor,
    var: Tensor,
}

/// State of an LSTM cell.
#[derive(Debug)]
pub struct LstmState {
    /// Hidden state `[B, H]`.
    pub h: Tensor,
    /// Cell state `[B, H]`.
    pub c: Tensor,
}

/// Long short-term memory cell (`torch.nn.LSTMCell`) with gate order i, f, g, o.
///
/// x is the input, h and c are the hidden and cell state, h' and c' the next ones.
/// ```text
/// [i f g o] = x W_ihᵀ + b_ih + h W_hhᵀ + b_hh
/// c' = σ(f) ⊙ c + σ(i) ⊙ tanh(g)
/// h' = σ(o) ⊙ tanh(c')
/// ```
#[derive(Debug)]
pub struct LstmCell {
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor,
    bias_hh: Tensor,
    hidden_size: i64,
}

impl LstmCell {
    /// Creates `weight_ih` `[4H, in]`, `weight_hh` `[4H, H]` and two biases `[4H]`.
    pub fn new(path: &Path<'_>, inputs: i64, hidden_size: i64) -> Self {
        let init = init::recurrent(hidden_size);
        Self::with_init(path, [inputs, hidden_size], [init; 2], init)
    }

    /// Same as [`LstmCell::new`] with other initial values: [`init::xavier_uniform`] for the weights,
    /// `forget_bias` for the forget gate in both biases, and 0 for all other biases.
    pub fn with_forget_bias(
        path: &Path<'_>,
        inputs: i64,
        hidden_size: i64,
        forget_bias: f64,
    ) -> Self {
        let weights =
            [inputs, hidden_size].map(|columns| init::xavier_uniform(columns, 4 * hidden_size));
        let cell = Self::with_init(path, [inputs, hidden_size], weights, Init::Constant(0.0));
        tch::no_grad(|| {
            for bias in [&cell.bias_ih, &cell.bias_hh] {
                let _filled = bias.narrow(0, hidden_size, hidden_size).fill_(forget_bias);
            }
        });
        cell
    }

    fn with_init(
        path: &Path<'_>,
        [inputs, hidden_size]: [i64; 2],
        [weight_ih, weight_hh]: [Init; 2],
        bias: Init,
    ) -> Self {
        let gates = 4 * hidden_size;
        Self {
            weight_ih: path.parameter("weight_ih", &[gates, inputs], weight_ih),
            weight_hh: path.parameter("weight_hh", &[gates, hidden_size], weight_hh),
            bias_ih: path.parameter("bias_ih", &[gates], bias),
            bias_hh: path.parameter("bias_hh", &[gates], bias),
            hidden_size,
        }
    }

    /// Returns the zero state for the batch of `like` `[B, …]`, with its kind and device.
    pub fn zero_state(&self, like: &Tensor) -> LstmState {
        let zeros =
            || like.new_zeros([like.size()[0], self.hidden_size], (like.kind(), like.device()));
        LstmState { h: zeros(), c: zeros() }
    }

    /// Computes the next state from `x` `[B, in]`.
    pub fn step(&self, x: &Tensor, previous: &LstmState) -> LstmState {
        let (h, c) = x.lstm_cell(
            &[&previous.h, &previous.c],
            &self.weight_ih,
            &self.weight_hh,
            Some(&self.bias_ih),
            Some(&self.bias_hh),
        );
        LstmState { h, c }
    }
}

/// Computes `max(x, 0) + negative_slope · min(x, 0)` (`torch.nn.LeakyReLU`).
pub fn leaky_relu(x: &Tensor, negative_slope: f64) -> Tensor {
    crate::libtorch::shim::leaky_relu(x, negative_slope)
}

/// Same as [`leaky_relu`], in place (`inplace=True`).
pub fn leaky_relu_in_place(x: &Tensor, negative_slope: f64) -> Tensor {
    crate::libtorch::shim::leaky_relu_(x, negative_slope)
}

/// Returns `x` `[B, C, H, W]` with the channels of a pixel adjacent in memory
/// (`torch.channels_last`).
pub fn channels_last(x: &Tensor) -> Tensor {
    crate::libtorch::shim::channels_last(x)
}

/// Advances a stack of recurrent cells by one step and returns the hidden state of the last cell.
///
/// The first cell reads `x`, every other one the hidden state of the cell before it.
pub fn advance<Cell, State>(
    cells: &[Cell],
    x: &Tensor,
    states: &mut [State],
    step: impl Fn(&Cell, &Tensor, &State) -> State,
    hidden: impl Fn(&State) -> &Tensor,
) -> Tensor {
    let mut h = x.shallow_clone();
    for (cell, state) in cells.iter().zip(states) {
        *state = step(cell, &h, state);
        h = hidden(state).shallow_clone();
    }
    h
}
