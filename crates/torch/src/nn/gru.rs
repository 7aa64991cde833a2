//! The gated recurrent unit.

use tch::Tensor;

use super::{init, params::Path};

/// Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078, equations 5 to 8) in the form of
/// `torch.nn.GRUCell`: gate order r, z, n, and the reset gate is applied after the product with h.
///
/// x is the input, h the hidden state, h' the next one.
/// ```text
/// r = σ(x W_irᵀ + b_ir + h W_hrᵀ + b_hr)
/// z = σ(x W_izᵀ + b_iz + h W_hzᵀ + b_hz)
/// n = tanh(x W_inᵀ + b_in + r ⊙ (h W_hnᵀ + b_hn))
/// h' = (1 − z) ⊙ n + z ⊙ h
/// ```
#[derive(Debug)]
pub struct GruCell {
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor,
    bias_hh: Tensor,
}

impl GruCell {
    /// Creates `weight_ih` `[3H, in]`, `weight_hh` `[3H, H]` and two biases `[3H]`.
    pub fn new(path: &Path<'_>, inputs: i64, hidden_size: i64) -> Self {
        let init = init::recurrent(hidden_size);
        let gates = 3 * hidden_size;
        Self {
            weight_ih: path.parameter("weight_ih", &[gates, inputs], init),
            weight_hh: path.parameter("weight_hh", &[gates, hidden_size], init),
            bias_ih: path.parameter("bias_ih", &[gates], init),
            bias_hh: path.parameter("bias_hh", &[gates], init),
        }
    }

    /// Computes the next hidden state `[B, H]` from `x` `[B, in]` and `h` `[B, H]`.
    pub fn step(&self, x: &Tensor, h: &Tensor) -> Tensor {
        x.gru_cell(h, &self.weight_ih, &self.weight_hh, Some(&self.bias_ih), Some(&self.bias_hh))
    }
}
