//! VGG encoder and decoder for 64×64 and 128×128 frames (edenton/svg `models/vgg_64.py` and
//! `models/vgg_128.py` at 3f19f0b).
//!
//! ```text
//! encoder                side, channels  layers      decoder (⊕ skip)      layers
//! VGG-64        c1       64     w        2           upc5  2·w   → w       1, then the output
//!               c2       32    2w        2           upc4  2·2w  → w       2
//!               c3       16    4w        3           upc3  2·4w  → 2w      3
//!               c4        8    8w        3           upc2  2·8w  → 4w      3
//!               c5        1   g_dim      4×4 → 1×1   upc1  g_dim → 8w      1×1 → 4×4
//! ```
//! VGG-128 has one more block of 8w channels before the code: `c1` … `c6`, and `upc1` … `upc6` in the
//! decoder. w is `width` (64 in the original). Without skip connections the decoder's blocks take half
//! as many channels.

use tch::Tensor;

use super::init::{AFFINE_INIT, BATCH_NORM_INIT};
use crate::nn::{
    Mode,
    joined::JoinedConv,
    layers::{BatchNorm, Conv2d, ConvTranspose2d, SquareWindow, leaky_relu_in_place},
    params::Path,
};
use reprise_base::config::model::cvae::SkipRule;

/// Sides of a frame: those of VGG-64 and VGG-128.
pub const VGG_SIDES: [usize; 2] = [64, 128];
/// Slope of every LeakyReLU.
const LEAKY_SLOPE: f64 = 0.2;
/// A 3×3 convolution that preserves the size.
const SAME: SquareWindow = SquareWindow { kernel: 3, stride: 1, padding: 1 };
/// Side of the map between the blocks and the code.
const CODED_SIDE: i64 = 4;
/// A convolution of a 4×4 map to 1×1, or its transpose.
const POOL_ALL: SquareWindow = SquareWindow { kernel: 4, stride: 1, padding: 0 };

/// Sizes of encoder and decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VggSizes {
    /// Height and width of a frame, one of [`VGG_SIDES`].
    pub side: i64,
    /// Channels of a frame: 3 in the original.
    pub channels: i64,
    /// Channels of the encoder's first block and of the decoder's last one.
    pub width: i64,
    /// Length of a code.
    pub g_dim: i64,
}

impl VggSizes {
    /// Returns the channels of the encoder's blocks, the first one first.
    fn channels_of_blocks(self) -> Vec<i64> {
        let blocks = (self.side / CODED_SIDE).ilog2();
        (0..blocks).map(|k| self.width * 2_i64.pow(k.min(3))).collect()
    }
}

/// Number of layers of the block at depth k, counted from the frame.
fn layers_of_encoder(k: usize) -> usize {
    if k < 2 { 2 } else { 3 }
}

/// The same for the decoder, whose last block ends in the output instead of a second layer.
fn layers_of_decoder(k: usize) -> usize {
    (k + 1).min(3)
}

/// Activations of the encoder's blocks, of sides 64, 32, 16 and 8 in VGG-64.
#[derive(Debug)]
pub struct Skip(pub Vec<Tensor>);

