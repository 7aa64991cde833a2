//! MoCoGAN: videos from a content code and a sequence of motion codes (Tulyakov et al. 2018,
//! arXiv:1707.04993; sergeytulyakov/mocogan at 937a99d), and its variant from the assignment MP5.
//!
//! ```text
//! z_t = z_content ⊕ z_category ⊕ z_motion,t       x_t = G(z_t)
//! ```
//! The generator G maps a latent code `z_t` to a frame `x_t`. The image discriminator `D_I`
//! classifies single frames as real or generated; the video discriminator `D_V` classifies videos
//! and may predict their category.
//!
//! Deviations of the assignment from MoCoGAN, selected by
//! [`Motion::Lstm`](reprise_base::config::model::mocogan::Motion): motion codes come from an LSTM and
//! precede the content code, the video is cut out of a longer sequence, frames are 96×96.
//! Parameters have the original's names below `generator`, `image_discriminator` and
//! `video_discriminator`.
//!
//! Start from [`Mocogan`]. One iteration of the original's `Trainer.train` is three updates, each on
//! fresh samples and with an optimizer for the parameters of that network only:
//!
//! ```text
//! for network in MocoganNetwork::ORDER {
//!     params.zero_grad();
//!     let loss = training::loss(&model, network, &real, &mut random);
//!     loss.backward();
//!     optimizers[network].step(&params);
//! }
//! ```

pub mod discriminator;
pub mod generator;
pub mod motion;
pub mod training;

use crate::nn::params::{Builder, Path};
use reprise_base::config::model::{
    MocoganSpec,
    mocogan::{CategoryLoss, ImageDiscriminator, VideoDiscriminator},
};

pub use discriminator::Discriminator;
pub use generator::VideoGenerator;

/// The three networks.
#[derive(Debug)]
pub struct Mocogan {
    pub generator: VideoGenerator,
    pub image_discriminator: Discriminator,
    pub video_discriminator: Discriminator,
    /// Whether the video discriminator learns the categories of real videos.
    pub real_categories: CategoryLoss,
    /// Whether the generator learns the categories of its videos.
    pub generated_categories: CategoryLoss,
}

/// A network with updates of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MocoganNetwork {
    ImageDiscriminator,
    VideoDiscriminator,
    Generator,
}

impl MocoganNetwork {
    /// The order of the updates in one iteration.
    pub const ORDER: [Self; 3] =
        [Self::ImageDiscriminator, Self::VideoDiscriminator, Self::Generator];

    /// Returns the name of the module that holds the network's parameters.
    pub const fn module(self) -> &'static str {
        match self {
            Self::ImageDiscriminator => "image_discriminator",
            Self::VideoDiscriminator => "video_discriminator",
            Self::Generator => "generator",
        }
    }
}

impl Mocogan {
    /// Creates all networks.
    pub fn new(builder: &Builder, spec: &MocoganSpec) -> Self {
        let path = |network: MocoganNetwork| builder.module(network.module());
        let generator = path(MocoganNetwork::Generator);
        let (real_categories, generated_categories) = match spec.video_discriminator {
            VideoDiscriminator::Categorical { real_categories, generated_categories } => {
                (real_categories, generated_categories)
            }
            VideoDiscriminator::Whole | VideoDiscriminator::Patch => {
                (CategoryLoss::Ignored, CategoryLoss::Ignored)
            }
        };
        Self {
            generator: VideoGenerator::new(
                &generator.sub(motion::module(&spec.motion)),
                &generator.sub("main"),
                spec,
            ),
            image_discriminator: image_discriminator(
                &path(MocoganNetwork::ImageDiscriminator),
                spec,
            ),
            video_discriminator: video_discriminator(
                &path(MocoganNetwork::VideoDiscriminator),
                spec,
            ),
            real_categories,
            generated_categories,
        }
    }
}

fn image_discriminator(path: &Path<'_>, spec: &MocoganSpec) -> Discriminator {
    let plan = match spec.image_discriminator {
        ImageDiscriminator::Whole => discriminator::Plan::WholeImage,
        ImageDiscriminator::Patch => discriminator::Plan::PatchImage,
    };
    Discriminator::new(path, plan, sizes(spec, 0), spec.instance_noise)
}

fn video_discriminator(path: &Path<'_>, spec: &MocoganSpec) -> Discriminator {
    let (plan, categories) = match spec.video_discriminator {
        VideoDiscriminator::Whole => (discriminator::Plan::WholeVideo, 0),
        VideoDiscriminator::Patch => (discriminator::Plan::PatchVideo, 0),
        VideoDiscriminator::Categorical { .. } => {
            (discriminator::Plan::WholeVideo, spec.categories.size())
        }
    };
    Discriminator::new(path, plan, sizes(spec, categories), spec.instance_noise)
}

fn sizes(spec: &MocoganSpec, categories: i64) -> discriminator::DiscriminatorSizes {
    let (channels, width) = (spec.channels.size(), spec.discriminator_width.size());
    discriminator::DiscriminatorSizes { channels, width, outputs: 1, categories }
}

#[cfg(test)]
mod tests;
