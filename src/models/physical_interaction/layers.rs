//! Layers in the conventions of one port.

use tch::Tensor;

use super::conv_lstm::{BasicConvLstmCell, BasicConvLstmShape, GateOrder};
use crate::{
    config::model::physical_interaction::{Port, Transformation, Version},
    nn::{
        init::{self, Init},
        layer_norm::{LayerNorm, LayerNormForm},
        layers::{AffineInit, Linear},
        params::{Builder, Path},
        same::{Convolution, LayerInit, Padding, Shape, TransposedConvolution},
    },
};

/// Side of the kernels inside the recurrent cells (`filter_size`).
const CELL_KERNEL: i64 = 5;
/// Added to the forget gate in front of its sigmoid (`forget_bias`).
const FORGET_BIAS: f64 = 1.0;
/// Biases start at zero in either original.
const BIAS: Init = Init::Constant(0.0);

/// Makes layers in the conventions of one port.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    builder: &'a Builder,
    port: Port,
}

/// What comes after a layer's sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// An activation, or nothing.
    Activation,
    /// A layer normalization.
    Normalization,
}

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct ConvSizes {
    /// Channels that go in and come out.
    pub channels: [i64; 2],
    /// Side of the kernel.
    pub kernel: i64,
    /// Step between windows.
    pub stride: i64,
}

impl<'a> Layers<'a> {
    /// Makes the layers of `port` below the top of `builder`'s names.
    pub const fn new(builder: &'a Builder, port: Port) -> Self {
        Self { builder, port }
    }

    /// Returns the port whose conventions hold.
    pub const fn port(&self) -> Port {
        self.port
    }

    /// Returns the path of a layer.
    pub fn path(&self, name: &str) -> Path<'a> {
        self.builder.module(name)
    }

    /// Makes a convolution.
    pub fn convolution(&self, name: &str, window: ConvSizes, then: Then) -> Convolution {
        let ConvSizes { channels: [inputs, outputs], kernel, .. } = window;
        let area = kernel * kernel;
        let init = self.init([inputs * area, outputs * area], then);
        Convolution::new(&self.path(name), self.shape(window), init)
    }

    /// Makes a transposed convolution.
    pub fn transposed(&self, name: &str, window: ConvSizes, then: Then) -> TransposedConvolution {
        let ConvSizes { channels: [inputs, outputs], kernel, .. } = window;
        let area = kernel * kernel;
        // Chainer reads the fans off the shape [in, out, k, k], so what goes in counts as output.
        let init = self.init([outputs * area, inputs * area], then);
        TransposedConvolution::new(&self.path(name), self.shape(window), init)
    }

    /// Makes a linear layer.
    pub fn linear(&self, name: &str, inputs: i64, outputs: i64) -> Linear {
        let weight = self.weight([inputs, outputs]);
        Linear::new(&self.path(name), inputs, outputs, AffineInit { weight, bias: BIAS })
    }

    /// Makes a recurrent cell.
    pub fn cell(&self, name: &str, inputs: i64, hidden: i64) -> BasicConvLstmCell {
        let gates = match self.port {
            Port::Tensorflow(_) | Port::ChainerStateless => GateOrder::Ijfo,
            // 13: the last commit splits its `j_i_f_o` (train_model.py:BasicConvLSTMCell).
            Port::Chainer => GateOrder::Jifo,
        };
        let area = CELL_KERNEL * CELL_KERNEL;
        let init = self.init([(inputs + hidden) * area, 4 * hidden * area], Then::Activation);
        let shape = BasicConvLstmShape {
            inputs,
            hidden,
            kernel: CELL_KERNEL,
            padding: self.padding(),
            gates,
            forget_bias: FORGET_BIAS,
        };
        BasicConvLstmCell::new(&self.path(name), shape, init)
    }

    /// Makes a layer normalization of maps `[C, H, W]`.
    pub fn norm(&self, name: &str, map: &[i64]) -> LayerNorm {
        let form = match self.port {
            // 1, 2: `tf_layers.layer_norm` has γ, β per channel and ε = 1e-12 in the root.
            Port::Tensorflow(_) => LayerNormForm::Channel,
            // `L.LayerNormalization` sees flat vectors: γ, β per element, ε = 1e-6 beside the root.
            Port::Chainer | Port::ChainerStateless => LayerNormForm::Element,
        };
        LayerNorm::new(&self.path(name), map, form)
    }

    /// Returns how a layer of these fans starts, and whether it has a bias.
    fn init(&self, fans: [i64; 2], then: Then) -> LayerInit {
        let bias = match (self.port, then) {
            // slim leaves the bias out where a `normalizer_fn` follows.
            (Port::Tensorflow(_), Then::Normalization) => None,
            (Port::Tensorflow(_), Then::Activation)
            | (Port::Chainer | Port::ChainerStateless, _) => Some(BIAS),
        };
        LayerInit { weight: self.weight(fans), bias }
    }

    /// Returns the distribution of a weight by its fans in and out.
    pub fn weight(&self, [fan_in, fan_out]: [i64; 2]) -> Init {
        match self.port {
            // 17: slim's default `xavier_initializer`.
            Port::Tensorflow(_) => init::xavier_uniform(fan_in, fan_out),
            // Chainer's default `LeCunNormal`.
            Port::Chainer | Port::ChainerStateless => init::lecun_normal(fan_in),
        }
    }

    const fn shape(&self, window: ConvSizes) -> Shape {
        let ConvSizes { channels: [inputs, outputs], kernel, stride } = window;
        Shape { inputs, outputs, kernel, stride, padding: self.padding() }
    }

    const fn padding(&self) -> Padding {
        match self.port {
            // 12: SAME puts the odd zero at the end.
            Port::Tensorflow(_) => Padding::Same,
            // `pad=5/2` and `pad=3/2` put the same zeros on both sides.
            Port::Chainer | Port::ChainerStateless => Padding::Symmetric,
        }
    }
}

/// Layers by what follows their sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerKind {
    /// `enc0` to `enc5` and the hidden layer of STP.
    Inner,
    /// `enc6`, the last map of features.
    Features,
    /// `enc7`, the frame made from scratch or the kernels of DNA.
    Image(Transformation),
    /// The masks' logits.
    Masks,
}

/// Rectifies `x` where the port does; cells, kernels, affine maps and states never come here.
pub fn activate(x: Tensor, port: Port, place: LayerKind) -> Tensor {
    let rectified = match port {
        // 15: slim's layers have a relu unless told otherwise.
        Port::Tensorflow(Version::V1 | Version::Fixed) => true,
        // From 8699e3b on `activation_fn=None` stands at convt3, convt4 and convt7.
        Port::Tensorflow(Version::FixedLinear) => place == LayerKind::Inner,
        // 11: the port rectifies everywhere but in front of STP's sigmoid.
        Port::Chainer => !matches!(place, LayerKind::Image(Transformation::Stp { .. })),
        // 15: the printed code has no relu at all; Chainer's links have none of their own.
        Port::ChainerStateless => false,
    };
    if rectified { x.relu() } else { x }
}
