//! The network that predicts the next frame and state.

use tch::Tensor;

use super::{
    conv_lstm::{BasicConvLstmCell, BasicConvLstmState},
    layers::{ConvSizes, LayerKind, Layers, Then, activate},
    masks::{masks, merge, only_the_first},
    transformation::{Transformed, Transformer, TransformerSizes},
};
use crate::nn::{
    layer_norm::LayerNorm,
    layers::Linear,
    params::Builder,
    same::{Convolution, TransposedConvolution},
};
use reprise_base::config::model::{
    PhysicalInteractionSpec,
    physical_interaction::{Conditioning, FollowedPorts, Port, Topic, Transformation},
};

/// Number of times that height and width are halved.
pub const HALVINGS: u32 = 3;

/// Sizes that depend on the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkSizes {
    /// Channels, height and width of a frame; height and width are multiples of 8.
    pub frame: [i64; 3],
    /// Length of an action.
    pub actions: i64,
    /// Length of a state.
    pub states: i64,
    /// Batch size; only the stateless port has layers per sequence.
    pub batch: i64,
}

/// A recurrent cell and the layer normalization of its output.
#[derive(Debug)]
struct Recurrent {
    cell: BasicConvLstmCell,
    norm: LayerNorm,
}

/// States of the seven cells.
#[derive(Debug)]
pub struct States(pub [BasicConvLstmState; 7]);

/// Results of one time step.
#[derive(Debug)]
pub struct NetworkStep {
    /// `enc0` … `enc6`.
    pub features: [Tensor; 7],
    /// `hidden1` … `hidden7`, normalized outputs of the cells.
    pub hidden: [Tensor; 7],
    /// States of the cells after this step.
    pub cells: [BasicConvLstmState; 7],
    pub transformed: Transformed,
    /// Masks `[B, M + 1, H, W]`, the previous frame's first.
    pub masks: Tensor,
    /// Predicted frame `[B, C, H, W]`.
    pub image: Tensor,
    /// Predicted state `[B, S]`.
    pub state: Tensor,
}

/// The network, with layers in the order in which a step uses them.
#[derive(Debug)]
pub struct Network {
    enc0: Convolution,
    norm_enc0: LayerNorm,
    cell1: Recurrent,
    cell2: Recurrent,
    enc1: Convolution,
    cell3: Recurrent,
    cell4: Recurrent,
    enc2: Convolution,
    enc3: Convolution,
    cell5: Recurrent,
    enc4: TransposedConvolution,
    cell6: Recurrent,
    enc5: TransposedConvolution,
    cell7: Recurrent,
    enc6: TransposedConvolution,
    norm_enc6: LayerNorm,
    transformer: Transformer,
    /// None if the frame is predicted directly.
    masks: Option<TransposedConvolution>,
    state: Linear,
    numerics: FollowedPorts,
    conditioning: Conditioning,
}

impl Network {
    /// Creates all layers.
    ///
    /// # Panics
    /// If height or width is not a multiple of 8.
    pub fn new(builder: &Builder, spec: &PhysicalInteractionSpec, sizes: NetworkSizes) -> Self {
        let NetworkSizes { frame: [channels, height, width], actions, states, .. } = sizes;
        let side = 1 << HALVINGS;
        assert!(height % side == 0 && width % side == 0, "height and width are multiples of 8");
        let layers = Layers::new(builder, spec.numerics());
        let w = spec.width.size();
        let map = |channels: i64, halvings: u32| [channels, height >> halvings, width >> halvings];
        let conv = |name: &str, channels: [i64; 2], kernel: i64, then: Then| {
            layers.convolution(name, ConvSizes { channels, kernel, stride: 2 }, then)
        };
        let deconv = |name: &str, channels: i64, then: Then| {
            let window = ConvSizes { channels: [channels; 2], kernel: 3, stride: 2 };
            layers.transposed(name, window, then)
        };
        let cell = |k: u32, inputs: i64, hidden: i64, halvings: u32| Recurrent {
            cell: layers.cell(&format!("lstm{k}"), inputs, hidden),
            norm: layers.norm(&format!("hidden{k}"), &map(hidden, halvings)),
        };
        let enc1 = match spec.port {
            Port::Tensorflow(_) | Port::Chainer => w,
            // The printed code uses the height of the map as number of channels
            // (`hidden2.shape[2]`), which is also 32 for frames of 64 rows.
            Port::ChainerStateless => height / 2,
        };
        let condition = match spec.conditioning {
            Conditioning::ActionAndState => actions + states,
            Conditioning::FrameOnly => 0,
        };
        Self {
            enc0: conv("enc0", [channels, w], 5, Then::Normalization),
            norm_enc0: layers.norm("norm_enc0", &map(w, 1)),
            cell1: cell(1, w, w, 1),
            cell2: cell(2, w, w, 1),
            enc1: conv("enc1", [w, enc1], 3, Then::Activation),
            cell3: cell(3, enc1, 2 * w, 2),
            cell4: cell(4, 2 * w, 2 * w, 2),
            enc2: conv("enc2", [2 * w, 2 * w], 3, Then::Activation),
            enc3: layers.convolution(
                "enc3",
                ConvSizes { channels: [2 * w + condition, 2 * w], kernel: 1, stride: 1 },
                Then::Activation,
            ),
            cell5: cell(5, 2 * w, 4 * w, 3),
            enc4: deconv("enc4", 4 * w, Then::Activation),
            cell6: cell(6, 4 * w, 2 * w, 2),
            enc5: deconv("enc5", 2 * w + enc1, Then::Activation),
            cell7: cell(7, 2 * w + enc1, w, 1),
            enc6: deconv("enc6", 2 * w, Then::Normalization),
            norm_enc6: layers.norm("norm_enc6", &map(2 * w, 0)),
            transformer: Transformer::new(
                layers,
                spec.transformation,
                TransformerSizes {
                    features: 2 * w,
                    bottleneck: map(4 * w, 3).iter().product(),
                    colours: channels,
                    batch: sizes.batch,
                },
            ),
            masks: match spec.transformation {
                Transformation::Direct => None,
                transformation => {
                    let channels = [2 * w, transformation.masks().size() + 1];
                    let sizes = ConvSizes { channels, kernel: 1, stride: 1 };
                    Some(layers.transposed("masks", sizes, Then::Activation))
                }
            },
            state: layers.linear("state", actions + states, states),
            numerics: spec.numerics(),
            conditioning: spec.conditioning,
        }
    }

