//! The convolutional LSTM cell (Shi et al. 2015, arXiv:1506.04214, equation 3).

use tch::Tensor;

use super::{
    init::{self, Init},
    layers::AffineInit,
    params::Path,
};
use reprise_base::config::model::convlstm::Presence;

/// Sizes of a [`ConvLstmCell`].
#[derive(Clone, Copy, Debug)]
pub struct ConvLstmSizes {
    /// Channels of the input.
    pub inputs: i64,
    /// Channels of the hidden state.
    pub hidden: i64,
    /// Height and width of the kernel, both odd so that the state has the size of the input.
    pub kernel: [i64; 2],
    pub bias: Presence,
    /// Height and width of the states, if the cell has peepholes.
    pub peepholes: Option<[i64; 2]>,
}

/// State of a [`ConvLstmCell`].
#[derive(Debug)]
pub struct ConvLstmState {
    /// Hidden state `[B, hidden, H, W]`.
    pub h: Tensor,
    /// Cell state `[B, hidden, H, W]`.
    pub c: Tensor,
}

/// Convolutional LSTM cell with gate order i, f, o, g (`ConvLSTMCell` of `ndrplz/ConvLSTM_pytorch`).
///
/// `x_t` is the input, `h_t` the hidden state, `c_t` the cell state; ∗ is convolution, ⊙ the
/// elementwise product.
/// ```text
/// [i f o g] = W ∗ [x_t, h_{t−1}] + b
/// c_t = σ(f) ⊙ c_{t−1} + σ(i) ⊙ tanh(g)
/// h_t = σ(o) ⊙ tanh(c_t)
/// ```
/// The original's code has no peepholes. With them, as in the paper and in the guide's equations,
/// ```text
/// i += W_ci ⊙ c_{t−1}        f += W_cf ⊙ c_{t−1}        o += W_co ⊙ c_t
/// ```
#[derive(Debug)]
pub struct ConvLstmCell {
    weight: Tensor,
    bias: Option<Tensor>,
    peepholes: Option<Peepholes>,
    hidden: i64,
    padding: [i64; 2],
}

/// Weights of the peepholes, `[hidden, H, W]`.
#[derive(Debug)]
struct Peepholes {
    /// `W_ci`.
    input: Tensor,
    /// `W_cf`.
    forget: Tensor,
    /// `W_co`.
    output: Tensor,
}

impl ConvLstmCell {
    /// Creates `weight` `[4·hidden, inputs + hidden, kh, kw]` and `bias` `[4·hidden]` with the
    /// initial values of `torch.nn.Conv2d`, and `W_ci`, `W_cf`, `W_co` `[hidden, H, W]`, which are zero.
    pub fn new(path: &Path<'_>, sizes: ConvLstmSizes) -> Self {
        let ConvLstmSizes { inputs, hidden, kernel: [height, width], bias, peepholes } = sizes;
        let AffineInit { weight: weight_init, bias: bias_init } =
            default_init((inputs + hidden) * height * width);
        let shape = [4 * hidden, inputs + hidden, height, width];
        Self {
            weight: path.parameter("weight", &shape, weight_init),
            bias: match bias {
                Presence::Present => Some(path.parameter("bias", &[4 * hidden], bias_init)),
                Presence::Absent => None,
            },
            peepholes: peepholes.map(|[rows, columns]| {
                let zeros =
                    |name| path.parameter(name, &[hidden, rows, columns], Init::Constant(0.0));
                Peepholes { input: zeros("W_ci"), forget: zeros("W_cf"), output: zeros("W_co") }
            }),
            hidden,
            padding: [height / 2, width / 2],
        }
    }

    /// Returns the zero state for frames like `x` `[B, C, H, W]`, with its kind and device.
    pub fn zero_state(&self, x: &Tensor) -> ConvLstmState {
        let (batch, _, height, width) = x.size4().expect("frames are [B, C, H, W]");
        let zeros = || x.new_zeros([batch, self.hidden, height, width], (x.kind(), x.device()));
        ConvLstmState { h: zeros(), c: zeros() }
    }

    /// Computes the next state from `x` `[B, inputs, H, W]`.
    pub fn step(&self, x: &Tensor, previous: &ConvLstmState) -> ConvLstmState {
        let combined = Tensor::cat(&[x, &previous.h], 1);
        let gates =
            combined.conv2d(&self.weight, self.bias.as_ref(), [1, 1], self.padding, [1, 1], 1);
        let gate = |at: i64| gates.narrow(1, at * self.hidden, self.hidden);
        let [i, f, o, g] = [gate(0), gate(1), gate(2), gate(3)];
        let peephole = |gate: &Tensor, weight: fn(&Peepholes) -> &Tensor, c: &Tensor| {
            self.peepholes.as_ref().map_or_else(|| gate.shallow_clone(), |p| gate + weight(p) * c)
        };
        let i = peephole(&i, |p| &p.input, &previous.c);
        let f = peephole(&f, |p| &p.forget, &previous.c);
        let c = f.sigmoid() * &previous.c + i.sigmoid() * g.tanh();
        let o = peephole(&o, |p| &p.output, &c);
        let h = o.sigmoid() * c.tanh();
        ConvLstmState { h, c }
    }
}

/// Returns PyTorch's default initialization of a convolution or linear layer, [`init::by_fan_in`] for
/// weight and bias.
pub fn default_init(fan_in: i64) -> AffineInit {
    let init = init::by_fan_in(fan_in);
    AffineInit { weight: init, bias: init }
}
