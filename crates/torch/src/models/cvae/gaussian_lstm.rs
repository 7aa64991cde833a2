//! The recurrent Gaussian that is used as posterior and as learned prior
//! (`gaussian_lstm` of the original and of edenton/svg `models/lstm.py`).

use tch::Tensor;

use super::init::AFFINE_INIT;
use crate::nn::{
    layers::{self, Linear, LstmCell, LstmState},
    params::Path,
};

/// Sizes of a [`GaussianLstm`].
#[derive(Clone, Copy, Debug)]
pub struct GaussianLstmSizes {
    /// Length of the input vector.
    pub inputs: i64,
    /// Length of z.
    pub z: i64,
    /// Hidden units of each LSTM layer.
    pub rnn: i64,
    /// Number of LSTM layers.
    pub layers: i64,
}

/// Mean and log-variance of a diagonal Gaussian, both `[B, z]`.
#[derive(Debug)]
pub struct Gaussian {
    pub mu: Tensor,
    /// log σ².
    pub logvar: Tensor,
}

impl Gaussian {
    /// Reparameterization: `z = μ + exp(½ log σ²) ⊙ ε` with ε ~ N(0, I).
    pub fn sample(&self, epsilon: &Tensor) -> Tensor {
        &self.mu + (&self.logvar * 0.5).exp() * epsilon
    }
}

/// Linear → LSTM × layers → two linear layers for μ and log σ².
#[derive(Debug)]
pub struct GaussianLstm {
    embed: Linear,
    cells: Vec<LstmCell>,
    mu_net: Linear,
    logvar_net: Linear,
    z_size: i64,
}

impl GaussianLstm {
    /// Creates `embed`, `lstm.N`, `mu_net` and `logvar_net`.
    pub fn new(path: &Path<'_>, sizes: GaussianLstmSizes) -> Self {
        let GaussianLstmSizes { inputs, z, rnn, layers } = sizes;
        Self {
            embed: Linear::new(&path.sub("embed"), inputs, rnn, AFFINE_INIT),
            cells: stack(path, rnn, layers),
            mu_net: Linear::new(&path.sub("mu_net"), rnn, z, AFFINE_INIT),
            logvar_net: Linear::new(&path.sub("logvar_net"), rnn, z, AFFINE_INIT),
            z_size: z,
        }
    }

    /// Returns the length of z.
    pub fn z_size(&self) -> i64 {
        self.z_size
    }

    /// Returns zero states for the batch of `like` (`init_hidden`).
    pub fn zero_states(&self, like: &Tensor) -> Vec<LstmState> {
        self.cells.iter().map(|cell| cell.zero_state(like)).collect()
    }

    /// Advances `states` by the input `h` `[B, in]` and returns the distribution of z.
    pub fn step(&self, h: &Tensor, states: &mut [LstmState]) -> Gaussian {
        let top = advance(&self.cells, &self.embed.forward(h), states);
        Gaussian { mu: self.mu_net.forward(&top), logvar: self.logvar_net.forward(&top) }
    }
}

/// Creates `lstm.0` … `lstm.{layers − 1}` with `rnn` inputs and hidden units each.
pub(super) fn stack(path: &Path<'_>, rnn: i64, layers: i64) -> Vec<LstmCell> {
    let lstm = path.sub("lstm");
    (0..layers).map(|index| LstmCell::new(&lstm.sub(&index.to_string()), rnn, rnn)).collect()
}

/// Advances the cells of [`stack`] by one step and returns the last hidden state.
pub(super) fn advance(cells: &[LstmCell], x: &Tensor, states: &mut [LstmState]) -> Tensor {
    layers::advance(cells, x, states, LstmCell::step, |state| &state.h)
}
