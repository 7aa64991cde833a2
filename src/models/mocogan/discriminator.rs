//! The discriminators of frames and videos.

use tch::Tensor;

use super::generator::BATCH_NORM_INIT;
use crate::{
    config::model::mocogan::InstanceNoise,
    models::{NoisePurpose, RandomSource},
    nn::{
        Mode,
        conv::{Conv, Windows},
        layers::{BatchNorm, leaky_relu},
        params::Path,
    },
};

/// Slope of every LeakyReLU.
const LEAKY_SLOPE: f64 = 0.2;

/// Halves height and width of a frame.
const HALVE_IMAGE: Windows<2> = Windows { kernel: [4; 2], stride: [2; 2], padding: [1; 2] };
/// One judgement of a map of 4×4.
const JUDGE_IMAGE: Windows<2> = Windows { kernel: [4; 2], stride: [1; 2], padding: [0; 2] };
/// Halves height and width of a video and shortens it by three frames.
const HALVE_VIDEO: Windows<3> = Windows { kernel: [4; 3], stride: [1, 2, 2], padding: [0, 1, 1] };
/// One judgement of four maps of 4×4.
const JUDGE_VIDEO: Windows<3> = Windows { kernel: [4; 3], stride: [1; 3], padding: [0; 3] };

/// Which of the original's discriminators a network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// `ImageDiscriminator`: four blocks, one judgement of a 64×64 frame.
    WholeImage,
    /// `PatchImageDiscriminator`: three blocks, a grid of judgements from a noisy last layer.
    PatchImage,
    /// `VideoDiscriminator`: four blocks, one judgement of 16 frames of 64×64.
    WholeVideo,
    /// `PatchVideoDiscriminator`: three blocks, a grid of judgements.
    PatchVideo,
}

/// Sizes of a [`Discriminator`].
#[derive(Clone, Copy, Debug)]
pub struct DiscriminatorSizes {
    /// Colour channels.
    pub channels: i64,
    /// Channels after the first layer (`ndf`).
    pub width: i64,
    /// Judgements beside categories (`n_output_neurons`), 1 in training.
    pub judgements: i64,
    /// Categories to be named (`dim_categorical`), 0 for none.
    pub categories: i64,
}

/// What a discriminator says of a batch, as logits.
#[derive(Debug)]
pub struct Logits {
    /// Whether each is real. Axes of extent 1 are gone: `[B]` for whole frames or videos, `[B, …]` for
    /// patches, `[B, 1]` beside categories.
    pub real: Tensor,
    /// Its category `[B, K]`, where the discriminator names it.
    pub category: Option<Tensor>,
}

/// Noise → convolution → BatchNorm (not in the first block) → LeakyReLU 0.2.
#[derive(Debug)]
struct DiscriminatorBlock {
    conv: Conv,
    norm: Option<BatchNorm>,
}

/// A discriminator (`main`): blocks of ndf × 1, 2, 4 (, 8) channels and a last convolution.
#[derive(Debug)]
pub struct Discriminator {
    blocks: Vec<DiscriminatorBlock>,
    last: Conv,
    /// Whether noise is added in front of the last layer as well.
    noise_on_last: LastNoise,
    noise: InstanceNoise,
    categories: i64,
}

/// Whether noise is added in front of the last layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastNoise {
    Added,
    None,
}

impl Discriminator {
    /// Makes `main.1`, `main.4`, `main.5`, …: the original's sequence with its noise layers counted.
    pub fn new(
        path: &Path<'_>,
        plan: Plan,
        sizes: DiscriminatorSizes,
        noise: InstanceNoise,
    ) -> Self {
        let DiscriminatorSizes { channels, width, judgements, categories } = sizes;
        let main = path.sub("main");
        let place = |index: i64| main.sub(&index.to_string());
        let conv = |index: i64, channels: [i64; 2]| match plan {
            Plan::WholeImage | Plan::PatchImage => Conv::new(&place(index), channels, HALVE_IMAGE),
            Plan::WholeVideo | Plan::PatchVideo => Conv::new(&place(index), channels, HALVE_VIDEO),
        };
        let mut blocks = vec![DiscriminatorBlock { conv: conv(1, [channels, width]), norm: None }];
        let count: i64 = match plan {
            Plan::WholeImage | Plan::WholeVideo => 4,
            Plan::PatchImage | Plan::PatchVideo => 3,
        };
        let mut outputs = width;
        for block in 1..count {
            let inputs = outputs;
            outputs = 2 * inputs;
            blocks.push(DiscriminatorBlock {
                conv: conv(4 * block, [inputs, outputs]),
                norm: Some(BatchNorm::new(&place(4 * block + 1), outputs, BATCH_NORM_INIT)),
            });
        }
        let judged = [outputs, judgements + categories];
        let (last, noise_on_last) = match plan {
            Plan::WholeImage => (Conv::new(&place(15), judged, JUDGE_IMAGE), LastNoise::None),
            Plan::WholeVideo => (Conv::new(&place(15), judged, JUDGE_VIDEO), LastNoise::None),
            Plan::PatchImage => (conv(12, judged), LastNoise::Added),
            Plan::PatchVideo => (conv(11, judged), LastNoise::None),
        };
        Self { blocks, last, noise_on_last, noise, categories }
    }

    /// Judges frames `[B, C, H, W]` or videos `[B, C, T, H, W]`.
    pub fn forward(&self, x: &Tensor, mode: Mode, random: &mut dyn RandomSource) -> Logits {
        let batch = x.size()[0];
        let mut x = x.shallow_clone();
        for DiscriminatorBlock { conv, norm } in &self.blocks {
            x = conv.forward(&self.disturbed(&x, random));
            if let Some(norm) = norm {
                x = norm.forward(&x, mode);
            }
            x = leaky_relu(&x, LEAKY_SLOPE);
        }
        if self.noise_on_last == LastNoise::Added {
            x = self.disturbed(&x, random);
        }
        let h = self.last.forward(&x).squeeze();
        if self.categories == 0 {
            return Logits { real: h, category: None };
        }
        // The original loses the batch axis of a batch of one here and stops.
        let h = if batch == 1 { h.unsqueeze(0) } else { h };
        let judgements = h.size()[1] - self.categories;
        Logits {
            real: h.narrow(1, 0, judgements),
            category: Some(h.narrow(1, judgements, self.categories)),
        }
    }

    /// `x + σ ε` with ε ~ N(0, I), in training and in evaluation alike (`Noise`).
    fn disturbed(&self, x: &Tensor, random: &mut dyn RandomSource) -> Tensor {
        match self.noise {
            InstanceNoise::Off => x.shallow_clone(),
            InstanceNoise::Gaussian { sigma } => {
                let epsilon = random.standard_normal(NoisePurpose::Instance, 0, &x.size(), x);
                x + epsilon * sigma.get()
            }
        }
    }
}
