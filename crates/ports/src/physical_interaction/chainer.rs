//! Single parts of the port to Chainer, forward and backward.

use tch::Tensor;

use super::{
    settings::{chainer_port, transformation},
    translate::{Axes, OriginalForm, Translated, capture_gradient, permutation},
};
use crate::{
    number, refused,
    torch::{Capture, Placement, builder, inner, input, leaf, zero},
    unsupported,
};
use reprise_base::{
    config::model::physical_interaction::Port,
    scalar::{Count, Step},
    schedule::ScheduledSampling,
};
use reprise_golden::{Case, Outputs, PortError};
use reprise_torch::{
    models::physical_interaction::{
        conv_lstm::{BasicConvLstmCell, BasicConvLstmShape, GateOrder},
        layers::Layers,
        sampling::mix,
        transformation::{Transformer, TransformerSizes},
    },
    nn::{
        init::Init,
        same::{LayerInit, Padding},
    },
};

const AXES: Axes = Axes::ChannelsFirst;
/// Initial values that the case overwrites.
const INIT: LayerInit = LayerInit { weight: Init::Constant(0.0), bias: Some(Init::Constant(0.0)) };

pub(super) fn run(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let has = |name: &str| case.tensor_spec(name).is_some();
    let mut capture = Capture::default();
    if has("enc6") {
        transform(case, place, &mut capture)?;
    } else if has("inputs/0") {
        conv_lstm_cell(case, place, &mut capture)?;
    } else if case.tensors().iter().any(|tensor| tensor.name.ends_with("norm/gamma")) {
        layer_norm(case, place, &mut capture)?;
    } else if has("ground_truth_x") {
        scheduled_sample(case, place, &mut capture)?;
    } else {
        return Err(unsupported(case, "a part with these tensors"));
    }
    Ok(capture.finish())
}

/// Removes the prefix of a part from the names of the whole model.
fn without(prefix: &'static str) -> impl Fn(&str) -> String {
    move |name: &str| name.strip_prefix(prefix).unwrap_or(name).to_owned()
}

/// `BasicConvLSTMCell` over a few steps from its zero state.
fn conv_lstm_cell(case: &Case, place: Placement, capture: &mut Capture) -> Result<(), PortError> {
    let config = &case.config;
    let port = chainer_port(case)?;
    let inputs: Vec<Tensor> = (0..config.usize("steps")?)
        .map(|t| leaf(case, &format!("inputs/{t}"), place))
        .collect::<Result<_, _>>()?;
    let Some(first) = inputs.first() else {
        return Err(unsupported(case, "a cell without inputs"));
    };
    let (hidden, gates) = match port {
        Port::ChainerStateless => (config.i64("num_channels")?, GateOrder::Ijfo),
        Port::Chainer | Port::Tensorflow(_) => (config.i64("out_size")?, GateOrder::Jifo),
    };
    let shape = BasicConvLstmShape {
        inputs: first.size()[1],
        hidden,
        kernel: config.i64("filter_size")?,
        padding: Padding::Symmetric,
        gates,
        forget_bias: config.f64("forget_bias")?,
    };
    let builder = builder(place);
    let cell = BasicConvLstmCell::new(&builder.module("lstm1"), shape, INIT);
    let form = OriginalForm { port, bottleneck: [1, 1, 1] };
    let translated = Translated::load(case, place, builder, form, "", without("lstm1/"))?;
    let mut state = cell.zero_state(first);
    let mut scalar = zero(place);
    let mut differentiated = false;
    for (t, x) in inputs.iter().enumerate() {
        // The stateless cell reads its state (c, h) as (h, c).
        let previous = match port {
            Port::ChainerStateless => state.swapped(),
            Port::Chainer | Port::Tensorflow(_) => state,
        };
        state = cell.step(x, &previous);
        for (name, value) in [("h", &state.h), ("new_h", &state.h), ("c", &state.c)] {
            capture.tensor(format!("{name}/{t}"), value);
        }
        capture.tensor(format!("state/{t}"), &Tensor::cat(&[&state.c, &state.h], 1));
        let cotangent = format!("cotangent/{t}");
        if case.tensor_spec(&cotangent).is_some() {
            scalar += inner(&state.h, &input(case, &cotangent, place)?);
            differentiated = true;
        }
    }
    if differentiated {
        scalar.backward();
        capture.tensor("scalar", &scalar);
        translated.gradients(capture);
        for (t, x) in inputs.iter().enumerate() {
            capture_gradient(capture, &format!("inputs/{t}"), x);
        }
    }
    Ok(())
}

