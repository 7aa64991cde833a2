//! The original's layers, with TensorFlow's layouts and padding and a built-in activation.

use tch::Tensor;

use crate::nn::{init::Init, params::Path, same};
use reprise_base::config::model::rcn::{Activation, DenseWeights};

/// Initial weights: N(0, 0.1²), redrawn beyond two standard deviations.
const WEIGHT_INIT: Init = Init::TruncatedNormal { std: 0.1 };

/// Initial biases: 0.
const BIAS_INIT: Init = Init::Constant(0.0);

/// The bias is added in an operation of its own.
const NO_BIAS: Option<Tensor> = None;

/// Applies a non-linearity element by element.
fn activate(x: &Tensor, activation: Activation) -> Tensor {
    match activation {
        Activation::Tanh => x.tanh(),
        Activation::Relu => x.relu(),
    }
}

/// Kernel and stride of a convolution, each `[height, width]`.
#[derive(Clone, Copy, Debug)]
pub struct KernelStride {
    /// `kh`, `kw`.
    pub kernel: [i64; 2],
    /// `dh`, `dw`.
    pub stride: [i64; 2],
}

/// `φ(W ∗ x + b)` with TensorFlow's SAME padding (`conv_layer`).
#[derive(Debug)]
pub struct ConvLayer {
    weight: Tensor,
    bias: Tensor,
    window: KernelStride,
    activation: Activation,
}

impl ConvLayer {
    /// Creates `w` `[kh, kw, in, out]`, the original's layout, and `b` `[out]`.
    pub fn new(
        path: &Path<'_>,
        [inputs, outputs]: [i64; 2],
        window: KernelStride,
        activation: Activation,
    ) -> Self {
        let [height, width] = window.kernel;
        Self {
            weight: path.parameter("w", &[height, width, inputs, outputs], WEIGHT_INIT),
            bias: path.parameter("b", &[outputs], BIAS_INIT),
            window,
            activation,
        }
    }

    /// Maps `[B, in, H, W]` to `[B, out, ⌈H / stride⌉, ⌈W / stride⌉]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let KernelStride { kernel, stride } = self.window;
        let weight = self.weight.permute([3, 2, 0, 1]);
        let (x, padding) = same::pad(x, kernel, stride);
        // One image at a time: oneDNN sums the gradient of a weight over batch and pixels
        // sequentially, which in f32 is up to a digit less accurate than TensorFlow's blocked sum.
        let convolve = |x: &Tensor| x.conv2d(&weight, NO_BIAS, stride, padding, [1, 1], 1);
        let convolved: Vec<Tensor> = x.split(1, 0).iter().map(convolve).collect();
        // As in the original, the bias is added in an operation of its own.
        activate(&(Tensor::cat(&convolved, 0) + self.bias.view([-1, 1, 1])), self.activation)
    }
}

/// `φ(x W + b)` (`fc_op`).
///
/// The sum over inputs is computed in parts. MKL sums 46,080 f32 terms sequentially for a batch of
/// three, which is a digit less accurate than TensorFlow's blocked sum.
#[derive(Debug)]
pub struct DenseLayer {
    weight: Tensor,
    bias: Tensor,
    activation: Activation,
    partial_sums: i64,
}

impl DenseLayer {
    /// Creates `w` `[in, out]`, the original's layout, and `b` `[out]`. `partial_sums` is the
    /// number of parts and must divide `inputs`.
    pub fn new(
        path: &Path<'_>,
        [inputs, outputs]: [i64; 2],
        partial_sums: i64,
        weights: DenseWeights,
        activation: Activation,
    ) -> Self {
        let init = match weights {
            DenseWeights::Fixed => WEIGHT_INIT,
            DenseWeights::ByInputs => Init::TruncatedNormal { std: 1.0 / (inputs as f64).sqrt() },
        };
        Self {
            weight: path.parameter("w", &[inputs, outputs], init),
            bias: path.parameter("b", &[outputs], BIAS_INIT),
            activation,
            partial_sums,
        }
    }

    /// Maps `[B, in]` to `[B, out]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let parts = self.partial_sums;
        let x = x.unflatten(1, [parts, -1]).transpose(0, 1); // [parts, B, in / parts]
        let weight = self.weight.unflatten(0, [parts, -1]); // [parts, in / parts, out]
        let sum = x.bmm(&weight).sum_dim_intlist(0_i64, false, x.kind());
        activate(&(sum + &self.bias), self.activation)
    }
}

/// Computes the maximum of every 2×2 pixels, without an odd last row or column (`mpool_op`).
pub fn max_pool(x: &Tensor) -> Tensor {
    x.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)
}

/// Repeats every pixel `[down, across]` times: `[B, C, H, W]` to `[B, C, down·H, across·W]`
/// (`upsample`).
pub fn upsample(x: &Tensor, [down, across]: [i64; 2]) -> Tensor {
    let (batch, channels, height, width) = x.size4().expect("images are [B, C, H, W]");
    x.view([batch, channels, height, 1, width, 1])
        .expand([batch, channels, height, down, width, across], false)
        .reshape([batch, channels, height * down, width * across])
}
