//! Single parts of the TensorFlow original, forward and backward.

use tch::Tensor;

use super::{
    settings::tensorflow_port,
    translate::{Axes, OriginalForm, Translated, capture_gradient, permutation},
};
use crate::{
    number, refused,
    torch::{Capture, Placement, builder, inner, input, leaf, zero},
    unsupported,
};
use reprise_base::{
    config::{
        model::physical_interaction::{Port, Version},
        optim::{AdamForm, AdamSpec},
    },
    scalar::{Count, Positive, Step},
    schedule::{ScheduleArithmetic, ScheduledSampling},
};
use reprise_golden::{Case, Outputs, PortError, Role};
use reprise_torch::{
    models::physical_interaction::{
        conv_lstm::{BasicConvLstmCell, BasicConvLstmShape, GateOrder},
        layers::Layers,
        objective::{mean_squared_error, peak_signal_to_noise_ratio},
        sampling::mix,
        transformation::{
            cdna::{self, Cdna},
            dna,
            stp::{AffineMaps, sample},
        },
    },
    nn::{
        init::Init,
        layer_norm::{LayerNorm, LayerNormForm},
        same::{Convolution, LayerInit, Padding, Shape, TransposedConvolution},
    },
    optim::AdamOptimizer,
};

/// The version of parts that are equal in all versions.
const PORT: Port = Port::Tensorflow(Version::V1);
const AXES: Axes = Axes::ChannelsLast;
/// Parts without a flattened feature map.
const FORM: OriginalForm = OriginalForm { port: PORT, bottleneck: [1, 1, 1] };
/// Initial values that the case overwrites.
const INIT: LayerInit = LayerInit { weight: Init::Constant(0.0), bias: Some(Init::Constant(0.0)) };

pub(super) fn run(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let has = |name: &str| case.tensor_spec(name).is_some();
    let any = |end: &str| case.tensors().iter().any(|tensor| tensor.name.ends_with(end));
    let mut capture = Capture::default();
    let run: fn(&Case, Placement, &mut Capture) -> Result<(), PortError> = if has("conv0/weights")
        || has("convt0/weights")
    {
        convolutions
    } else if any("Gates/weights") {
        conv_lstm_cell
    } else if any("gamma") {
        layer_norms
    } else if has("cdna_params/weights") {
        cdna_transformation
    } else if has("stp_params0/weights") || any("/stp_params0/weights") {
        stp_transformation
    } else if any("dna_input") || case.tensors().iter().any(|t| t.name.starts_with("dna_input/")) {
        dna_transformation
    } else if has("ground_truth_x") {
        scheduled_sample
    } else if has("true/0") {
        psnr
    } else if case.output_spec("num_ground_truth").is_some() {
        schedule
    } else if case.config.contains("learning_rate") {
        adam
    } else {
        return Err(unsupported(case, "a part with these tensors"));
    };
    run(case, place, &mut capture)?;
    Ok(capture.finish())
}

/// `slim.layers.conv2d` and `conv2d_transpose`, one layer for every row of `sets`.
fn convolutions(case: &Case, place: Placement, capture: &mut Capture) -> Result<(), PortError> {
    let transposed = case.tensor_spec("convt0/weights").is_some();
    for (i, row) in case.config.i64_rows("sets")?.into_iter().enumerate() {
        let &[_, _, inputs, outputs, kernel, stride] = row.as_slice() else {
            return Err(unsupported(case, "sets without six columns"));
        };
        let shape = Shape { inputs, outputs, kernel, stride, padding: Padding::Same };
        let builder = builder(place);
        let path = builder.module("enc0");
        let x = leaf(case, &format!("x/{i}"), place)?;
        let map = AXES.to_ours(&x);
        let scope = if transposed { format!("convt{i}/") } else { format!("conv{i}/") };
        let layer: Box<dyn Fn(&Tensor) -> Tensor> = if transposed {
            let layer = TransposedConvolution::new(&path, shape, INIT);
            Box::new(move |x| layer.forward(x))
        } else {
            let layer = Convolution::new(&path, shape, INIT);
            Box::new(move |x| layer.forward(x))
        };
        let translated = Translated::load(case, place, builder, FORM, &scope, last(&scope))?;
        let y = AXES.to_original(&layer(&map));
        inner(&y, &input(case, &format!("cotangent/{i}"), place)?).backward();
        capture.tensor(format!("y/{i}"), &y);
        capture.tensor(format!("relu/{i}"), &y.relu());
        translated.gradients(capture);
        capture_gradient(capture, &format!("x/{i}"), &x);
    }
    Ok(())
}

