//! Convolutions without bias in any number of dimensions (`torch.nn.Conv2d`, `Conv3d` and
//! `ConvTranspose2d` with `bias=False`), with PyTorch's default initial values.

use tch::Tensor;

use super::{init, params::Path};

/// Kernel, stride and padding by axis.
#[derive(Clone, Copy, Debug)]
pub struct Windows<const D: usize> {
    pub kernel: [i64; D],
    pub stride: [i64; D],
    /// Zeros added on each side.
    pub padding: [i64; D],
}

/// Cross-correlation `y = W ∗ x` without bias, or its transpose.
#[derive(Debug)]
pub struct Conv {
    weight: Tensor,
    stride: Vec<i64>,
    padding: Vec<i64>,
    direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    Forward,
    Transposed,
}

impl Conv {
    /// Creates a cross-correlation with `weight` `[out, in, kernel…]`.
    pub fn new<const D: usize>(path: &Path<'_>, channels: [i64; 2], windows: Windows<D>) -> Self {
        let [inputs, outputs] = channels;
        Self::with_weight(path, [outputs, inputs], windows, Direction::Forward)
    }

    /// Creates a transposed convolution with `weight` `[in, out, kernel…]`.
    pub fn transposed<const D: usize>(
        path: &Path<'_>,
        channels: [i64; 2],
        windows: Windows<D>,
    ) -> Self {
        Self::with_weight(path, channels, windows, Direction::Transposed)
    }

    fn with_weight<const D: usize>(
        path: &Path<'_>,
        [first, second]: [i64; 2],
        Windows { kernel, stride, padding }: Windows<D>,
        direction: Direction,
    ) -> Self {
        let shape = [[first, second].as_slice(), &kernel].concat();
        // PyTorch computes fan-in from the second axis of the weight, even if transposed.
        let fan_in = second * kernel.iter().product::<i64>();
        Self {
            weight: path.parameter("weight", &shape, init::by_fan_in(fan_in)),
            stride: stride.to_vec(),
            padding: padding.to_vec(),
            direction,
        }
    }

    /// Maps `[B, in, …]` to `[B, out, …]`.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        let axes = self.stride.len();
        let (dilation, output_padding) = (vec![1; axes], vec![0; axes]);
        x.convolution(
            &self.weight,
            None::<Tensor>,
            &self.stride,
            &self.padding,
            dilation,
            self.direction == Direction::Transposed,
            output_padding,
            1,
        )
    }
}