impl Skip {
    /// Returns a shallow clone.
    #[must_use]
    pub fn share(&self) -> Self {
        Self(self.0.iter().map(Tensor::shallow_clone).collect())
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

/// Encodes a frame `[B, C, H, W]` into a vector `[B, g_dim]` in (−1, 1) and its skip activations.
#[derive(Debug)]
pub struct VggEncoder {
    blocks: Vec<Vec<VggLayer>>,
    conv: Conv2d,
    norm: BatchNorm,
    g_dim: i64,
}

impl VggEncoder {
    /// Creates `c1` … `c5`, in VGG-128 `c6`.
    pub fn new(path: &Path<'_>, sizes: VggSizes) -> Self {
        let VggSizes { channels, g_dim, .. } = sizes;
        let mut inputs = channels;
        let mut blocks = Vec::new();
        for (k, outputs) in sizes.channels_of_blocks().into_iter().enumerate() {
            let mut channels = vec![outputs; layers_of_encoder(k) + 1];
            channels[0] = inputs;
            blocks.push(block(&path.sub(&format!("c{}", k + 1)), &channels));
            inputs = outputs;
        }
        let code = path.sub(&format!("c{}", blocks.len() + 1));
        Self {
            blocks,
            conv: Conv2d::new(&code.sub("0"), [inputs, g_dim], POOL_ALL, AFFINE_INIT),
            norm: BatchNorm::new(&code.sub("1"), g_dim, BATCH_NORM_INIT),
            g_dim,
        }
    }

    /// Returns the code and the activations of the blocks.
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
        let mut h = x.shallow_clone();
        let mut activations = Vec::new();
        for block in &self.blocks {
            let h_k = through(block, &h, norm); // [B, min(2^k, 8) w, H / 2^k, W / 2^k]
            h = pool(&h_k);
            activations.push(h_k);
        }
        let code = norm(&self.norm, &self.conv.forward(&h)).tanh(); // [B, g, 1, 1]
        (code.view([-1, self.g_dim]), Skip(activations))
    }
}

/// Decodes a vector `[B, g_dim]` with skip activations into a frame `[B, C, H, W]` in (0, 1).
#[derive(Debug)]
pub struct VggDecoder {
    expand: ConvTranspose2d,
    norm: BatchNorm,
    /// The block of the smallest map first.
    blocks: Vec<Vec<VggLayer>>,
    output: ConvTranspose2d,
    g_dim: i64,
}

impl VggDecoder {
    /// Creates `upc1` … `upc5`, in VGG-128 `upc6`, with or without input channels for skip
    /// activations.
    pub fn new(path: &Path<'_>, sizes: VggSizes, rule: SkipRule) -> Self {
        let VggSizes { channels, width, g_dim, .. } = sizes;
        let joined = match rule {
            SkipRule::LastGroundTruth | SkipRule::LastFrame => 2,
            SkipRule::None => 1,
        };
        let of_blocks = sizes.channels_of_blocks();
        let last = of_blocks.len() - 1;
        let upc = |k: usize| path.sub(&format!("upc{}", last + 2 - k));
        let blocks = (0..=last).rev().map(|k| {
            let mut channels = vec![of_blocks[k]; layers_of_decoder(k) + 1];
            channels[0] = joined * of_blocks[k];
            *channels.last_mut().expect("a block has a layer") = of_blocks[k.saturating_sub(1)];
            block(&upc(k), &channels)
        });
        let (upc1, end) = (path.sub("upc1"), upc(0));
        let expanded = of_blocks[last];
        Self {
            expand: ConvTranspose2d::new(&upc1.sub("0"), [g_dim, expanded], POOL_ALL, AFFINE_INIT),
            norm: BatchNorm::new(&upc1.sub("1"), expanded, BATCH_NORM_INIT),
            blocks: blocks.collect(),
            output: ConvTranspose2d::new(&end.sub("1"), [width, channels], SAME, AFFINE_INIT),
            g_dim,
        }
    }

    /// Returns the frame. `skip` must be given if, and only if, the decoder was made for it.
    pub fn forward(&self, g: &Tensor, skip: Option<&Skip>, mode: Mode) -> Tensor {
        let norm: Normalize<'_, '_> = &mut |norm, x| norm.forward(x, mode);
        let mut map = self.expand(g, norm); // [B, 8w, 4, 4]
        for (index, block) in self.blocks.iter().enumerate() {
            let side = 2 * map.size()[2];
            let enlarged = map.upsample_nearest2d([side, side], 2.0, 2.0);
            let input = match skip {
                Some(Skip(h)) => Tensor::cat(&[&enlarged, &h[self.blocks.len() - 1 - index]], 1),
                None => enlarged,
            };
            map = through(block, &input, norm);
        }
        self.output.forward(&map).sigmoid()
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
    /// The first convolutions of the blocks; none without skip connections.
    first: Vec<JoinedConv>,
}

/// Contributions of the skip connections to the first convolutions of the blocks.
#[derive(Debug)]
pub(super) struct SharedSkip(Vec<Tensor>);

impl<'a> SharedDecoder<'a> {
    /// Reads the current weights; must be called again after every update.
    pub(super) fn new(decoder: &'a VggDecoder, rule: SkipRule) -> Self {
        let first = match rule {
            SkipRule::LastGroundTruth | SkipRule::LastFrame => {
                decoder.blocks.iter().map(|block| JoinedConv::new(&block[0].conv)).collect()
            }
            SkipRule::None => Vec::new(),
        };
        Self { decoder, first }
    }

    /// Computes the contributions of skip connections.
    pub(super) fn skip(&self, Skip(h): &Skip) -> SharedSkip {
        SharedSkip(self.first.iter().zip(h.iter().rev()).map(|(conv, h)| conv.skip(h)).collect())
    }

    /// Returns the frame, in training mode.
    pub(super) fn forward(&self, g: &Tensor, skip: Option<&SharedSkip>) -> Tensor {
        let Some(SharedSkip(contributions)) = skip else {
            return self.decoder.forward(g, None, Mode::Train);
        };
        let norm: Normalize<'_, '_> = &mut |norm, x| norm.forward(x, Mode::Train);
        let mut d = self.decoder.expand(g, norm);
        for ((block, first), skip) in self.decoder.blocks.iter().zip(&self.first).zip(contributions)
        {
            let d_first = block[0].activate(&first.join(&d, skip), norm);
            d = through(&block[1..], &d_first, norm);
        }
        self.decoder.output.forward(&d).sigmoid()
    }
}
