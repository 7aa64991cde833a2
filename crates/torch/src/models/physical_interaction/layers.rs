//! Creation of layers in the conventions of a port.
//!
//! Numbers in comments refer to the table of differences in the module above.

use tch::Tensor;

use super::conv_lstm::{BasicConvLstmCell, BasicConvLstmShape, GateOrder};
use crate::nn::{
    init::{self, Init},
    layer_norm::{LayerNorm, LayerNormForm, NormEpsilon, ScaleAndShift},
    layers::{AffineInit, Linear},
    params::{Builder, Path},
    same::{Convolution, LayerInit, Padding, Shape, TransposedConvolution},
};
use reprise_base::config::model::physical_interaction::{
    FollowedPorts, Port, Topic, Transformation, Version,
};

/// Kernel of the recurrent cells (`filter_size`).
const CELL_KERNEL: i64 = 5;
/// `forget_bias`.
const FORGET_BIAS: f64 = 1.0;
/// Initial biases of both originals.
const BIAS: Init = Init::Constant(0.0);

/// Creates layers in the conventions of a port.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    builder: &'a Builder,
    numerics: FollowedPorts,
}

/// The operation after a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// An activation or none.
    Activation,
    /// A layer normalization.
    Normalization,
}

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct ConvSizes {
    /// Input and output channels.
    pub channels: [i64; 2],
    pub kernel: i64,
    pub stride: i64,
}

impl<'a> Layers<'a> {
    /// Creates layers as top-level modules of `builder`.
    pub fn new(builder: &'a Builder, numerics: impl Into<FollowedPorts>) -> Self {
        Self { builder, numerics: numerics.into() }
    }

    /// Returns the implementation to follow in every respect.
    pub const fn numerics(&self) -> FollowedPorts {
        self.numerics
    }

    /// Returns the path of a layer.
    pub fn path(&self, name: &str) -> Path<'a> {
        self.builder.module(name)
    }

    /// Creates a convolution.
    pub fn convolution(&self, name: &str, window: ConvSizes, then: Then) -> Convolution {
        let ConvSizes { channels: [inputs, outputs], kernel, .. } = window;
        let area = kernel * kernel;
        let init = self.init([inputs * area, outputs * area], then);
        Convolution::new(&self.path(name), self.shape(window), init)
    }

    /// Creates a transposed convolution.
    pub fn transposed(&self, name: &str, window: ConvSizes, then: Then) -> TransposedConvolution {
        let ConvSizes { channels: [inputs, outputs], kernel, .. } = window;
        let area = kernel * kernel;
        // Chainer computes fans from the shape [in, out, k, k], so inputs count as outputs.
        let init = self.init([outputs * area, inputs * area], then);
        TransposedConvolution::new(&self.path(name), self.shape(window), init)
    }

    /// Creates a linear layer.
    pub fn linear(&self, name: &str, inputs: i64, outputs: i64) -> Linear {
        let weight = self.weight([inputs, outputs]);
        Linear::new(&self.path(name), inputs, outputs, AffineInit { weight, bias: BIAS })
    }

    /// Creates a recurrent cell.
    pub fn cell(&self, name: &str, inputs: i64, hidden: i64) -> BasicConvLstmCell {
        let gates = match self.numerics.of(Topic::GateOrder) {
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

    /// Creates a layer normalization of maps `[C, H, W]`.
    pub fn norm(&self, name: &str, map: &[i64]) -> LayerNorm {
        let parameters = match self.numerics.of(Topic::LayerNormParameters) {
            // 1: `tf_layers.layer_norm` has γ, β per channel.
            Port::Tensorflow(_) => ScaleAndShift::Channel,
            // `L.LayerNormalization` gets flat vectors: γ, β per element.
            Port::Chainer | Port::ChainerStateless => ScaleAndShift::Element,
        };
        let epsilon = match self.numerics.of(Topic::LayerNormEpsilon) {
            // 2: ε = 1e-12 in the root.
            Port::Tensorflow(_) => NormEpsilon::InRoot,
            // ε = 1e-6 added to the root.
            Port::Chainer | Port::ChainerStateless => NormEpsilon::AfterRoot,
        };
        LayerNorm::new(&self.path(name), map, LayerNormForm { parameters, epsilon })
    }

    /// Returns the initialization of a layer from its fans in and out.
    fn init(&self, fans: [i64; 2], then: Then) -> LayerInit {
        let bias = match (self.numerics.of(Topic::LayerNormParameters), then) {
            // 1: slim omits the bias of a layer with a `normalizer_fn`.
            (Port::Tensorflow(_), Then::Normalization) => None,
            (Port::Tensorflow(_), Then::Activation)
            | (Port::Chainer | Port::ChainerStateless, _) => Some(BIAS),
        };
        LayerInit { weight: self.weight(fans), bias }
    }

    /// Returns the initial distribution of a weight from its fans in and out.
    pub fn weight(&self, [fan_in, fan_out]: [i64; 2]) -> Init {
        match self.numerics.of(Topic::InitialWeights) {
            // 17: slim's default `xavier_initializer`.
            Port::Tensorflow(_) => init::xavier_uniform(fan_in, fan_out),
            // Chainer's default `LeCunNormal`.
            Port::Chainer | Port::ChainerStateless => init::lecun_normal(fan_in),
        }
    }

    fn shape(&self, window: ConvSizes) -> Shape {
        let ConvSizes { channels: [inputs, outputs], kernel, stride } = window;
        Shape { inputs, outputs, kernel, stride, padding: self.padding() }
    }

    fn padding(&self) -> Padding {
        match self.numerics.of(Topic::Padding) {
            // 12: SAME adds an odd zero at the end.
            Port::Tensorflow(_) => Padding::Same,
            // `pad=5/2` and `pad=3/2` add as many zeros on both sides.
            Port::Chainer | Port::ChainerStateless => Padding::Symmetric,
        }
    }
}

/// Layers after which a port may have a ReLU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerKind {
    /// `enc0` to `enc5` and the hidden layer of STP.
    Inner,
    /// `enc6`, the last feature map.
    Features,
    /// `enc7`, the generated frame or the kernels of DNA.
    Image(Transformation),
    /// The logits of the masks.
    Masks,
}

/// Applies a ReLU where the port has one. Cells, CDNA kernels, affine maps and states have none.
pub fn activate(x: Tensor, numerics: FollowedPorts, kind: LayerKind) -> Tensor {
    let topic = match kind {
        LayerKind::Image(_) => Topic::Enc7Rectifier,
        LayerKind::Inner | LayerKind::Features | LayerKind::Masks => Topic::Rectifiers,
    };
    let rectified = match numerics.of(topic) {
        // A rectified value before the sigmoid would leave only the brighter half of all pixels.
        _ if kind == LayerKind::Image(Transformation::Direct) => false,
        // 15: slim's layers have a ReLU by default.
        Port::Tensorflow(Version::V1 | Version::Fixed) => true,
        // Since 8699e3b convt3, convt4 and convt7 have `activation_fn=None`.
        Port::Tensorflow(Version::FixedLinear) => kind == LayerKind::Inner,
        // 11: the port has a ReLU everywhere except before STP's sigmoid.
        Port::Chainer => !matches!(kind, LayerKind::Image(Transformation::Stp { .. })),
        // 15: the printed code has no ReLU, and Chainer's links have none by default.
        Port::ChainerStateless => false,
    };
    if rectified { x.relu() } else { x }
}
