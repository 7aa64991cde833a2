//! Single modules and the forward pass.

use tch::Tensor;

use super::load::{LoadedConvLstm, input_channels};
use crate::{
    integer, refused, renamed,
    torch::{Capture, Placement, builder, inner, input, leaf, load, zero},
    unsupported,
};
use reprise_base::{config::model::convlstm::Presence, scalar::Count};
use reprise_golden::{Case, Outputs, PortError};
use reprise_torch::{
    models::convlstm::{
        HEAD_KERNEL, Head,
        picture::{self, GridExample, picture_grid},
    },
    nn::conv_lstm::{self, ConvLstmCell, ConvLstmState},
};

/// Steps of one cell from the zero state.
pub(super) fn cell(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let size = |key| integer::<Count>(case, key).map(Count::size);
    let &[height, width] = case.config.i64s("kernel_size")?.as_slice() else {
        return Err(unsupported(case, "a kernel size that is not two numbers"));
    };
    let has = |name: &str| case.tensor_spec(name).is_some();
    let bias = if has("conv.bias") { Presence::Present } else { Presence::Absent };
    let builder = builder(place);
    let sizes = conv_lstm::ConvLstmSizes {
        inputs: size("input_dim")?,
        hidden: size("hidden_dim")?,
        kernel: [height, width],
        bias,
        peepholes: None,
    };
    let cell = ConvLstmCell::new(&builder.module("conv"), sizes);
    let mut params = builder.finish();
    load(case, &mut params, place)?;

    let steps = size("steps")?;
    let inputs: Vec<Tensor> =
        (0..steps).map(|t| leaf(case, &format!("input/{t}"), place)).collect::<Result<_, _>>()?;
    let mut capture = Capture::default();
    let mut state = cell.zero_state(&inputs[0]);
    let mut scalar = zero(place);
    for (t, x) in inputs.iter().enumerate() {
        state = cell.step(x, &state);
        capture.tensor(format!("h/{t}"), &state.h);
        capture.tensor(format!("c/{t}"), &state.c);
        scalar += inner(&state.h, &input(case, &format!("cotangent/{t}"), place)?);
    }
    scalar += inner(&state.c, &input(case, "cotangent_c", place)?);
    scalar.backward();
    capture.tensor("scalar", &scalar);
    for (t, x) in inputs.iter().enumerate() {
        capture.tensor(format!("grad/input/{t}"), &x.grad());
    }
    capture.gradients(&params);
    Ok(capture.finish())
}

/// The output head alone.
pub(super) fn head(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let hidden = input_channels(case, "decoder_CNN.weight")?;
    let builder = builder(place);
    let head = Head::new(
        &builder.module("decoder_CNN"),
        i64::try_from(hidden).map_err(refused)?,
        1,
        HEAD_KERNEL,
    );
    let mut params = builder.finish();
    load(case, &mut params, place)?;
    let h = leaf(case, "input", place)?;
    let output = head.forward(&h);
    let scalar = inner(&output, &input(case, "cotangent", place)?);
    scalar.backward();
    let mut capture = Capture::default();
    capture.tensor("output", &output);
    capture.tensor("scalar", &scalar);
    capture.tensor("grad/input", &h.grad());
    capture.gradients(&params);
    Ok(capture.finish())
}

/// The whole model, forward and, if the case has a cotangent, backward.
pub(super) fn forward(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let LoadedConvLstm { model, params, to_case } = LoadedConvLstm::new(case, place)?;
    let x = leaf(case, "x", place)?;
    let horizon = integer::<Count>(case, "n_steps_ahead")?.size();
    let differentiated = case.tensor_spec("cotangent").is_some();
    let forecast = if differentiated {
        model.forward(&x, horizon)
    } else {
        tch::no_grad(|| model.forward(&x, horizon))
    };
    let mut capture = Capture::default();
    capture.tensor("output", &forecast.frames);
    for (name, states) in [("encoder", &forecast.encoder), ("decoder", &forecast.decoder)] {
        for (layer, ConvLstmState { h, c }) in (1..).zip(states) {
            capture.tensor(format!("last/{name}_{layer}_convlstm/h"), h);
            capture.tensor(format!("last/{name}_{layer}_convlstm/c"), c);
        }
    }
    if differentiated {
        let scalar = inner(&forecast.frames, &input(case, "cotangent", place)?);
        scalar.backward();
        capture.tensor("scalar", &scalar);
        capture.tensor("grad/x", &x.grad());
        renamed::gradients(&mut capture, &params, to_case);
    }
    Ok(capture.finish())
}

/// The image grid of the first sequence of a batch.
pub(super) fn picture(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let config = &case.config;
    let padding =
        if config.contains("padding") { config.i64("padding")? } else { picture::PADDING };
    let value =
        if config.contains("pad_value") { config.f64("pad_value")? } else { picture::PAD_VALUE };
    let normalize = config.contains("normalize") && config.bool("normalize")?;
    if padding != picture::PADDING || value != picture::PAD_VALUE || normalize {
        return Err(unsupported(case, "a grid with other padding or normalization"));
    }
    // [B, T, 1, H, W], and [B, T, H, W] after the original's squeeze.
    let context = input(case, "x", place)?.get(0);
    let [prediction, truth] = ["y_hat", "y"].map(|name| input(case, name, place));
    let [prediction, truth] = [prediction?.get(0).unsqueeze(1), truth?.get(0).unsqueeze(1)];
    let grid =
        picture_grid(&GridExample { context: &context, prediction: &prediction, truth: &truth });
    let mut capture = Capture::default();
    capture.tensor("grid", &grid);
    Ok(capture.finish())
}