/// Gives the last part of a name another scope.
fn last(scope: &str) -> impl Fn(&str) -> String {
    move |name: &str| format!("{scope}{}", name.rsplit('/').next().unwrap_or(name))
}

/// `basic_conv_lstm_cell` over a few steps from its zero state.
fn conv_lstm_cell(case: &Case, place: Placement, capture: &mut Capture) -> Result<(), PortError> {
    let config = &case.config;
    let end = "Gates/weights";
    let weights = case.tensors().iter().find(|tensor| tensor.name.ends_with(end));
    let scope = weights.map_or("", |tensor| tensor.name.strip_suffix("weights").unwrap_or(""));
    let steps = config.usize("steps")?;
    let inputs: Vec<Tensor> =
        (0..steps).map(|t| leaf(case, &format!("inputs/{t}"), place)).collect::<Result<_, _>>()?;
    let Some(first) = inputs.first() else {
        return Err(unsupported(case, "a cell without inputs"));
    };
    let shape = BasicConvLstmShape {
        inputs: *first.size().last().unwrap_or(&0),
        hidden: config.i64("num_channels")?,
        kernel: config.i64("filter_size")?,
        padding: Padding::Same,
        gates: GateOrder::Ijfo,
        forget_bias: config.f64("forget_bias")?,
    };
    let builder = builder(place);
    let cell = BasicConvLstmCell::new(&builder.module("lstm1"), shape, INIT);
    let translated = Translated::load(case, place, builder, FORM, scope, last(scope))?;
    let mut state = cell.zero_state(&AXES.to_ours(first));
    for (t, x) in inputs.iter().enumerate() {
        state = cell.step(&AXES.to_ours(x), &state);
        let both = Tensor::cat(&[&state.c, &state.h], 1);
        capture.tensor(format!("h/{t}"), &AXES.to_original(&state.h));
        capture.tensor(format!("state/{t}"), &AXES.to_original(&both));
    }
    let both = Tensor::cat(&[&state.c, &state.h], 1);
    let loss = inner(&AXES.to_original(&state.h), &input(case, "cotangent/h", place)?)
        + inner(&AXES.to_original(&both), &input(case, "cotangent/state", place)?);
    loss.backward();
    capture.tensor("loss", &loss);
    translated.gradients(capture);
    for (t, x) in inputs.iter().enumerate() {
        capture_gradient(capture, &format!("inputs/{t}"), x);
    }
    Ok(())
}

/// `tf_layers.layer_norm` on every group of tensors with a γ.
fn layer_norms(case: &Case, place: Placement, capture: &mut Capture) -> Result<(), PortError> {
    let groups = case.tensors().iter().filter_map(|tensor| tensor.name.strip_suffix("gamma"));
    for group in groups {
        let x = leaf(case, &format!("{group}x"), place)?;
        let map = AXES.to_ours(&x);
        let builder = builder(place);
        let norm = LayerNorm::new(
            &builder.module("norm_enc0"),
            &map.size()[1..],
            LayerNormForm::TENSORFLOW,
        );
        let translated = Translated::load(case, place, builder, FORM, group, last(group))?;
        let y = AXES.to_original(&norm.forward(&map));
        inner(&y, &input(case, &format!("{group}cotangent"), place)?).backward();
        capture.tensor(format!("{group}y"), &y);
        translated.gradients(capture);
        capture_gradient(capture, &format!("{group}x"), &x);
    }
    Ok(())
}

/// ⟨cotangent k, frame k⟩ summed over k, for frames in the original's axes.
fn paired(case: &Case, place: Placement, frames: &[Tensor]) -> Result<Tensor, PortError> {
    let mut total = zero(place);
    for (k, frame) in frames.iter().enumerate() {
        total += inner(frame, &input(case, &format!("cotangent/{k}"), place)?);
    }
    Ok(total)
}

