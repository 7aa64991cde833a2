//! A 3×3 convolution of an up-sampled map concatenated with a skip connection, split by linearity.
//!
//! x is a map `[B, C, H/2, W/2]`, s the skip connection `[B, C, H, W]`, and `up` repeats every pixel
//! twice in both directions (nearest-neighbour up-sampling):
//! ```text
//! W ∗ [up(x), s] = W_x ∗ up(x) + W_s ∗ s
//! ```
//! Each output pixel of `W_x ∗ up(x)` depends on only 2×2 pixels of x. It is therefore a transposed
//! convolution of x with stride 2 and a 4×4 kernel of sums of the 3×3 weights: 4 multiplications
//! instead of 9, and neither `up(x)` nor the concatenation is stored. `W_s ∗ s` is computed once if
//! several x share the same s.

use tch::Tensor;

use super::layers::Conv2d;

/// Row k of the 4×4 kernel as a sum of rows of the 3×3 kernel.
const TAPS: [[f64; 3]; 4] = [[0., 0., 1.], [0., 1., 1.], [1., 1., 0.], [1., 0., 0.]];

/// The parts of a [`Conv2d`] with kernel 3, stride 1 and padding 1 over `[up(x), s]`, both with C
/// channels.
#[derive(Debug)]
pub struct JoinedConv {
    /// `[C, out, 4, 4]`.
    enlarged: Tensor,
    /// `[out, C, 3, 3]`.
    skipped: Tensor,
    bias: Tensor,
}

impl JoinedConv {
    /// Splits the weights of a convolution, with gradient.
    pub fn new(conv: &Conv2d) -> Self {
        let (weight, bias) = conv.parameters();
        let [enlarged, skipped]: [Tensor; 2] =
            weight.chunk(2, 1).try_into().expect("the input has an even number of channels");
        let (outputs, inputs, ..) = enlarged.size4().expect("a convolution's weight has four axes");
        let taps = Tensor::from_slice2(&TAPS).to_kind(weight.kind()).to_device(weight.device());
        let taps = taps.kron(&taps); // [16, 9]
        let enlarged = enlarged
            .transpose(0, 1)
            .reshape([inputs * outputs, 9])
            .matmul(&taps.tr())
            .view([inputs, outputs, 4, 4]);
        Self { enlarged, skipped: skipped.contiguous(), bias: bias.shallow_clone() }
    }

    /// Computes `W_s ∗ s + b` for `s` `[B, C, H, W]`.
    pub fn skip(&self, s: &Tensor) -> Tensor {
        s.conv2d(&self.skipped, Some(&self.bias), [1, 1], [1, 1], [1, 1], 1)
    }

    /// Computes `W ∗ [up(x), s] + b` from `x` `[B, C, H/2, W/2]` and the result of
    /// [`JoinedConv::skip`].
    pub fn join(&self, x: &Tensor, skip: &Tensor) -> Tensor {
        let none: Option<&Tensor> = None;
        x.conv_transpose2d(&self.enlarged, none, [2, 2], [1, 1], [0, 0], 1, [1, 1]) + skip
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::nn::{
        init::Init,
        layers::{AffineInit, SquareWindow},
        params::Builder,
    };
    use reprise_base::scalar::Seed;

    #[test]
    fn the_parts_add_up_to_the_convolution_and_its_gradients() {
        let builder = Builder::new(Seed(3), Kind::Double, Device::Cpu);
        let wide = Init::Normal { mean: 0.0, std: 1.0 };
        let conv = Conv2d::new(
            &builder.module("conv"),
            [6, 4],
            SquareWindow { kernel: 3, stride: 1, padding: 1 },
            AffineInit { weight: wide, bias: wide },
        );
        let mut params = builder.finish();
        let values = |scale: f64, shape: &[i64]| {
            let n = shape.iter().product::<i64>();
            (Tensor::arange(n, (Kind::Double, Device::Cpu)) * scale).sin().reshape(shape)
        };
        let weigh = values(0.37, &[2, 4, 10, 8]);
        let mut results = Vec::new();
        for apart in [false, true] {
            let x = values(0.71, &[2, 3, 5, 4]).set_requires_grad(true);
            let s = values(0.53, &[2, 3, 10, 8]).set_requires_grad(true);
            params.zero_grad();
            let y = if apart {
                let joined = JoinedConv::new(&conv);
                joined.join(&x, &joined.skip(&s))
            } else {
                conv.forward(&Tensor::cat(&[&x.upsample_nearest2d([10, 8], 2.0, 2.0), &s], 1))
            };
            (&y * &weigh).sum(Kind::Double).backward();
            let mut found = vec![y.detach(), x.grad(), s.grad()];
            found.extend(params.trained().map(|entry| entry.tensor.grad()));
            results.push(found);
        }
        for (whole, parts) in results[0].iter().zip(&results[1]) {
            assert_eq!(whole.size(), parts.size());
            assert!((whole - parts).abs().max().double_value(&[]) < 1e-12);
        }
    }
}
