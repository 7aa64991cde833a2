//! The discriminators of frames and of videos.

use tch::Tensor;

use super::generator::BATCH_NORM_INIT;
use crate::{
    models::{NoisePurpose, RandomSource},
    nn::{
        Mode,
        conv::{Conv, Windows},
        layers::{BatchNorm, leaky_relu},
        params::Path,
    },
};
use reprise_base::config::model::mocogan::InstanceNoise;

/// Slope of every LeakyReLU.
const LEAKY_SLOPE: f64 = 0.2;

/// Halves height and width of a frame.
const HALVE_IMAGE: Windows<2> = Windows { kernel: [4; 2], stride: [2; 2], padding: [1; 2] };
/// Maps 4×4 to one output.
const CLASSIFY_IMAGE: Windows<2> = Windows { kernel: [4; 2], stride: [1; 2], padding: [0; 2] };
/// Halves height and width of a video and shortens it by three frames.
const HALVE_VIDEO: Windows<3> = Windows { kernel: [4; 3], stride: [1, 2, 2], padding: [0, 1, 1] };
/// Maps four frames of 4×4 to one output.
const CLASSIFY_VIDEO: Windows<3> = Windows { kernel: [4; 3], stride: [1; 3], padding: [0; 3] };

/// The original's discriminators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// `ImageDiscriminator`: four blocks, one output per 64×64 frame.
    WholeImage,
    /// `PatchImageDiscriminator`: three blocks, a grid of outputs, noise before the last layer as
    /// well.
    PatchImage,
    /// `VideoDiscriminator`: four blocks, one output per video of 16 frames of 64×64.
    WholeVideo,
    /// `PatchVideoDiscriminator`: three blocks, a grid of outputs.
    PatchVideo,
}

/// Sizes of a [`Discriminator`].
#[derive(Clone, Copy, Debug)]
pub struct DiscriminatorSizes {
    /// Colour channels.
    pub channels: i64,
    /// Channels after the first layer (`ndf`).
    pub width: i64,
    /// Outputs besides categories (`n_output_neurons`), 1 in training.
    pub outputs: i64,
    /// Predicted categories (`dim_categorical`), 0 for none.
    pub categories: i64,
}

/// The output of a discriminator.
#[derive(Debug)]
pub struct Logits {
    /// Logits of being real, without axes of length 1: `[B]` for whole frames or videos, `[B, …]` for
    /// patches, `[B, 1]` with categories.
    pub real: Tensor,
    /// Logits of the K categories `[B, K]`, if they are predicted.
    pub category: Option<Tensor>,
}

/// Noise → convolution → BatchNorm (not in the first block) → LeakyReLU 0.2.
#[derive(Debug)]
struct DiscriminatorBlock {
    conv: Conv,
    norm: Option<BatchNorm>,
}

/// A discriminator (`main`): blocks of 1, 2, 4 (and 8) times `width` channels and a last convolution.
#[derive(Debug)]
pub struct Discriminator {
    blocks: Vec<DiscriminatorBlock>,
    last: Conv,
    noise_on_last: LastNoise,
    noise: InstanceNoise,
    categories: i64,
}

/// Whether noise is added to the input of the last layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastNoise {
    Added,
    None,
}

impl Discriminator {
    /// Creates `main.1`, `main.4`, `main.5`, …; the original's numbering counts its noise layers.
    pub fn new(
        path: &Path<'_>,
        plan: Plan,
        sizes: DiscriminatorSizes,
        noise: InstanceNoise,
    ) -> Self {
        let DiscriminatorSizes { channels, width, outputs: real_outputs, categories } = sizes;
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
        let classified = [outputs, real_outputs + categories];
        let (last, noise_on_last) = match plan {
            Plan::WholeImage => {
                (Conv::new(&place(15), classified, CLASSIFY_IMAGE), LastNoise::None)
            }
            Plan::WholeVideo => {
                (Conv::new(&place(15), classified, CLASSIFY_VIDEO), LastNoise::None)
            }
            Plan::PatchImage => (conv(12, classified), LastNoise::Added),
            Plan::PatchVideo => (conv(11, classified), LastNoise::None),
        };
        Self { blocks, last, noise_on_last, noise, categories }
    }

    /// Classifies frames `[B, C, H, W]` or videos `[B, C, T, H, W]`.
    pub fn forward(&self, x: &Tensor, mode: Mode, random: &mut dyn RandomSource) -> Logits {
        let batch = x.size()[0];
        let mut x = x.shallow_clone();
        for DiscriminatorBlock { conv, norm } in &self.blocks {
            x = conv.forward(&self.with_noise(&x, random));
            if let Some(norm) = norm {
                x = norm.forward(&x, mode);
            }
            x = leaky_relu(&x, LEAKY_SLOPE);
        }
        if self.noise_on_last == LastNoise::Added {
            x = self.with_noise(&x, random);
        }
        let h = self.last.forward(&x).squeeze();
        if self.categories == 0 {
            return Logits { real: h, category: None };
        }
        // Deviation: the original fails for a batch of one, whose axis `squeeze` has removed.
        let h = if batch == 1 { h.unsqueeze(0) } else { h };
        let outputs = h.size()[1] - self.categories;
        Logits {
            real: h.narrow(1, 0, outputs),
            category: Some(h.narrow(1, outputs, self.categories)),
        }
    }

    /// Computes `x + σ ε` with ε ~ N(0, I), in training and in evaluation mode (`Noise`).
    fn with_noise(&self, x: &Tensor, random: &mut dyn RandomSource) -> Tensor {
        match self.noise {
            InstanceNoise::Off => x.shallow_clone(),
            InstanceNoise::Gaussian { sigma } => {
                let epsilon = random.standard_normal(NoisePurpose::Instance, 0, &x.size(), x);
                x + epsilon * sigma.get()
            }
        }
    }
}