/// Captures frames and returns them in the original's axes.
fn transformed(capture: &mut Capture, prefix: &str, frames: &[Tensor]) -> Vec<Tensor> {
    let frames: Vec<Tensor> = frames.iter().map(|frame| AXES.to_original(frame)).collect();
    for (k, frame) in frames.iter().enumerate() {
        capture.tensor(format!("{prefix}transformed/{k}"), frame);
    }
    frames
}

/// `cdna_transformation`.
fn cdna_transformation(
    case: &Case,
    place: Placement,
    capture: &mut Capture,
) -> Result<(), PortError> {
    let port = tensorflow_port(case)?;
    let previous = leaf(case, "prev_image", place)?;
    let features = leaf(case, "cdna_input", place)?;
    let builder = builder(place);
    let sizes = cdna::CdnaSizes {
        inputs: features.size()[1],
        masks: case.config.i64("num_masks")?,
        colours: *previous.size().last().unwrap_or(&0),
        batch: previous.size()[0],
    };
    let cdna = Cdna::new(Layers::new(&builder, port), sizes);
    let form = OriginalForm { port, bottleneck: [sizes.inputs, 1, 1] };
    let translated = Translated::load(case, place, builder, form, "", str::to_owned)?;
    let frames = cdna.apply(&AXES.to_ours(&previous), &cdna.kernels(&features));
    let frames = transformed(capture, "", &frames);
    paired(case, place, &frames)?.backward();
    translated.gradients(capture);
    capture_gradient(capture, "prev_image", &previous);
    capture_gradient(capture, "cdna_input", &features);
    Ok(())
}

/// `dna_transformation`, for every tensor of kernels.
fn dna_transformation(
    case: &Case,
    place: Placement,
    capture: &mut Capture,
) -> Result<(), PortError> {
    let names = case.tensors().iter().filter_map(|t| t.name.strip_prefix("dna_input"));
    for suffix in names {
        let previous = leaf(case, "prev_image", place)?;
        let name = format!("dna_input{suffix}");
        let kernels = leaf(case, &name, place)?;
        let frame = dna::apply(&AXES.to_ours(&previous), &AXES.to_ours(&kernels), PORT);
        let frame = AXES.to_original(&frame);
        inner(&frame, &input(case, "cotangent", place)?).backward();
        capture.tensor(format!("transformed{suffix}"), &frame);
        capture_gradient(capture, &format!("prev_image{suffix}"), &previous);
        capture_gradient(capture, &name, &kernels);
    }
    Ok(())
}

/// `stp_transformation` for every group of weights, and the identity.
fn stp_transformation(
    case: &Case,
    place: Placement,
    capture: &mut Capture,
) -> Result<(), PortError> {
    let groups = case.tensors().iter().filter_map(|t| t.name.strip_suffix("stp_params0/weights"));
    for group in groups {
        let previous = leaf(case, "prev_image", place)?;
        let hidden = leaf(case, "stp_input", place)?;
        let builder = builder(place);
        let count = case.config.i64("num_masks")? - 1;
        let maps = AffineMaps::new(Layers::new(&builder, PORT), hidden.size()[1], count);
        let rename = |name: &str| format!("{group}{name}");
        let translated = Translated::load(case, place, builder, FORM, group, rename)?;
        let frames = maps.apply(&AXES.to_ours(&previous), &hidden);
        let frames = transformed(capture, group, &frames);
        paired(case, place, &frames)?.backward();
        translated.gradients(capture);
        capture_gradient(capture, &format!("{group}prev_image"), &previous);
        capture_gradient(capture, &format!("{group}stp_input"), &hidden);
    }
    let previous = AXES.to_ours(&input(case, "prev_image", place)?);
    let identity = Tensor::from_slice(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0])
        .to_device(place.device)
        .to_kind(previous.kind());
    let theta = identity.expand([previous.size()[0], 6], false);
    capture.tensor("identity", &AXES.to_original(&sample(&previous, &theta, PORT)));
    Ok(())
}

