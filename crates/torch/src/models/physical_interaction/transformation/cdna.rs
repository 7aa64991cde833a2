//! Convolutional dynamic neural advection (CDNA): kernels for the whole frame, predicted from the
//! bottleneck.

use tch::Tensor;

use super::kernels::{KERNEL, KERNEL_FLOOR};
use crate::{
    models::physical_interaction::layers::Layers,
    nn::{init::Init, layers::Linear},
};
use reprise_base::config::model::physical_interaction::{Port, Topic, Version};

/// Sizes of a [`Cdna`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CdnaSizes {
    /// Length of the flat bottleneck.
    pub inputs: i64,
    /// Number of kernels.
    pub masks: i64,
    /// Channels of a frame.
    pub colours: i64,
    /// Batch size; only the stateless port has layers per sequence.
    pub batch: i64,
}

/// Predicts kernels `K_m` from the bottleneck h and applies them to the frame x (section 3.1 of the
/// paper).
///
/// ```text
/// k = max(W h + b − ε, 0) + ε        K_m = k_m / Σ k_m        J_m(x) = K_m ∗ x
/// ```
#[derive(Debug)]
pub struct Cdna {
    predictor: Linear,
    depthwise: Vec<Depthwise>,
    masks: i64,
    images: Port,
}

/// A depthwise convolution with trained weights.
#[derive(Debug)]
struct Depthwise {
    /// `[M, C, 5, 5]`.
    weight: Tensor,
    /// `[C · M]`.
    bias: Tensor,
}

impl Cdna {
    /// Creates `kernels` and, in the stateless port, a `depthwise.B` per sequence of a batch.
    pub fn new(layers: Layers<'_>, sizes: CdnaSizes) -> Self {
        let CdnaSizes { inputs, masks, colours, batch } = sizes;
        let area = KERNEL * KERNEL;
        let predictor = layers.linear("kernels", inputs, area * masks);
        let images = layers.numerics().of(Topic::CdnaImages);
        let links = match images {
            Port::Tensorflow(_) | Port::Chainer => 0,
            Port::ChainerStateless => batch,
        };
        let depthwise = |b: i64| {
            let path = layers.path("depthwise").sub(&b.to_string());
            let init = layers.weight([colours * area, masks * area]);
            Depthwise {
                weight: path.parameter("weight", &[masks, colours, KERNEL, KERNEL], init),
                bias: path.parameter("bias", &[colours * masks], Init::Constant(0.0)),
            }
        };
        Self { predictor, depthwise: (0..links).map(depthwise).collect(), masks, images }
    }

    /// Predicts normalized kernels `[B, M, 5, 5]` from the flat bottleneck `[B, inputs]`.
    ///
    /// 5: TensorFlow orders kernels as `[5, 5, M]`, Chainer as `[M, 5, 5]`. This only permutes
    /// weights, which `names` converts.
    ///
    /// 8: ε is 1e-12 in all ports; the stateless port's `+ 1e+12` is in its DNA only.
    pub fn kernels(&self, bottleneck: &Tensor) -> Tensor {
        let raw = self.predictor.forward(bottleneck).reshape([-1, self.masks, KERNEL, KERNEL]);
        let positive = (raw - KERNEL_FLOOR).relu() + KERNEL_FLOOR;
        let sum = positive.sum_dim_intlist([2, 3].as_slice(), true, positive.kind());
        positive / sum
    }

    /// Applies kernels `[B, M, 5, 5]` to frames `[B, C, H, W]`; returns M frames.
    pub fn apply(&self, previous: &Tensor, kernels: &Tensor) -> Vec<Tensor> {
        match self.images {
            // 4: since 69cc9e9, and in the last commit of the port to Chainer, frame m is kernel m
            // applied to all colours.
            Port::Tensorflow(Version::Fixed | Version::FixedLinear) | Port::Chainer => {
                filtered(previous, kernels).unbind(2)
            }
            // The depthwise result has channel c·M + m, but is split into M groups of C channels,
            // so a frame consists of one colour under adjacent kernels.
            Port::Tensorflow(Version::V1) => {
                let channels = filtered(previous, kernels).flatten(1, 2);
                channels.split(previous.size()[1], 1)
            }
            // The kernels are ignored; every sequence has a depthwise link of its own.
            Port::ChainerStateless => {
                let frames = previous.split(1, 0);
                let links = self.depthwise.iter().cycle();
                let filtered: Vec<Tensor> =
                    frames.iter().zip(links).map(|(frame, link)| link.forward(frame)).collect();
                Tensor::cat(&filtered, 0).split(previous.size()[1], 1)
            }
        }
    }
}

impl Depthwise {
    /// Maps `[1, C, H, W]` to `[1, C · M, H, W]`; channel c·M + m is kernel m on colour c.
    fn forward(&self, frame: &Tensor) -> Tensor {
        let (_, colours, _, _) = self.weight.size4().expect("weights are [M, C, 5, 5]");
        let weight = self.weight.transpose(0, 1).reshape([-1, 1, KERNEL, KERNEL]);
        frame.conv2d(&weight, Some(&self.bias), [1, 1], [KERNEL / 2; 2], [1, 1], colours)
    }
}

/// Applies the kernels `[B, M, 5, 5]` of each sequence to all its colours: `[B, C, M, H, W]`.
///
/// A cross-correlation with two zeros on each side. Colours are the batch axis and sequences the
/// groups, because kernels differ between sequences but not between colours.
fn filtered(frames: &Tensor, kernels: &Tensor) -> Tensor {
    let (batch, colours, height, width) = frames.size4().expect("frames are [B, C, H, W]");
    let weight = kernels.reshape([-1, 1, KERNEL, KERNEL]); // [B·M, 1, 5, 5]
    let none: Option<Tensor> = None;
    frames
        .transpose(0, 1)
        .conv2d(&weight, none.as_ref(), [1, 1], [KERNEL / 2; 2], [1, 1], batch)
        .reshape([colours, batch, -1, height, width])
        .transpose(0, 1)
}
