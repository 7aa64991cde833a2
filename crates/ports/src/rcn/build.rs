//! The whole network: layers, loss, gradients, steps of an optimizer, and shapes alone.

use tch::{Device, Kind, Tensor};

use super::component::{channels_last, channels_second, shape, variable};
use crate::{
    integer, number, refused, renamed,
    torch::{Capture, Placement, builder, input},
    unsupported,
};
use reprise_base::{
    config::{
        model::rcn::{Activation, Keep},
        optim::{AdagradSpec, GradientDescentForm, GradientDescentSpec, OptimizerSpec},
    },
    scalar::{Count, Positive},
};
use reprise_golden::{
    Case, OutputSpec, Outputs, PortError, Precision, Tensor as Values, TensorData,
};
use reprise_torch::{
    models::rcn::{
        Activations, DropoutPass, DropoutUniforms, HIDDEN_UNITS, Rcn, RcnSizes, RcnVariant,
        training::{KeypointBatch, objective, rmse, rmse_pixels},
    },
    optim::Optimizer,
};

/// Training on one batch.
pub(super) fn run(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let sizes = sizes(case)?;
    let builder = builder(place);
    let model = Rcn::new(
        &builder,
        RcnVariant { activation: activation(case)?, ..RcnVariant::default() },
        sizes,
    );
    let mut params = builder.finish();
    renamed::load(case, &mut params, variable, place)?;
    let batch = KeypointBatch {
        images: channels_second(&input(case, "in_images", place)?),
        positions: input(case, "position", place)?,
    };
    let drops = case.config.contains("dropout") && case.config.bool("dropout")?;
    let keep =
        Keep { flat: keep(case, "dropout_keep_prob")?, hidden: keep(case, "fc1_keep_prob")? };

    let steps = if case.config.contains("steps") { case.config.usize("steps")? } else { 0 };
    let mut optimizer =
        if steps > 0 { Some(Optimizer::new(optimizer(case)?, &params)) } else { None };
    let mut capture = Capture::default();
    let mut losses = Vec::new();
    for step in 0..=steps {
        let uniforms = if drops { Some(uniforms(case, step, place)?) } else { None };
        let pass = match &uniforms {
            Some(uniforms) => DropoutPass::Drawn { keep, uniforms },
            None => DropoutPass::Off,
        };
        params.zero_grad();
        let objective = objective(&model, &batch, &pass);
        losses.push(objective.loss.double_value(&[]));
        if step == 0 {
            objective.loss.backward();
            for (name, layer) in layers(&objective.activations) {
                capture.tensor(format!("layer/{name}"), &layer);
            }
            renamed::gradients(&mut capture, &params, variable);
        } else if step < steps {
            objective.loss.backward();
        }
        if let Some(optimizer) = optimizer.as_mut().filter(|_| step < steps) {
            optimizer.step(&params);
        }
    }
    renamed::after(&mut capture, &params, variable);
    for (name, of) in [
        ("loss", std::convert::identity as fn(f64) -> f64),
        ("rmse", rmse),
        ("rmse_pixels", rmse_pixels),
    ] {
        let len = case.output_spec(name).map_or(0, OutputSpec::len);
        let values = losses.iter().take(len).map(|&loss| of(loss)).collect();
        capture.vector(case, name, values, place.precision);
    }
    Ok(capture.finish())
}

fn sizes(case: &Case) -> Result<RcnSizes, PortError> {
    let [_, height, width, channels] = shape(case, "in_images")
        .ok_or_else(|| unsupported(case, "pictures that are not [B, H, W, C]"))?;
    let [_, coordinates] = shape(case, "position")
        .ok_or_else(|| unsupported(case, "positions that are not [B, n]"))?;
    fitting(case, RcnSizes { height, width, channels, hidden: HIDDEN_UNITS, coordinates })
}

/// Largest side of a picture: beyond it the first fully connected layer has over a gigabyte.
const SIDE_MAX: i64 = 320;

fn fitting(case: &Case, sizes: RcnSizes) -> Result<RcnSizes, PortError> {
    let sides = [sizes.height, sizes.width];
    if sizes.fit() && sides.iter().all(|side| (1..=SIDE_MAX).contains(side)) {
        Ok(sizes)
    } else {
        Err(unsupported(
            case,
            format!("pictures of {sides:?} pixels, no multiples of 8 to {SIDE_MAX}"),
        ))
    }
}

fn activation(case: &Case) -> Result<Activation, PortError> {
    if !case.config.contains("activation") {
        return Ok(Activation::Tanh);
    }
    match case.config.str("activation")? {
        "tanh" => Ok(Activation::Tanh),
        "relu" => Ok(Activation::Relu),
        other => Err(unsupported(case, format!("activation `{other}`"))),
    }
}