    /// Returns the implementation that the network follows in every respect.
    pub const fn numerics(&self) -> FollowedPorts {
        self.numerics
    }

    /// Returns zero states for frames like `image` `[B, C, H, W]`, with its kind and device.
    pub fn zero_states(&self, image: &Tensor) -> States {
        let (batch, _, height, width) = image.size4().expect("frames are [B, C, H, W]");
        let zero = |recurrent: &Recurrent, halvings: u32| {
            let size = [batch, 1, height >> halvings, width >> halvings];
            recurrent.cell.zero_state(&image.new_zeros(size, (image.kind(), image.device())))
        };
        States([
            zero(&self.cell1, 1),
            zero(&self.cell2, 1),
            zero(&self.cell3, 2),
            zero(&self.cell4, 2),
            zero(&self.cell5, 3),
            zero(&self.cell6, 2),
            zero(&self.cell7, 1),
        ])
    }

    /// Predicts the next frame and state from a frame `[B, C, H, W]`, action `[B, A]` and state
    /// `[B, S]`, and advances the states of the cells.
    pub fn step(
        &self,
        previous: &Tensor,
        action: &Tensor,
        state: &Tensor,
        states: &mut States,
    ) -> NetworkStep {
        let States([c1, c2, c3, c4, c5, c6, c7]) = states;
        let inner = |x: Tensor| activate(x, self.numerics, LayerKind::Inner);
        let state_action = Tensor::cat(&[action, state], 1); // [B, A + S]

        let enc0 = inner(self.norm_enc0.forward(&self.enc0.forward(previous)));
        let hidden1 = self.advance(&self.cell1, &enc0, c1);
        let hidden2 = self.advance(&self.cell2, &hidden1, c2);
        let enc1 = inner(self.enc1.forward(&hidden2));
        let hidden3 = self.advance(&self.cell3, &enc1, c3);
        let hidden4 = self.advance(&self.cell4, &hidden3, c4);
        let enc2 = inner(self.enc2.forward(&hidden4));
        let enc3 = inner(self.enc3.forward(&self.condition(&enc2, &state_action)));
        let hidden5 = self.advance(&self.cell5, &enc3, c5);
        let enc4 = inner(self.enc4.forward(&hidden5));
        let hidden6 = self.advance(&self.cell6, &enc4, c6);
        let enc5 = inner(self.enc5.forward(&Tensor::cat(&[&hidden6, &enc1], 1)));
        let hidden7 = self.advance(&self.cell7, &enc5, c7);
        let last = self.norm_enc6.forward(&self.enc6.forward(&Tensor::cat(&[&hidden7, &enc0], 1)));
        let enc6 = activate(last, self.numerics, LayerKind::Features);

        let transformed = self.transformer.forward(&enc6, &hidden5, previous);
        let masks = match &self.masks {
            Some(layer) => {
                let logits = activate(layer.forward(&enc6), self.numerics, LayerKind::Masks);
                masks(&logits, self.numerics.of(Topic::MaskSoftmax))
            }
            None => only_the_first(previous),
        };
        let image = merge(previous, &transformed.images, &masks);
        let state = self.state.forward(&state_action);
        NetworkStep {
            features: [enc0, enc1, enc2, enc3, enc4, enc5, enc6],
            hidden: [hidden1, hidden2, hidden3, hidden4, hidden5, hidden6, hidden7],
            cells: states.0.each_ref().map(BasicConvLstmState::shallow_clone),
            transformed,
            masks,
            image,
            state,
        }
    }

    /// Advances a cell and returns its normalized output.
    fn advance(&self, recurrent: &Recurrent, x: &Tensor, state: &mut BasicConvLstmState) -> Tensor {
        let Recurrent { cell, norm } = recurrent;
        *state = match self.numerics.of(Topic::CellState) {
            Port::Tensorflow(_) | Port::Chainer => cell.step(x, state),
            // 14: the printed cell returns concat(c, h) and splits it as (h, c).
            Port::ChainerStateless => cell.step(x, &state.swapped()),
        };
        norm.forward(&state.h)
    }

    /// Concatenates action and state to every pixel of the bottleneck (`smear`).
    fn condition(&self, x: &Tensor, state_action: &Tensor) -> Tensor {
        match self.conditioning {
            Conditioning::FrameOnly => x.shallow_clone(),
            Conditioning::ActionAndState => {
                let (batch, _, height, width) = x.size4().expect("maps are [B, C, H, W]");
                let smear = state_action.unsqueeze(-1).unsqueeze(-1);
                Tensor::cat(&[x, &smear.expand([batch, -1, height, width], false)], 1)
            }
        }
    }
}
