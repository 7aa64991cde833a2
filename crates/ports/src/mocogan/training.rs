//! Iterations of training: losses, first gradients, and the state after.

use std::collections::BTreeMap;

use super::{
    draws::NumberedDraws,
    settings::{categories, extent, instance_noise, side},
};
use crate::{
    integer, number, refused,
    torch::{Capture, Placement, builder, input, load},
    unsupported,
};
use reprise_base::{
    config::{
        model::{
            MocoganSpec,
            mocogan::{CategoryLoss, ImageDiscriminator, Motion, VideoDiscriminator},
        },
        optim::AdamSpec,
    },
    scalar::DecayRate,
};
use reprise_golden::{Case, Outputs, PortError};
use reprise_torch::{
    models::mocogan::{
        Mocogan, MocoganNetwork,
        training::{Real, loss},
    },
    optim::AdamOptimizer,
};

pub(super) fn run(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let spec = spec(case)?;
    let builder = builder(place);
    let model = Mocogan::new(&builder, &spec);
    let mut params = builder.finish();
    load(case, &mut params, place)?;
    let adam = adam(case)?;
    let mut optimizers: BTreeMap<MocoganNetwork, AdamOptimizer> = MocoganNetwork::ORDER
        .map(|network| (network, AdamOptimizer::of_module(adam, &params, network.module())))
        .into();
    let mut draws = NumberedDraws::new(case, place);
    let mut losses: BTreeMap<MocoganNetwork, Vec<f64>> = BTreeMap::new();
    let mut capture = Capture::default();
    for iteration in 0..case.config.usize("train_batches")? {
        let real = real(case, place, iteration)?;
        for (network, optimizer) in &mut optimizers {
            params.zero_grad();
            let loss = loss(&model, *network, &real, &mut draws);
            loss.backward();
            losses.entry(*network).or_default().push(loss.double_value(&[]));
            if iteration == 0 {
                let own = format!("{}.", network.module());
                capture.gradients_where(&params, |name| name.starts_with(&own));
            }
            optimizer.step(&params);
        }
    }
    draws.finish()?;
    capture.after(&params);
    for (network, values) in losses {
        let name = match network {
            MocoganNetwork::ImageDiscriminator => "l_image_dis",
            MocoganNetwork::VideoDiscriminator => "l_video_dis",
            MocoganNetwork::Generator => "l_gen",
        };
        capture.vector(case, name, values, place.precision);
    }
    Ok(capture.finish())
}

fn real(case: &Case, place: Placement, iteration: usize) -> Result<Real, PortError> {
    let of = |what: &str| input(case, &format!("real/{iteration}/{what}"), place);
    let categories = format!("real/{iteration}/categories");
    Ok(Real {
        images: of("images")?,
        videos: of("videos")?,
        categories: match case.tensor_spec(&categories) {
            Some(_) => Some(of("categories")?),
            None => None,
        },
    })
}

fn spec(case: &Case) -> Result<MocoganSpec, PortError> {
    let config = &case.config;
    let spec = MocoganSpec {
        video_length: integer(case, "video_length")?,
        side: side(case, "generator.main.0.weight")?,
        channels: integer(case, "n_channels")?,
        content_size: integer(case, "dim_z_content")?,
        categories: categories(case)?,
        motion_size: integer(case, "dim_z_motion")?,
        motion: Motion::Gru,
        generator_width: integer(case, "ngf")?,
        discriminator_width: integer(case, "ndf")?,
        image_discriminator: match config.str("image_discriminator")? {
            "ImageDiscriminator" => ImageDiscriminator::Whole,
            "PatchImageDiscriminator" => ImageDiscriminator::Patch,
            other => return Err(unsupported(case, format!("image discriminator `{other}`"))),
        },
        video_discriminator: match config.str("video_discriminator")? {
            "VideoDiscriminator" => VideoDiscriminator::Whole,
            "PatchVideoDiscriminator" => VideoDiscriminator::Patch,
            "CategoricalVideoDiscriminator" => VideoDiscriminator::Categorical {
                real_categories: category_loss(case, "use_categories")?,
                generated_categories: category_loss(case, "use_infogan")?,
            },
            other => return Err(unsupported(case, format!("video discriminator `{other}`"))),
        },
        instance_noise: instance_noise(case)?,
        image_batch: extent(case, "real/0/images", 0)?,
        ..MocoganSpec::default()
    };
    spec.check().map_err(refused)?;
    Ok(spec)
}

fn category_loss(case: &Case, key: &str) -> Result<CategoryLoss, PortError> {
    Ok(if case.config.bool(key)? { CategoryLoss::Added } else { CategoryLoss::Ignored })
}

fn adam(case: &Case) -> Result<AdamSpec, PortError> {
    // The defaults are those of `trainers.py`.
    let mut spec = MocoganSpec::original_optimizer();
    let states = |key| case.config.contains(key);
    if states("betas") {
        let rate = |value: f64| DecayRate::try_from(value).map_err(refused);
        let &[beta1, beta2] = case.config.f64s("betas")?.as_slice() else {
            return Err(unsupported(case, "Adam with other than two decay rates"));
        };
        (spec.beta1, spec.beta2) = (rate(beta1)?, rate(beta2)?);
    }
    if states("lr") {
        spec.learning_rate = number(case, "lr")?;
    }
    if states("adam_eps") {
        spec.epsilon = number(case, "adam_eps")?;
    }
    if states("weight_decay") {
        spec.weight_decay = number(case, "weight_decay")?;
    }
    Ok(spec)
}