fn keep(case: &Case, key: &str) -> Result<reprise_base::scalar::KeepProbability, PortError> {
    let defaults = Keep::default();
    match (case.config.contains(key), key) {
        (true, _) => number(case, key),
        (false, "dropout_keep_prob") => Ok(defaults.flat),
        (false, _) => Ok(defaults.hidden),
    }
}

/// The dropout draws of a step; without draws of its own those of all steps.
fn uniforms(case: &Case, step: usize, place: Placement) -> Result<DropoutUniforms, PortError> {
    let drawn = |name: &str| {
        let own = format!("noise/{name}/{step}");
        let name = if case.tensor_spec(&own).is_some() { own } else { format!("noise/{name}") };
        input(case, &name, place)
    };
    Ok(DropoutUniforms { flat: drawn("flat_drop")?, hidden: drawn("fc1_drop")? })
}

/// Layers under the original's names, in its layout.
fn layers(activations: &Activations) -> Vec<(&'static str, Tensor)> {
    let Activations { branches, pooled, upsampled, merged, hidden, hidden_kept, coordinates } =
        activations;
    let maps: [(&[&'static str], &[Tensor]); 4] = [
        (&["conv1_4", "conv1_3", "conv1_2", "conv1_1"], branches),
        (&["conv1_4_p", "conv1_3_p", "conv1_2_p"], pooled),
        (&["conv2_1", "conv2_2", "conv2_3"], upsampled),
        (&["conv2_1_c", "conv2_2_c", "conv2_3_c"], merged),
    ];
    let maps = maps.into_iter().flat_map(|(names, maps)| names.iter().zip(maps));
    let vectors = [("fc1", hidden), ("fc1_drop", hidden_kept), ("fc2", coordinates)];
    maps.map(|(&name, map)| (name, channels_last(map)))
        .chain(vectors.map(|(name, vector)| (name, vector.shallow_clone())))
        .collect()
}

/// Reads `optimizer`, e.g. `AdagradOptimizer (initial_accumulator_value 0.1)`, and `lr`.
fn optimizer(case: &Case) -> Result<OptimizerSpec, PortError> {
    const START: &str = "initial_accumulator_value";
    let text = case.config.str("optimizer")?;
    let (name, details) = text.split_once([' ', '(']).unwrap_or((text, ""));
    let learning_rate = number(case, "lr")?;
    match name {
        "GradientDescentOptimizer" => Ok(OptimizerSpec::GradientDescent(GradientDescentSpec {
            learning_rate,
            form: GradientDescentForm::TensorFlow,
            ..GradientDescentSpec::default()
        })),
        "AdagradOptimizer" => {
            let mut words = details.split([' ', '(', ')', '=', ',']).filter(|w| !w.is_empty());
            let start = if case.config.contains(START) {
                Some(number(case, START)?)
            } else if words.any(|word| word == START) {
                let value = words.next().and_then(|word| word.parse::<f64>().ok());
                let value = value.ok_or_else(|| unsupported(case, format!("`{text}`")))?;
                Some(Positive::try_from(value).map_err(refused)?)
            } else {
                None
            };
            let initial_accumulator = start.unwrap_or(AdagradSpec::default().initial_accumulator);
            Ok(OptimizerSpec::Adagrad(AdagradSpec { learning_rate, initial_accumulator }))
        }
        other => Err(unsupported(case, format!("optimizer `{other}`"))),
    }
}

/// `shape/<layer>`, `variable/<name>` and `parameters` of a network without data.
pub(super) fn shapes(case: &Case) -> Result<Outputs, PortError> {
    // Of an image in the original.
    const CHANNELS: i64 = 1;
    const COORDINATES: i64 = 30;
    let size = |key| integer::<Count>(case, key).map(Count::size);
    let (batch, height, width) = (size("batch_size")?, size("height")?, size("width")?);
    let sizes = RcnSizes {
        height,
        width,
        channels: CHANNELS,
        hidden: HIDDEN_UNITS,
        coordinates: COORDINATES,
    };
    let builder = builder(Placement { precision: Precision::F32, device: Device::Cpu });
    let model = Rcn::new(&builder, RcnVariant::default(), fitting(case, sizes)?);
    let params = builder.finish();
    // One image has the shapes of a batch, except for the first extent.
    let image = Tensor::zeros([1, CHANNELS, height, width], (Kind::Float, Device::Cpu));
    let activations = tch::no_grad(|| model.forward(&image, &DropoutPass::Off));

    let mut outputs = Outputs::new();
    let mut insert = |name: String, values: Vec<i64>| {
        outputs.insert(name, Values { shape: vec![values.len()], data: TensorData::I64(values) });
    };
    for (name, layer) in layers(&activations) {
        let mut shape = layer.size();
        shape[0] = batch;
        insert(format!("shape/{name}"), shape);
    }
    for entry in params.iter() {
        insert(format!("variable/{}", variable(&entry.name)), entry.tensor.size());
    }
    insert("parameters".to_owned(), vec![params.trained_scalars().cast_signed()]);
    Ok(outputs)
}
