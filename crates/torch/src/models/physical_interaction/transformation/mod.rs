//! Transformation of the previous frame: CDNA, DNA and STP.

pub mod cdna;
pub mod dna;
pub mod kernels;
pub mod stp;

use tch::Tensor;

use self::kernels::KERNEL;
use super::layers::{ConvSizes, LayerKind, Layers, Then, activate};
use crate::nn::same::TransposedConvolution;
use reprise_base::config::model::physical_interaction::{FollowedPorts, Transformation};

pub use cdna::{Cdna, CdnaSizes};
pub use stp::Stp;

/// Sizes of a [`Transformer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransformerSizes {
    /// Channels of `enc6`.
    pub features: i64,
    /// Elements of `hidden5` per sequence.
    pub bottleneck: i64,
    /// Channels of a frame.
    pub colours: i64,
    /// Batch size; only CDNA in the stateless port has layers per sequence.
    pub batch: i64,
}

/// Transformed frames with intermediate results.
#[derive(Debug)]
pub struct Transformed {
    /// Frames `[B, C, H, W]` in the order of the masks; CDNA has one frame more than masks.
    pub images: Vec<Tensor>,
    /// `enc7` `[B, C or 25, H, W]`: the generated frame before its sigmoid, or the kernels of DNA
    /// before their normalization.
    pub enc7: Tensor,
    /// The normalized kernels of CDNA `[B, M, 5, 5]`.
    pub kernels: Option<Tensor>,
}

/// Computes transformed frames from the features of the network.
#[derive(Debug)]
pub struct Transformer {
    enc7: TransposedConvolution,
    motion: MotionPredictor,
    transformation: Transformation,
    numerics: FollowedPorts,
}

/// The layers besides `enc7`.
#[derive(Debug)]
enum MotionPredictor {
    Cdna(Cdna),
    Dna,
    Stp(Stp),
    /// Pixels are predicted directly.
    None,
}

impl Transformer {
    /// Creates `enc7` and the layers of the transformation.
    pub fn new(
        layers: Layers<'_>,
        transformation: Transformation,
        sizes: TransformerSizes,
    ) -> Self {
        let channels = match transformation {
            Transformation::Cdna { .. } | Transformation::Stp { .. } | Transformation::Direct => {
                sizes.colours
            }
            Transformation::Dna => KERNEL * KERNEL,
        };
        let window = ConvSizes { channels: [sizes.features, channels], kernel: 1, stride: 1 };
        Self {
            enc7: layers.transposed("enc7", window, Then::Activation),
            motion: match transformation {
                Transformation::Cdna { masks } => {
                    let cdna = CdnaSizes {
                        inputs: sizes.bottleneck,
                        masks: masks.size(),
                        colours: sizes.colours,
                        batch: sizes.batch,
                    };
                    MotionPredictor::Cdna(Cdna::new(layers, cdna))
                }
                Transformation::Dna => MotionPredictor::Dna,
                Transformation::Direct => MotionPredictor::None,
                Transformation::Stp { masks } => {
                    MotionPredictor::Stp(Stp::new(layers, sizes.bottleneck, masks.size()))
                }
            },
            transformation,
            numerics: layers.numerics(),
        }
    }

    /// Transforms the previous frame `[B, C, H, W]` by `enc6` `[B, features, H, W]` and `hidden5`
    /// `[B, …]`.
    pub fn forward(&self, enc6: &Tensor, hidden5: &Tensor, previous: &Tensor) -> Transformed {
        let kind = LayerKind::Image(self.transformation);
        let enc7 = activate(self.enc7.forward(enc6), self.numerics, kind);
        let bottleneck = || hidden5.flatten(1, -1);
        // The first frame is generated from scratch, for pixels that come into view.
        let with_generated =
            |moved: Vec<Tensor>| [enc7.sigmoid()].into_iter().chain(moved).collect();
        let (images, kernels) = match &self.motion {
            MotionPredictor::Cdna(cdna) => {
                let kernels = cdna.kernels(&bottleneck());
                (with_generated(cdna.apply(previous, &kernels)), Some(kernels))
            }
            MotionPredictor::Dna => (vec![dna::apply(previous, &enc7, self.numerics)], None),
            MotionPredictor::None => (with_generated(Vec::new()), None),
            MotionPredictor::Stp(stp) => (with_generated(stp.apply(previous, &bottleneck())), None),
        };
        Transformed { images, enc7, kernels }
    }
}
