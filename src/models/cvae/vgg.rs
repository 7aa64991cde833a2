//! VGG-64 encoder and decoder (edenton/svg `models/vgg_64.py` at 3f19f0b), 64×64 RGB.
//!
//! The channel plan is 64, 128, 256, 512 in the original; `width` scales it.

use tch::Tensor;

use super::{AFFINE_INIT, BATCH_NORM_INIT};
use crate::nn::{
    Mode,
    layers::{BatchNorm, Conv2d, ConvTranspose2d, Window, leaky_relu},
    params::Path,
};

/// Side of the frames that the networks are built for.
pub const VGG_SIDE: usize = 64;
/// Colour channels of a frame.
pub const VGG_CHANNELS: usize = 3;
/// Slope of every LeakyReLU.
const LEAKY_SLOPE: f64 = 0.2;
/// 3×3, size kept.
const SAME: Window = Window { kernel: 3, stride: 1, padding: 1 };
/// 4×4 to 1×1 and back.
const POOL_ALL: Window = Window { kernel: 4, stride: 1, padding: 0 };

/// Activations of the four encoder blocks: 64×64, 32×32, 16×16, 8×8.
#[derive(Debug)]
pub struct Skip(pub [Tensor; 4]);

impl Skip {
    /// Returns another handle on the same activations.
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

    fn forward(&self, x: &Tensor, mode: Mode) -> Tensor {
        leaky_relu(&self.norm.forward(&self.conv.forward(x), mode), LEAKY_SLOPE)
    }
}

/// A sequence of [`VggLayer`]s through the given channels.
fn block(path: &Path<'_>, channels: &[i64]) -> Vec<VggLayer> {
    let layer = |(index, pair): (usize, &[i64])| {
        VggLayer::new(&path.sub(&index.to_string()), [pair[0], pair[1]])
    };
    channels.windows(2).enumerate().map(layer).collect()
}

fn through(block: &[VggLayer], x: &Tensor, mode: Mode) -> Tensor {
    block.iter().fold(x.shallow_clone(), |x, layer| layer.forward(&x, mode))
}

/// Encodes a frame `[B, 3, 64, 64]` into a vector `[B, g_dim]` in (−1, 1) and its skip activations.
#[derive(Debug)]
pub struct VggEncoder {
    blocks: [Vec<VggLayer>; 4],
    conv: Conv2d,
    norm: BatchNorm,
    g_dim: i64,
}

impl VggEncoder {
    /// Makes `c1` … `c5`; `width` is the channel count of the first block.
    pub fn new(path: &Path<'_>, width: i64, g_dim: i64) -> Self {
        let w = width;
        let c5 = |path: &Path<'_>| {
            (
                Conv2d::new(&path.sub("0"), [8 * w, g_dim], POOL_ALL, AFFINE_INIT),
                BatchNorm::new(&path.sub("1"), g_dim, BATCH_NORM_INIT),
            )
        };
        let blocks = [
            block(&path.sub("c1"), &[3, w, w]),
            block(&path.sub("c2"), &[w, 2 * w, 2 * w]),
            block(&path.sub("c3"), &[2 * w, 4 * w, 4 * w, 4 * w]),
            block(&path.sub("c4"), &[4 * w, 8 * w, 8 * w, 8 * w]),
        ];
        let (conv, norm) = c5(&path.sub("c5"));
        Self { blocks, conv, norm, g_dim }
    }

    /// Returns the code and the activations of the four blocks.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> (Tensor, Skip) {
        let pool = |x: &Tensor| x.max_pool2d([2, 2], [2, 2], [0, 0], [1, 1], false);
        let [c1, c2, c3, c4] = &self.blocks;
        let h1 = through(c1, x, mode); // [B, w, 64, 64]
        let h2 = through(c2, &pool(&h1), mode); // [B, 2w, 32, 32]
        let h3 = through(c3, &pool(&h2), mode); // [B, 4w, 16, 16]
        let h4 = through(c4, &pool(&h3), mode); // [B, 8w, 8, 8]
        let h5 = self.norm.forward(&self.conv.forward(&pool(&h4)), mode).tanh(); // [B, g, 1, 1]
        (h5.view([-1, self.g_dim]), Skip([h1, h2, h3, h4]))
    }
}

/// Decodes a vector `[B, g_dim]` with skip activations into a frame `[B, 3, 64, 64]` in (0, 1).
#[derive(Debug)]
pub struct VggDecoder {
    expand: ConvTranspose2d,
    norm: BatchNorm,
    blocks: [Vec<VggLayer>; 4],
    output: ConvTranspose2d,
    g_dim: i64,
}

impl VggDecoder {
    /// Makes `upc1` … `upc5`; `width` is the channel count of the last block.
    pub fn new(path: &Path<'_>, width: i64, g_dim: i64) -> Self {
        let w = width;
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
            output: ConvTranspose2d::new(&upc5.sub("1"), [w, 3], SAME, AFFINE_INIT),
            g_dim,
        }
    }

    /// Returns the frame.
    pub fn forward(&self, g: &Tensor, skip: &Skip, mode: Mode) -> Tensor {
        let join = |x: &Tensor, skip: &Tensor| {
            let side = 2 * x.size()[2];
            Tensor::cat(&[&x.upsample_nearest2d([side, side], 2.0, 2.0), skip], 1)
        };
        let [h1, h2, h3, h4] = &skip.0;
        let [upc2, upc3, upc4, upc5] = &self.blocks;
        let d1 = self.expand.forward(&g.view([-1, self.g_dim, 1, 1]));
        let d1 = leaky_relu(&self.norm.forward(&d1, mode), LEAKY_SLOPE); // [B, 8w, 4, 4]
        let d2 = through(upc2, &join(&d1, h4), mode); // [B, 4w, 8, 8]
        let d3 = through(upc3, &join(&d2, h3), mode); // [B, 2w, 16, 16]
        let d4 = through(upc4, &join(&d3, h2), mode); // [B, w, 32, 32]
        let d5 = through(upc5, &join(&d4, h1), mode); // [B, w, 64, 64]
        self.output.forward(&d5).sigmoid()
    }
}
