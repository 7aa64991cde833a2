//! The discriminators, forward and backward.

use super::{
    draws::NumberedDraws,
    settings::{extent, instance_noise},
};
use crate::{
    torch::{Capture, Placement, builder, inner, input, leaf, load},
    unsupported,
};
use reprise_golden::{Case, Outputs, PortError};
use reprise_torch::{
    models::mocogan::{
        Discriminator,
        discriminator::{DiscriminatorSizes, Logits, Plan},
    },
    nn::Mode,
};

pub(super) fn run(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let (plan, last) = plan(case)?;
    let categories = if case.config.contains("dim_categorical") {
        case.config.i64("dim_categorical")?
    } else {
        0
    };
    let outputs: i64 = extent(case, last, 0)?;
    let sizes = DiscriminatorSizes {
        channels: extent(case, FIRST, 1)?,
        width: extent(case, FIRST, 0)?,
        outputs: outputs - categories,
        categories,
    };
    if categories < 0 || sizes.outputs < 1 {
        return Err(unsupported(case, format!("{categories} categories of {outputs} outputs")));
    }
    let builder = builder(place);
    let discriminator = Discriminator::new(&builder.root(), plan, sizes, instance_noise(case)?);
    let mut params = builder.finish();
    load(case, &mut params, place)?;

    let x = leaf(case, "input", place)?;
    let mut draws = NumberedDraws::new(case, place);
    let Logits { real, category } = discriminator.forward(&x, Mode::Train, &mut draws);
    let mut capture = Capture::default();
    capture.tensor("output", &real);
    let mut scalar = inner(&input(case, "cotangent", place)?, &real);
    if let Some(category) = &category {
        capture.tensor("categ", category);
        scalar += inner(&input(case, "cotangent_categ", place)?, category);
    }
    scalar.backward();
    capture.tensor("scalar", &scalar);
    capture.tensor("grad/input", &x.grad());
    capture.gradients(&params);
    capture.after(&params);
    if case.outputs().iter().any(|output| output.name.starts_with("eval/")) {
        let Logits { real, category } = discriminator.forward(&x, Mode::Eval, &mut draws);
        capture.tensor("eval/output", &real);
        if let Some(category) = &category {
            capture.tensor("eval/categ", category);
        }
    }
    draws.finish()?;
    Ok(capture.finish())
}

/// The first convolution of every discriminator.
const FIRST: &str = "main.1.weight";

/// Distinguishes the four networks by the rank of their first kernel and the index of their last layer.
fn plan(case: &Case) -> Result<(Plan, &'static str), PortError> {
    let axes = case.tensor_spec(FIRST).map_or(0, |spec| spec.shape.len());
    let has = |name: &str| case.tensor_spec(name).is_some();
    match axes {
        4 if has("main.15.weight") => Ok((Plan::WholeImage, "main.15.weight")),
        4 => Ok((Plan::PatchImage, "main.12.weight")),
        5 if has("main.15.weight") => Ok((Plan::WholeVideo, "main.15.weight")),
        5 => Ok((Plan::PatchVideo, "main.11.weight")),
        axes => Err(unsupported(case, format!("a discriminator with kernels of {axes} axes"))),
    }
}
