//! Convolutions without bias over any number of axes (`bias=False` of `torch.nn.Conv2d`, `Conv3d` and
//! `ConvTranspose2d`), starting at PyTorch's own initial values.

use tch::Tensor;

use super::{init, params::Path};

/// Kernel, stride and padding by axis.
#[derive(Clone, Copy, Debug)]
pub struct Windows<const D: usize> {
    /// Extents of the kernel.
    pub kernel: [i64; D],
    /// Step between windows.
    pub stride: [i64; D],
    /// Zeros added on each side.
    pub padding: [i64; D],
}

impl<const D: usize> Windows<D> {
    fn elements(&self) -> i64 {
        self.kernel.iter().product()
    }
}

/// Cross-correlation without bias.
#[derive(Debug)]
pub struct Conv {
    weight: Tensor,
    stride: Vec<i64>,
    padding: Vec<i64>,
}

impl Conv {
    /// Makes `weight` `[out, in, kernel]`.
    pub fn new<const D: usize>(path: &Path<'_>, channels: [i64; 2], windows: Windows<D>) -> Self {
        let [inputs, outputs] = channels;
        let shape = [[outputs, inputs].as_slice(), &windows.kernel].concat();
        let init = init::by_fan_in(inputs * windows.elements());
        Self {
            weight: path.parameter("weight", &shape, init),
            stride: windows.stride.to_vec(),
            padding: windows.padding.to_vec(),
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
            false,
            output_padding,
            1,
        )
    }
}

/// The transpose of [`Conv`].
#[derive(Debug)]
pub struct ConvTranspose {
    weight: Tensor,
    stride: Vec<i64>,
    padding: Vec<i64>,
}

impl ConvTranspose {
    /// Makes `weight` `[in, out, kernel]`.
    pub fn new<const D: usize>(path: &Path<'_>, channels: [i64; 2], windows: Windows<D>) -> Self {
        let [inputs, outputs] = channels;
        let shape = [[inputs, outputs].as_slice(), &windows.kernel].concat();
        // PyTorch takes the weight's second extent for the number of inputs.
        let init = init::by_fan_in(outputs * windows.elements());
        Self {
            weight: path.parameter("weight", &shape, init),
            stride: windows.stride.to_vec(),
            padding: windows.padding.to_vec(),
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
            true,
            output_padding,
            1,
        )
    }
}
