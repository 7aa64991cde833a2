//! Convolutions that divide, and transposed convolutions that multiply, the size of an image by their
//! stride, with the padding of TensorFlow or of Chainer.
//!
//! A convolution with stride s maps n pixels to ⌈n/s⌉, a transposed convolution to n·s. If the total
//! number of padding zeros is odd, the frameworks distribute them differently, and their results are
//! shifted against each other by one pixel.

use tch::Tensor;

use super::{init::Init, params::Path};

/// Distribution of the zeros around an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// TensorFlow's SAME: as few zeros as possible, an odd one at the end. For n pixels, kernel k,
    /// stride s:
    /// ```text
    /// total = max((⌈n/s⌉ − 1)·s + k − n, 0)      before = ⌊total/2⌋
    /// ```
    Same,
    /// ⌊k/2⌋ zeros on each side, for odd kernels.
    Symmetric,
}

/// Sizes of a layer.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Input channels.
    pub inputs: i64,
    /// Output channels.
    pub outputs: i64,
    pub kernel: i64,
    pub stride: i64,
    pub padding: Padding,
}

/// Distributions of the initial weight and bias of a layer.
#[derive(Clone, Copy, Debug)]
pub struct LayerInit {
    pub weight: Init,
    /// The layer has no bias if absent.
    pub bias: Option<Init>,
}

/// Two-dimensional cross-correlation, `[B, in, H, W]` to `[B, out, ⌈H/s⌉, ⌈W/s⌉]`.
#[derive(Debug)]
pub struct Convolution {
    weight: Tensor,
    bias: Option<Tensor>,
    shape: Shape,
}

impl Convolution {
    /// Creates `weight` `[out, in, k, k]` and, if any, `bias` `[out]`.
    pub fn new(path: &Path<'_>, shape: Shape, init: LayerInit) -> Self {
        let Shape { inputs, outputs, kernel: k, .. } = shape;
        Self {
            weight: path.parameter("weight", &[outputs, inputs, k, k], init.weight),
            bias: init.bias.map(|bias| path.parameter("bias", &[outputs], bias)),
            shape,
        }
    }

    /// Maps `[B, in, H, W]` to `[B, out, ⌈H/s⌉, ⌈W/s⌉]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let Shape { kernel, stride, padding, .. } = self.shape;
        let (x, zeros) = match padding {
            Padding::Same => pad(x, [kernel; 2], [stride; 2]),
            Padding::Symmetric => (x.shallow_clone(), [kernel / 2; 2]),
        };
        x.conv2d(&self.weight, self.bias.as_ref(), [stride; 2], zeros, [1, 1], 1)
    }
}

/// Pads `[B, C, H, W]` for [`Padding::Same`]. Returns the image and the symmetric padding of height
/// and width that is left for the convolution; asymmetric padding is applied here, and 0 is
/// returned.
pub fn pad(x: &Tensor, kernel: [i64; 2], stride: [i64; 2]) -> (Tensor, [i64; 2]) {
    let (_, _, height, width) = x.size4().expect("images are [B, C, H, W]");
    let height = same(height, kernel[0], stride[0]);
    let width = same(width, kernel[1], stride[1]);
    if height.before == height.after && width.before == width.after {
        (x.shallow_clone(), [height.before, width.before])
    } else {
        let zeros = [width.before, width.after, height.before, height.after];
        (x.constant_pad_nd(zeros), [0, 0])
    }
}

/// The transpose of [`Convolution`], `[B, in, H, W]` to `[B, out, H·s, W·s]`.
#[derive(Debug)]
pub struct TransposedConvolution {
    weight: Tensor,
    bias: Option<Tensor>,
    shape: Shape,
}

impl TransposedConvolution {
    /// Creates `weight` `[in, out, k, k]` and, if any, `bias` `[out]`.
    pub fn new(path: &Path<'_>, shape: Shape, init: LayerInit) -> Self {
        let Shape { inputs, outputs, kernel: k, .. } = shape;
        Self {
            weight: path.parameter("weight", &[inputs, outputs, k, k], init.weight),
            bias: init.bias.map(|bias| path.parameter("bias", &[outputs], bias)),
            shape,
        }
    }

    /// Maps `[B, in, H, W]` to `[B, out, H·s, W·s]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let Shape { kernel: k, stride: s, padding, .. } = self.shape;
        let transpose = |zeros: i64, more: i64| {
            let bias = self.bias.as_ref();
            x.conv_transpose2d(&self.weight, bias, [s; 2], [zeros; 2], [more; 2], 1, [1, 1])
        };
        match padding {
            Padding::Symmetric => transpose(k / 2, s + 2 * (k / 2) - k),
            // The full result of (n − 1)·s + k pixels, cropped to n·s as in the gradient of SAME.
            Padding::Same => {
                let whole = transpose(0, (s - k).max(0));
                [2, 3].into_iter().fold(whole, |image, axis| {
                    let n = x.size()[usize::try_from(axis).expect("an axis is not negative")];
                    image.narrow(axis, same(n * s, k, s).before, n * s)
                })
            }
        }
    }
}

/// Padding along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Zeros {
    before: i64,
    after: i64,
}

/// Computes the padding of [`Padding::Same`] along an axis of `n` pixels.
fn same(n: i64, kernel: i64, stride: i64) -> Zeros {
    let outputs = (n + stride - 1) / stride;
    let total = ((outputs - 1) * stride + kernel - n).max(0);
    Zeros { before: total / 2, after: total - total / 2 }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::nn::params::Builder;
    use reprise_base::scalar::Seed;

    #[track_caller]
    fn check(n: i64, kernel: i64, stride: i64, before: i64, after: i64) {
        assert_eq!(same(n, kernel, stride), Zeros { before, after });
    }

    #[test]
    fn an_odd_zero_is_added_at_the_end() {
        check(64, 5, 2, 1, 2);
        check(64, 3, 2, 0, 1);
        check(96, 3, 1, 1, 1);
        check(7, 4, 1, 1, 2);
        check(7, 5, 2, 2, 2);
        check(8, 1, 1, 0, 0);
        check(8, 1, 2, 0, 0);
    }

    #[test]
    fn sizes_are_divided_and_multiplied_by_the_stride() {
        for padding in [Padding::Same, Padding::Symmetric] {
            let builder = Builder::new(Seed(0), Kind::Float, Device::Cpu);
            let shape = Shape { inputs: 2, outputs: 3, kernel: 3, stride: 2, padding };
            let init = LayerInit { weight: Init::Constant(1.0), bias: Some(Init::Constant(0.0)) };
            let down = Convolution::new(&builder.module("down"), shape, init);
            let up = TransposedConvolution::new(&builder.module("up"), shape, init);
            let x = Tensor::ones([1, 2, 8, 6], (Kind::Float, Device::Cpu));
            assert_eq!(down.forward(&x).size(), [1, 3, 4, 3]);
            assert_eq!(up.forward(&x).size(), [1, 3, 16, 12]);
        }
    }
}
