//! The losses of the three networks (`train_discriminator` and `train_generator` of `trainers.py`).

use tch::{Reduction, Tensor};

use super::{Discriminator, Mocogan, MocoganNetwork, discriminator::Logits};
use crate::{models::RandomSource, nn::Mode};
use reprise_base::config::model::mocogan::CategoryLoss;

/// Real frames and videos of one iteration, in [−1, 1].
#[derive(Debug)]
pub struct Real {
    /// `[B_I, C, S, S]`.
    pub images: Tensor,
    /// `[B_V, C, T, S, S]`.
    pub videos: Tensor,
    /// Category of each video `[B_V]`; without it, categories of real videos are not learned.
    pub categories: Option<Tensor>,
}

/// Computes the loss of one network on fresh samples; its gradient and a step of the network's
/// optimizer are an update.
///
/// `D_I` and `D_V` are the discriminators, x real frames, v real videos, x̃ and ṽ as many generated
/// ones; BCE is the binary cross-entropy of logits, CE the cross-entropy of categories (if they are
/// learned):
/// ```text
/// l_I = BCE(D_I(x), 1) + BCE(D_I(x̃), 0)
/// l_V = BCE(D_V(v), 1) + BCE(D_V(ṽ), 0)  [+ CE(category of D_V(v), true category of v)]
/// l_G = BCE(D_I(x̃), 1) + BCE(D_V(ṽ), 1)  [+ CE(category of D_V(ṽ), drawn category of ṽ)]
/// ```
/// BatchNorm is in training mode everywhere, so updates of the discriminators also change the
/// running statistics of the generator. The gradient of `l_G` reaches all networks; those of the
/// discriminators are discarded.
pub fn loss(
    model: &Mocogan,
    network: MocoganNetwork,
    real: &Real,
    random: &mut dyn RandomSource,
) -> Tensor {
    let generator = &model.generator;
    let (images, videos) = (real.images.size()[0], real.videos.size()[0]);
    let frames = generator.video_length();
    match network {
        MocoganNetwork::ImageDiscriminator => {
            let fake = tch::no_grad(|| generator.sample_images(images, Mode::Train, random));
            let (loss, _) =
                discriminator_loss(&model.image_discriminator, &real.images, &fake.frames, random);
            loss
        }
        MocoganNetwork::VideoDiscriminator => {
            let fake =
                tch::no_grad(|| generator.sample_videos(videos, frames, Mode::Train, random));
            let (loss, of_real) =
                discriminator_loss(&model.video_discriminator, &real.videos, &fake.frames, random);
            match (model.real_categories, &real.categories) {
                (CategoryLoss::Added, Some(truth)) => loss + category_loss(&of_real, truth),
                (CategoryLoss::Added | CategoryLoss::Ignored, _) => loss,
            }
        }
        MocoganNetwork::Generator => {
            let fake = generator.sample_images(images, Mode::Train, random);
            let judged = model.image_discriminator.forward(&fake.frames, Mode::Train, random);
            let on_images = bce(&judged.real, Target::Real);

            let fake = generator.sample_videos(videos, frames, Mode::Train, random);
            let judged = model.video_discriminator.forward(&fake.frames, Mode::Train, random);
            let loss = on_images + bce(&judged.real, Target::Real);
            match (model.generated_categories, &fake.latents.categories) {
                (CategoryLoss::Added, Some(drawn)) => loss + category_loss(&judged, drawn),
                (CategoryLoss::Added | CategoryLoss::Ignored, _) => loss,
            }
        }
    }
}

/// The expected output of a discriminator.
#[derive(Clone, Copy, Debug)]
enum Target {
    Real,
    Generated,
}

/// Computes `BCE(D(x), 1) + BCE(D(x̃), 0)`; also returns D(x).
fn discriminator_loss(
    discriminator: &Discriminator,
    real: &Tensor,
    fake: &Tensor,
    random: &mut dyn RandomSource,
) -> (Tensor, Logits) {
    let of_real = discriminator.forward(real, Mode::Train, random);
    let of_fake = discriminator.forward(fake, Mode::Train, random);
    let loss = bce(&of_real.real, Target::Real) + bce(&of_fake.real, Target::Generated);
    (loss, of_real)
}

/// Computes the mean binary cross-entropy (`BCEWithLogitsLoss`).
fn bce(logits: &Tensor, target: Target) -> Tensor {
    let target = match target {
        Target::Real => logits.ones_like(),
        Target::Generated => logits.zeros_like(),
    };
    logits.binary_cross_entropy_with_logits(
        &target,
        None::<Tensor>,
        None::<Tensor>,
        Reduction::Mean,
    )
}

/// Computes the mean cross-entropy of categories (`CrossEntropyLoss`).
fn category_loss(judged: &Logits, truth: &Tensor) -> Tensor {
    /// PyTorch's default; it is not a valid class.
    const IGNORE_INDEX: i64 = -100;
    let logits =
        judged.category.as_ref().expect("a discriminator with a category loss predicts categories");
    let truth = truth.reshape([-1]);
    logits.cross_entropy_loss(&truth, None::<Tensor>, Reduction::Mean, IGNORE_INDEX, 0.0)
}
