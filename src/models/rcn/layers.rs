//! The original's layers: TensorFlow's layouts and padding, an activation in each.

use tch::Tensor;

use crate::{
    config::model::rcn::{Activation, DenseWeights},
    nn::{init::Init, params::Path, same},
};

/// Weights start at N(0, 0.1²), redrawn beyond two standard deviations.
const WEIGHT_INIT: Init = Init::TruncatedNormal { std: 0.1 };

/// Biases start at 0.
const BIAS_INIT: Init = Init::Constant(0.0);

/// Convolutions get their bias afterwards.
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
    /// Sides of the kernel (`kh`, `kw`).
    pub kernel: [i64; 2],
    /// Step between windows (`dh`, `dw`).
    pub stride: [i64; 2],
}

/// `φ(W * x + b)` with TensorFlow's SAME padding (`conv_layer`).
#[derive(Debug)]
pub struct ConvLayer {
    weight: Tensor,
    bias: Tensor,
    window: KernelStride,
    activation: Activation,
}

impl ConvLayer {
    /// Makes `w` `[height, width, in, out]`, the original's layout, and `b` `[out]`.
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
        // A picture at a time: oneDNN sums the gradient of a weight over batch and pixels in one
        // chain, which in f32 loses up to a digit that TensorFlow's blocked sum keeps.
        let picture = |x: &Tensor| x.conv2d(&weight, NO_BIAS, stride, padding, [1, 1], 1);
        let pictures: Vec<Tensor> = x.split(1, 0).iter().map(picture).collect();
        // The bias is an operation of its own, as in the original.
        activate(&(Tensor::cat(&pictures, 0) + self.bias.view([-1, 1, 1])), self.activation)
    }
}

/// `φ(x W + b)` (`fc_op`).
///
/// The sum over the inputs is made of partial sums. One chain of 46,080 single-precision terms, which
/// is what MKL makes of it for a batch of three, loses a digit that TensorFlow's blocked sum keeps.
#[derive(Debug)]
pub struct DenseLayer {
    weight: Tensor,
    bias: Tensor,
    activation: Activation,
    partial_sums: i64,
}

impl DenseLayer {
    /// Makes `w` `[in, out]`, the original's layout, and `b` `[out]`; `partial_sums` divides the
    /// number of inputs.
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

/// The largest of every 2×2 pixels; an odd last row or column is left out (`mpool_op`).
pub fn max_pool(x: &Tensor) -> Tensor {
    x.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false)
}

/// Repeats every pixel `[down, across]` times: `[B, C, H, W]` to `[B, C, down·H, across·W]`
/// (`upsample`).
pub fn upsample(x: &Tensor, [down, across]: [i64; 2]) -> Tensor {
    let (batch, channels, height, width) = x.size4().expect("pictures are [B, C, H, W]");
    x.view([batch, channels, height, 1, width, 1])
        .expand([batch, channels, height, down, width, across], false)
        .reshape([batch, channels, height * down, width * across])
}