/// `scheduled_sample` with several numbers of true frames.
fn scheduled_sample(case: &Case, place: Placement, capture: &mut Capture) -> Result<(), PortError> {
    let [truth, generated] = ["ground_truth_x", "generated_x"].map(|n| input(case, n, place));
    let [truth, generated] = [AXES.to_ours(&truth?), AXES.to_ours(&generated?)];
    let order = permutation(case, "shuffle")?;
    for n in case.config.i64s("num_ground_truth")? {
        let mixed = mix(&truth, &generated, &order, n.unsigned_abs(), PORT);
        capture.tensor(format!("mixed/{n}"), &AXES.to_original(&mixed));
    }
    Ok(())
}

/// `mean_squared_error` and `peak_signal_to_noise_ratio`.
fn psnr(case: &Case, place: Placement, capture: &mut Capture) -> Result<(), PortError> {
    for i in 0.. {
        let (truth, prediction) = (format!("true/{i}"), format!("pred/{i}"));
        if case.tensor_spec(&truth).is_none() {
            break;
        }
        let mse =
            mean_squared_error(&input(case, &truth, place)?, &input(case, &prediction, place)?);
        capture.tensor(format!("mse/{i}"), &mse);
        capture.tensor(format!("psnr/{i}"), &peak_signal_to_noise_ratio(&mse));
    }
    Ok(())
}

/// The number of true frames for every batch size, k and iteration.
fn schedule(case: &Case, place: Placement, capture: &mut Capture) -> Result<(), PortError> {
    let config = &case.config;
    let (mut rounded, mut expected) = (Vec::new(), Vec::new());
    for batch in config.i64s("batch_size")? {
        let batch = Count::try_from(batch).map_err(refused)?;
        for k in config.f64s("k")? {
            let k = Positive::try_from(k).map_err(refused)?;
            let schedule = ScheduledSampling::InverseSigmoid { k };
            for iteration in config.i64s("iter_num")? {
                let step = Step(iteration.unsigned_abs());
                let arithmetic = ScheduleArithmetic::Single;
                rounded.extend(schedule.true_frames(batch, step, arithmetic));
                expected.extend(schedule.expected_true_frames(batch, step, arithmetic));
            }
        }
    }
    let rounded: Vec<i64> = rounded.into_iter().map(u64::cast_signed).collect();
    capture.integers(case, "num_ground_truth", rounded);
    capture.vector(case, "unrounded", expected, place.precision);
    Ok(())
}

/// `tf.train.AdamOptimizer` on given gradients.
fn adam(case: &Case, place: Placement, capture: &mut Capture) -> Result<(), PortError> {
    let steps = case.config.usize("steps")?;
    let names_of = |role: Role| case.tensors().iter().filter(move |t| t.role == role);
    let parameters: Vec<&str> = names_of(Role::Parameter).map(|t| t.name.as_str()).collect();
    let mut gradients: Vec<&str> = Vec::new();
    for tensor in names_of(Role::Input) {
        let Some((prefix, _)) = tensor.name.rsplit_once('/') else { continue };
        if !gradients.contains(&prefix) {
            gradients.push(prefix);
        }
    }
    if parameters.len() != gradients.len() {
        return Err(unsupported(case, "another number of parameters than of gradients"));
    }
    let spec = AdamSpec {
        learning_rate: number(case, "learning_rate")?,
        beta1: number(case, "beta1")?,
        beta2: number(case, "beta2")?,
        epsilon: number(case, "epsilon")?,
        form: AdamForm::TensorFlow,
        ..AdamSpec::default()
    };
    for (name, gradient) in parameters.into_iter().zip(gradients) {
        let value = input(case, name, place)?;
        let builder = builder(place);
        let p = builder.module("given").parameter(name, &value.size(), Init::Constant(0.0));
        let mut params = builder.finish();
        tch::no_grad(|| p.shallow_clone().copy_(&value));
        let mut optimizer = AdamOptimizer::new(spec, &params);
        let mut after = Vec::new();
        for step in 0..steps {
            params.zero_grad();
            inner(&p, &input(case, &format!("{gradient}/{step}"), place)?).backward();
            optimizer.step(&params);
            after.push(p.detach().copy());
        }
        capture.tensor(name, &Tensor::stack(&after, 0));
    }
    Ok(())
}
