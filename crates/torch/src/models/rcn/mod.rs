//! Recombinator Network for facial keypoints (Honari et al. 2016, arXiv:1511.07356;
//! preddy5/tensorflow-recombinator-networks at bde82d0).
//!
//! x is the image, C a 3×3 convolution φ(W ∗ x + b), P 2×2 max pooling, U up-sampling that repeats
//! each pixel twice in both directions, ⊕ concatenation of channels, D dropout:
//! ```text
//! f₁ = C x       f₂ = C P f₁       f₃ = C P f₂       f₄ = C P f₃         16, 32, 48, 48 channels
//! m₃ = C C (U f₄ ⊕ f₃)     m₂ = C C (U m₃ ⊕ f₂)     m₁ = C C (U m₂ ⊕ f₁)     32, 16, 5 channels
//! y = φ(W₂ D φ(W₁ D vec(m₁) + b₁) + b₂)
//! ```
//! φ is tanh in all layers, the last one included. The coarse branch comes first in every
//! concatenation.
//!
//! Deviation of the original from the paper: two fully connected layers predict coordinates, where
//! the paper predicts a map per keypoint. [`Recombination::Sum`] replaces ⊕ by a sum, as the paper's SumNet
//! does; [`Recombination::None`] is an ablation of ours that omits the finer branch from every
//! concatenation.
//!
//! Parameters have TensorFlow's names, with a dot for the slash, and TensorFlow's layouts, so that
//! the original's checkpoints load unchanged. Start from [`Rcn`]; [`training`] defines the
//! objective.

pub mod layers;
pub mod training;

use tch::Tensor;

use self::layers::{ConvLayer, DenseLayer, KernelStride, max_pool, upsample};
use crate::nn::params::Builder;
use reprise_base::config::model::rcn::{Activation, DenseWeights, Keep, Recombination};

/// Convolutions of the path from fine to coarse: name and output channels.
const BRANCHES: [(&str, i64); 4] =
    [("conv1_4", 16), ("conv1_3", 32), ("conv1_2", 48), ("conv1_1", 48)];

/// Pairs of convolutions after each concatenation, from coarse to fine. The original names every
/// second one `conv2_1`; TensorFlow makes these names unique.
const MERGES: [[(&str, i64); 2]; 3] = [
    [("conv2_1_c", 48), ("conv2_1", 32)],
    [("conv2_2_c", 32), ("conv2_1_1", 16)],
    [("conv2_3_c", 16), ("conv2_1_2", 5)],
];

/// Kernel and stride of every convolution.
const WINDOW: KernelStride = KernelStride { kernel: [3, 3], stride: [1, 1] };

/// Factor of pooling and up-sampling.
const SCALE: i64 = 2;

/// Units of the first fully connected layer in the original.
pub const HIDDEN_UNITS: i64 = 500;

/// Architecture of an [`Rcn`] apart from its sizes; the default is the original's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RcnVariant {
    pub recombination: Recombination,
    pub activation: Activation,
    pub dense_weights: DenseWeights,
}

/// Sizes of an [`Rcn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RcnSizes {
    /// Height of an image in pixels, a multiple of 8.
    pub height: i64,
    /// Width of an image in pixels, a multiple of 8.
    pub width: i64,
    pub channels: i64,
    /// Units of the first fully connected layer, [`HIDDEN_UNITS`] in the original.
    pub hidden: i64,
    /// Predicted coordinates: x and y of every keypoint.
    pub coordinates: i64,
}

impl RcnSizes {
    /// Returns whether the sides are divisible as often as they are pooled.
    pub const fn fit(self) -> bool {
        let multiple = SCALE.pow(3);
        self.height % multiple == 0 && self.width % multiple == 0
    }

    /// Returns the length of vec(m₁), the flattened finest map.
    pub const fn flat(self) -> i64 {
        let [_, (_, channels)] = MERGES[MERGES.len() - 1];
        self.height * self.width * channels
    }
}

/// The Recombinator Network (`Recomb`).
#[derive(Debug)]
pub struct Rcn {
    branches: Vec<ConvLayer>,
    merges: Vec<[ConvLayer; 2]>,
    fc1: DenseLayer,
    fc2: DenseLayer,
    recombination: Recombination,
}

/// Dropout of a forward pass.
#[derive(Debug)]
pub enum DropoutPass<'a> {
    Off,
    /// Drops by the given probabilities and random numbers.
    Drawn {
        keep: Keep,
        uniforms: &'a DropoutUniforms,
    },
}

/// Random numbers in [0, 1), one per activation that may be dropped.
#[derive(Debug)]
pub struct DropoutUniforms {
    /// For the flattened map, `[B, H·W·5]`, pixel by pixel ([`RcnSizes::flat`]).
    pub flat: Tensor,
    /// For the first fully connected layer, `[B, hidden]`.
    pub hidden: Tensor,
}

