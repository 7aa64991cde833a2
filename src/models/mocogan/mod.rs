//! MoCoGAN: videos from a content code and a sequence of motion codes (Tulyakov et al. 2018,
//! arXiv:1707.04993; sergeytulyakov/mocogan at 937a99d), and the variant of seed document 002.
//!
//! ```text
//! z_t = z_content ⊕ z_category ⊕ z_motion,t       x_t = G(z_t)
//! D_I judges single frames, D_V judges videos and may name their category
//! ```
//!
//! Deviations of the document from MoCoGAN, kept behind [`Motion::Lstm`](crate::config::model::mocogan::Motion):
//! motion comes from an LSTM and stands before the content, the video is cut out of a longer one,
//! frames are 96×96. Parameters have the original's names below `generator`, `image_discriminator` and
//! `video_discriminator`.
//!
//! # Training
//! [`Mocogan`] is the type to start from. One iteration of the original's `Trainer.train` is three
//! updates, each on fresh samples, with an optimizer of its own over the module of that name:
//!
//! ```text
//! for network in MocoganNetwork::ORDER {              // image discriminator, video discriminator, generator
//!     params.zero_grad();
//!     let loss = training::loss(&model, network, &real, &mut random);
//!     loss.backward();
//!     optimizers[network].step(&params);        // Adam::of_module(spec, &params, network.module())
//! }
//! ```
//!
//! The names of the three optimizers' moments do not meet, so one list of named tensors holds them all;
//! each has taken as many updates as there were iterations. Videos are made by
//! [`generator::VideoGenerator::sample_videos`], in [`Mode::Eval`](crate::nn::Mode) for pictures.

pub mod discriminator;
pub mod generator;
pub mod motion;
pub mod training;

use crate::{
    config::model::{
        MocoganSpec,
        mocogan::{CategoryLoss, ImageDiscriminator, VideoDiscriminator},
    },
    nn::params::{Builder, Path},
};

pub use discriminator::Discriminator;
pub use generator::VideoGenerator;
pub use training::MocoganNetwork;

/// The three networks.
#[derive(Debug)]
pub struct Mocogan {
    /// Makes frames and videos.
    pub generator: VideoGenerator,
    /// Judges frames.
    pub image_discriminator: Discriminator,
    /// Judges videos.
    pub video_discriminator: Discriminator,
    /// Whether the video discriminator learns the categories of real videos.
    pub real_categories: CategoryLoss,
    /// Whether the generator learns to make its categories recognizable.
    pub generated_categories: CategoryLoss,
}

impl Mocogan {
    /// Makes all networks.
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
    discriminator::DiscriminatorSizes { channels, width, judgements: 1, categories }
}

#[cfg(test)]
mod tests;
