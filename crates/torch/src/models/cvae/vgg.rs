//! VGG-64 encoder and decoder for 64×64 frames (edenton/svg `models/vgg_64.py` at 3f19f0b).
//!
//! The blocks have w, 2w, 4w and 8w channels, where w is `width` (64 in the original).

use tch::Tensor;

use super::init::{AFFINE_INIT, BATCH_NORM_INIT};
use crate::nn::{
    Mode,
    joined::JoinedConv,
    layers::{BatchNorm, Conv2d, ConvTranspose2d, SquareWindow, leaky_relu_in_place},
    params::Path,
};

/// Side of a frame.
pub const VGG_SIDE: usize = 64;
/// Slope of every LeakyReLU.
const LEAKY_SLOPE: f64 = 0.2;
/// A 3×3 convolution that preserves the size.
const SAME: SquareWindow = SquareWindow { kernel: 3, stride: 1, padding: 1 };
/// A convolution of a 4×4 map to 1×1, or its transpose.
const POOL_ALL: SquareWindow = SquareWindow { kernel: 4, stride: 1, padding: 0 };

/// Sizes of encoder and decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VggSizes {
    /// Channels of a frame: 3 in the original.
    pub channels: i64,
    /// Channels of the encoder's first block and of the decoder's last one.
    pub width: i64,
    /// Length of a code.
    pub g_dim: i64,
}

/// Activations of the four encoder blocks, of sides 64, 32, 16 and 8.
#[derive(Debug)]
pub struct Skip(pub [Tensor; 4]);

impl Skip {
    /// Returns a shallow clone.
    #[must_use]
    pub fn share(&self) -> Self {
        Self(self.0.each_ref().map(Tensor::shallow_clone))
    }
}

/// conv 3×3 → BatchNorm → LeakyReLU 0.2 (`vgg_layer`).
#[derive(Debug)]
struct VggLayer {
    conv: Conv2d,
    norm: BatchNorm,
}

impl VggLayer {
    fn new(path: &Path<'_>, channels: [i64; 2]) -> Self {
        let main = path.sub("main");
        Self {
            conv: Conv2d::new(&main.sub("0"), channels, SAME, AFFINE_INIT),
            norm: BatchNorm::new(&main.sub("1"), channels[1], BATCH_NORM_INIT),
        }
    }

    fn forward<'a>(&'a self, x: &Tensor, normalize: Normalize<'a, '_>) -> Tensor {
        self.activate(&self.conv.forward(x), normalize)
    }

    /// Applies BatchNorm → LeakyReLU 0.2 to the result of the convolution.
    fn activate<'a>(&'a self, convolved: &Tensor, normalize: Normalize<'a, '_>) -> Tensor {
        leaky_relu_in_place(&normalize(&self.norm, convolved), LEAKY_SLOPE)
    }
}

/// Applies a BatchNorm: [`BatchNorm::forward`] or a replacement.
pub(super) type Normalize<'a, 'f> = &'f mut dyn FnMut(&'a BatchNorm, &Tensor) -> Tensor;

/// Creates [`VggLayer`]s in sequence, from each channel count to the next.
fn block(path: &Path<'_>, channels: &[i64]) -> Vec<VggLayer> {
    let layer = |(index, pair): (usize, &[i64])| {
        VggLayer::new(&path.sub(&index.to_string()), [pair[0], pair[1]])
    };
    channels.windows(2).enumerate().map(layer).collect()
}

fn through<'a>(block: &'a [VggLayer], x: &Tensor, normalize: Normalize<'a, '_>) -> Tensor {
    block.iter().fold(x.shallow_clone(), |x, layer| layer.forward(&x, normalize))
}

/// Encodes a frame `[B, C, 64, 64]` into a vector `[B, g_dim]` in (−1, 1) and its skip activations.
#[derive(Debug)]
pub struct VggEncoder {
    blocks: [Vec<VggLayer>; 4],
    conv: Conv2d,
    norm: BatchNorm,
    g_dim: i64,
}

impl VggEncoder {
    /// Creates `c1` … `c5`.
    pub fn new(path: &Path<'_>, sizes: VggSizes) -> Self {
        let VggSizes { channels, width: w, g_dim } = sizes;
        let c5 = |path: &Path<'_>| {
            (
                Conv2d::new(&path.sub("0"), [8 * w, g_dim], POOL_ALL, AFFINE_INIT),
                BatchNorm::new(&path.sub("1"), g_dim, BATCH_NORM_INIT),
            )
        };
        let blocks = [
            block(&path.sub("c1"), &[channels, w, w]),
            block(&path.sub("c2"), &[w, 2 * w, 2 * w]),
            block(&path.sub("c3"), &[2 * w, 4 * w, 4 * w, 4 * w]),
            block(&path.sub("c4"), &[4 * w, 8 * w, 8 * w, 8 * w]),
        ];
        let (conv, norm) = c5(&path.sub("c5"));
        Self { blocks, conv, norm, g_dim }
    }

    /// Returns the code and the activations of the four blocks.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> (Tensor, Skip) {
        self.forward_with(x, &mut |norm, x| norm.forward(x, mode))
    }

    /// Same as [`VggEncoder::forward`] with every BatchNorm applied by `norm`.
    pub(super) fn forward_with<'a>(
        &'a self,
        x: &Tensor,
        norm: Normalize<'a, '_>,
    ) -> (Tensor, Skip) {
        let pool = |x: &Tensor| x.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false);
        let [c1, c2, c3, c4] = &self.blocks;
        let h1 = through(c1, x, norm); // [B, w, 64, 64]
        let h2 = through(c2, &pool(&h1), norm); // [B, 2w, 32, 32]
        let h3 = through(c3, &pool(&h2), norm); // [B, 4w, 16, 16]
        let h4 = through(c4, &pool(&h3), norm); // [B, 8w, 8, 8]
        let h5 = norm(&self.norm, &self.conv.forward(&pool(&h4))).tanh(); // [B, g, 1, 1]
        (h5.view([-1, self.g_dim]), Skip([h1, h2, h3, h4]))
    }
}