/// Intermediate and final results of a forward pass; maps are `[B, C, H, W]`.
#[derive(Debug)]
pub struct Activations {
    /// f₁ … f₄, fine to coarse.
    pub branches: Vec<Tensor>,
    /// P f₁ … P f₃.
    pub pooled: Vec<Tensor>,
    /// U f₄, U m₃, U m₂, coarse to fine.
    pub upsampled: Vec<Tensor>,
    /// m₃, m₂, m₁, coarse to fine.
    pub merged: Vec<Tensor>,
    /// First fully connected layer `[B, hidden]`.
    pub hidden: Tensor,
    /// `hidden` after dropout.
    pub hidden_kept: Tensor,
    /// Predicted coordinates `[B, coordinates]` in (−1, 1): (pixel − 48) / 48.
    pub coordinates: Tensor,
}

impl Rcn {
    /// Creates all layers in the original's order.
    ///
    /// # Panics
    /// If a side is not a multiple of 8.
    pub fn new(builder: &Builder, variant: RcnVariant, sizes: RcnSizes) -> Self {
        let RcnVariant { recombination, activation, dense_weights } = variant;
        assert!(sizes.fit(), "sides are multiples of 8");
        let conv = |name: &str, inputs: i64, outputs: i64| {
            ConvLayer::new(&builder.module(name), [inputs, outputs], WINDOW, activation)
        };
        let mut inputs = sizes.channels;
        let branches = BRANCHES.map(|(name, outputs)| {
            let layer = conv(name, inputs, outputs);
            inputs = outputs;
            layer
        });
        let finer = BRANCHES.iter().rev().skip(1);
        let merges =
            finer.zip(MERGES).map(|(&(_, channels), [(first, middle), (second, last)])| {
                let joined = match recombination {
                    Recombination::Concatenate => inputs + channels,
                    Recombination::Sum | Recombination::None => inputs,
                };
                let pair = [conv(first, joined, middle), conv(second, middle, last)];
                inputs = last;
                pair
            });
        let merges = merges.collect();
        let dense = |name: &str, sizes: [i64; 2], partial_sums: i64| {
            DenseLayer::new(&builder.module(name), sizes, partial_sums, dense_weights, activation)
        };
        Self {
            branches: branches.into(),
            merges,
            fc1: dense("fc1", [sizes.flat(), sizes.hidden], sizes.height),
            fc2: dense("fc2", [sizes.hidden, sizes.coordinates], 1),
            recombination,
        }
    }

    /// Predicts the coordinates of images `[B, C, H, W]` with pixels in [0, 1].
    pub fn forward(&self, x: &Tensor, dropout: &DropoutPass<'_>) -> Activations {
        let (mut branches, mut pooled) = (Vec::new(), Vec::new());
        let mut input = x.shallow_clone();
        for branch in &self.branches {
            let f = branch.forward(&input);
            if branches.len() + 1 < self.branches.len() {
                input = max_pool(&f);
                pooled.push(input.shallow_clone());
            }
            branches.push(f);
        }

        let (mut upsampled, mut merged) = (Vec::new(), Vec::new());
        let mut coarse = branches.last().expect("there are four branches").shallow_clone();
        for (finer, [first, second]) in branches.iter().rev().skip(1).zip(&self.merges) {
            let u = upsample(&coarse, [SCALE, SCALE]);
            let joined = match self.recombination {
                Recombination::Concatenate => Tensor::cat(&[&u, finer], 1),
                Recombination::Sum => &u + finer,
                Recombination::None => u.shallow_clone(),
            };
            coarse = second.forward(&first.forward(&joined));
            upsampled.push(u);
            merged.push(coarse.shallow_clone());
        }

        // The original stores channels last, so its flattened map is ordered pixel by pixel.
        let flat = coarse.permute([0, 2, 3, 1]).flatten(1, -1);
        let hidden = self.fc1.forward(&dropout.flat(&flat));
        let hidden_kept = dropout.hidden(&hidden);
        let coordinates = self.fc2.forward(&hidden_kept);
        Activations { branches, pooled, upsampled, merged, hidden, hidden_kept, coordinates }
    }
}

impl DropoutPass<'_> {
    fn flat(&self, x: &Tensor) -> Tensor {
        match self {
            Self::Off => x.shallow_clone(),
            Self::Drawn { keep, uniforms } => drop_out(x, &uniforms.flat, keep.flat.get()),
        }
    }

    fn hidden(&self, x: &Tensor) -> Tensor {
        match self {
            Self::Off => x.shallow_clone(),
            Self::Drawn { keep, uniforms } => drop_out(x, &uniforms.hidden, keep.hidden.get()),
        }
    }
}

/// Computes `x / keep` where u ≥ 1 − keep, and 0 elsewhere (`tf.nn.dropout`).
fn drop_out(x: &Tensor, u: &Tensor, keep: f64) -> Tensor {
    x / keep * u.ge(1.0 - keep).to_kind(x.kind())
}