/// `LayerNormalizationConv2D`.
fn layer_norm(case: &Case, place: Placement, capture: &mut Capture) -> Result<(), PortError> {
    let port = chainer_port(case)?;
    let x = leaf(case, "inputs", place)?;
    let builder = builder(place);
    let norm = Layers::new(&builder, port).norm("hidden1", &x.size()[1..]);
    let form = OriginalForm { port, bottleneck: [1, 1, 1] };
    let translated = Translated::load(case, place, builder, form, "", without("hidden1/"))?;
    let output = norm.forward(&x);
    let scalar = inner(&output, &input(case, "cotangent", place)?);
    scalar.backward();
    capture.tensor("output", &output);
    capture.tensor("scalar", &scalar);
    translated.gradients(capture);
    capture_gradient(capture, "inputs", &x);
    Ok(())
}

/// `StatelessCDNA`, `StatelessDNA` or `StatelessSTP` of the last commit.
fn transform(case: &Case, place: Placement, capture: &mut Capture) -> Result<(), PortError> {
    let port = chainer_port(case)?;
    let enc6 = leaf(case, "enc6", place)?;
    let hidden5 = leaf(case, "hidden5", place)?;
    let previous = leaf(case, "prev_image", place)?;
    let [_, channels, height, width] = hidden5.size4().map(<[i64; 4]>::from).map_err(refused)?;
    let sizes = TransformerSizes {
        features: enc6.size()[1],
        bottleneck: channels * height * width,
        colours: previous.size()[1],
        batch: previous.size()[0],
    };
    let builder = builder(place);
    let transformation = transformation(case, case.config.str("model_type")?)?;
    let transformer = Transformer::new(Layers::new(&builder, port), transformation, sizes);
    let form = OriginalForm { port, bottleneck: [channels, height, width] };
    let translated = Translated::load(case, place, builder, form, "", without("model/"))?;
    let transformed = transformer.forward(&enc6, &hidden5, &previous);
    let mut scalar = zero(place);
    for (k, image) in transformed.images.iter().enumerate() {
        capture.tensor(format!("transformed/{k}"), image);
        scalar += inner(image, &input(case, &format!("cotangent/{k}"), place)?);
    }
    scalar.backward();
    capture.tensor("enc7", &transformed.enc7);
    capture.tensor("scalar", &scalar);
    translated.gradients(capture);
    for (name, leaf) in [("enc6", &enc6), ("hidden5", &hidden5), ("prev_image", &previous)] {
        capture_gradient(capture, name, leaf);
    }
    Ok(())
}

/// `scheduled_sample`, and the number of true frames over iterations.
fn scheduled_sample(case: &Case, place: Placement, capture: &mut Capture) -> Result<(), PortError> {
    let config = &case.config;
    let port = chainer_port(case)?;
    let truth = input(case, "ground_truth_x", place)?;
    let generated = input(case, "generated_x", place)?;
    let order = permutation(case, "shuffle")?;
    let n = config.i64("num_ground_truth_used")?;
    let mixed = mix(&truth, &generated, &order, n.unsigned_abs(), port);
    capture.tensor("stitched", &AXES.to_original(&mixed));

    let schedule = ScheduledSampling::InverseSigmoid { k: number(case, "schedsamp_k")? };
    let batch = Count::try_from(config.i64("batch_size")?).map_err(refused)?;
    let numbers = config.i64s("iters")?.into_iter().filter_map(|iteration| {
        let step = Step(iteration.unsigned_abs());
        schedule.true_frames(batch, step, port.schedule_arithmetic()).map(u64::cast_signed)
    });
    capture.integers(case, "num_ground_truth", numbers.collect());
    Ok(())
}