/// Decodes a vector `[B, g_dim]` with skip activations into a frame `[B, C, 64, 64]` in (0, 1).
#[derive(Debug)]
pub struct VggDecoder {
    expand: ConvTranspose2d,
    norm: BatchNorm,
    blocks: [Vec<VggLayer>; 4],
    output: ConvTranspose2d,
    g_dim: i64,
}

impl VggDecoder {
    /// Creates `upc1` … `upc5`.
    pub fn new(path: &Path<'_>, sizes: VggSizes) -> Self {
        let VggSizes { channels, width: w, g_dim } = sizes;
        let upc1 = path.sub("upc1");
        let upc5 = path.sub("upc5");
        Self {
            expand: ConvTranspose2d::new(&upc1.sub("0"), [g_dim, 8 * w], POOL_ALL, AFFINE_INIT),
            norm: BatchNorm::new(&upc1.sub("1"), 8 * w, BATCH_NORM_INIT),
            blocks: [
                block(&path.sub("upc2"), &[16 * w, 8 * w, 8 * w, 4 * w]),
                block(&path.sub("upc3"), &[8 * w, 4 * w, 4 * w, 2 * w]),
                block(&path.sub("upc4"), &[4 * w, 2 * w, w]),
                block(&upc5, &[2 * w, w]),
            ],
            output: ConvTranspose2d::new(&upc5.sub("1"), [w, channels], SAME, AFFINE_INIT),
            g_dim,
        }
    }

    /// Returns the frame.
    pub fn forward(&self, g: &Tensor, skip: &Skip, mode: Mode) -> Tensor {
        let join = |x: &Tensor, skip: &Tensor| {
            let side = 2 * x.size()[2];
            Tensor::cat(&[&x.upsample_nearest2d([side, side], 2.0, 2.0), skip], 1)
        };
        let norm: Normalize<'_, '_> = &mut |norm, x| norm.forward(x, mode);
        let [h1, h2, h3, h4] = &skip.0;
        let [upc2, upc3, upc4, upc5] = &self.blocks;
        let d1 = self.expand(g, norm); // [B, 8w, 4, 4]
        let d2 = through(upc2, &join(&d1, h4), norm); // [B, 4w, 8, 8]
        let d3 = through(upc3, &join(&d2, h3), norm); // [B, 2w, 16, 16]
        let d4 = through(upc4, &join(&d3, h2), norm); // [B, w, 32, 32]
        let d5 = through(upc5, &join(&d4, h1), norm); // [B, w, 64, 64]
        self.output.forward(&d5).sigmoid()
    }

    /// Maps a code to a 4×4 map (`upc1`).
    fn expand<'a>(&'a self, g: &Tensor, norm: Normalize<'a, '_>) -> Tensor {
        let d1 = self.expand.forward(&g.view([-1, self.g_dim, 1, 1]));
        leaky_relu_in_place(&norm(&self.norm, &d1), LEAKY_SLOPE)
    }
}

/// A [`VggDecoder`] for several frames with the same skip connections, equal to it up to rounding.
/// The contribution of a skip connection to the first convolution of a block is computed once.
#[derive(Debug)]
pub(super) struct SharedDecoder<'a> {
    decoder: &'a VggDecoder,
    first: [JoinedConv; 4],
}

/// Contributions of the skip connections to the first convolutions of the four blocks.
#[derive(Debug)]
pub(super) struct SharedSkip([Tensor; 4]);

impl<'a> SharedDecoder<'a> {
    /// Reads the current weights; must be called again after every update.
    pub(super) fn new(decoder: &'a VggDecoder) -> Self {
        Self { decoder, first: decoder.blocks.each_ref().map(|b| JoinedConv::new(&b[0].conv)) }
    }

    /// Computes the contributions of skip connections.
    pub(super) fn skip(&self, skip: &Skip) -> SharedSkip {
        let [h1, h2, h3, h4] = &skip.0;
        let [upc2, upc3, upc4, upc5] = &self.first;
        SharedSkip([upc2.skip(h4), upc3.skip(h3), upc4.skip(h2), upc5.skip(h1)])
    }

    /// Returns the frame, in training mode.
    pub(super) fn forward(&self, g: &Tensor, skip: &SharedSkip) -> Tensor {
        let norm: Normalize<'_, '_> = &mut |norm, x| norm.forward(x, Mode::Train);
        let mut d = self.decoder.expand(g, norm);
        for ((block, first), skip) in self.decoder.blocks.iter().zip(&self.first).zip(&skip.0) {
            let d_first = block[0].activate(&first.join(&d, skip), norm);
            d = through(&block[1..], &d_first, norm);
        }
        self.decoder.output.forward(&d).sigmoid()
    }
}
