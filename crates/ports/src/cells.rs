//! System `cells`: the layers of the MP6 assignment, its random draws and its acceptance rule.
//!
//! The settings and tensors of a case decide what is computed.

use tch::{Device, Kind, Reduction, Tensor};

use super::{
    number,
    torch::{Capture, builder, inner, input, kind, leaf, load, zero},
    unsupported,
};
use crate::torch::Placement;
use reprise_base::{
    config::optim::{GradientDescentForm, GradientDescentSpec},
    scalar::{Positive, Seed},
    stats::relative,
};
use reprise_golden::{self as golden, Case, CasePort, Outputs, PortError, Precision, TensorData};
use reprise_torch::{
    nn::{
        Mode,
        gru::GruCell,
        init::{self, Init},
        layers::{AffineInit, Linear, LstmCell, LstmState},
        lstm::RepeatedInputLstm,
        params::{Builder, Params},
    },
    optim::GradientDescent,
};

mod literal;

/// The assignment's layers.
pub(super) struct CellsPort(pub(super) Device);

impl CasePort for CellsPort {
    fn serves(&self, system: &str) -> bool {
        system == "cells"
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        let place = Placement { precision, device: self.0 };
        let has = |name: &str| case.tensor_spec(name).is_some();
        if case.config.contains("torch_manual_seed") {
            literal::run(case, place)
        } else if case.config.contains("scales") {
            acceptance(case)
        } else if has("lstm.weight_ih") {
            lstm(case, place)
        } else if case.config.contains("forget_bias") {
            lstm_init(case, place)
        } else if has("c_in") {
            lstm_cell(case, place)
        } else if has("weight_ih") {
            gru_cell(case, place)
        } else if has("weight") {
            linear(case, place)
        } else {
            Err(unsupported(case, "a cell with these tensors"))
        }
    }
}

/// Initial values that the case overwrites.
const UNSET: AffineInit = AffineInit { weight: Init::Constant(0.0), bias: Init::Constant(0.0) };

/// `e` and `accepted` of scaled and disturbed copies of the reference.
fn acceptance(case: &Case) -> Result<Outputs, PortError> {
    const DISTURBANCE: f32 = 0.001; // the case states it in words
    let reference = singles(case, "reference")?;
    let disturbance = singles(case, "disturbance")?;
    let threshold = case.config.f64("threshold")?;
    let exact: Vec<f64> = reference.iter().map(|&b| b.into()).collect();
    let (mut errors, mut accepted) = (Vec::new(), Vec::new());
    for scale in case.config.f64s("scales")? {
        let scale = literal::single(scale);
        let disturbed: Vec<f64> = reference
            .iter()
            .zip(&disturbance)
            .map(|(b, d)| f64::from(b * scale + DISTURBANCE * d))
            .collect();
        let error = relative::l1(&disturbed, &exact);
        errors.push(literal::single(error));
        accepted.push(i64::from(error < threshold));
    }
    Ok([("e", TensorData::F32(errors)), ("accepted", TensorData::I64(accepted))]
        .map(|(name, data)| (name.to_owned(), golden::Tensor::vector(data)))
        .into())
}

/// `MyLinear` on a vector and on a batch, the gradients of a mean squared error, one update.
fn linear(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let (inputs, outputs) = (case.config.i64("input_size")?, case.config.i64("output_size")?);
    let builder = builder(place);
    let layer = Linear::new(&builder.root(), inputs, outputs, UNSET);
    let mut params = builder.finish();
    load(case, &mut params, place)?;
    let batch = leaf(case, "batch_input", place)?;
    let output = layer.forward(&batch);
    let loss = output.mse_loss(&input(case, "target", place)?, Reduction::Mean);
    loss.backward();
    let mut capture = Capture::default();
    capture.tensor("output", &layer.forward(&input(case, "linear_input", place)?));
    capture.tensor("batch_output", &output);
    capture.tensor("nn_linear_output", &output); // our layer is `torch.nn.Linear`
    capture.tensor("loss", &loss);
    capture.tensor("grad/batch_input", &batch.grad());
    capture.gradients(&params);
    // The default is the assignment's `SGD(lr=0.5, momentum=0.)`.
    let learning_rate: Positive = if case.config.contains("lr") {
        number(case, "lr")?
    } else {
        Positive::try_from(0.5).expect("the literal is positive")
    };
    let form = GradientDescentForm::PyTorch;
    let spec = GradientDescentSpec { learning_rate, form, ..GradientDescentSpec::default() };
    GradientDescent::new(spec, &params).step(&params);
    capture.after(&params);
    Ok(capture.finish())
}

/// `MyLSTMCell`, one step.
fn lstm_cell(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let (inputs, hidden) = (case.config.i64("input_size")?, case.config.i64("hidden_size")?);
    let builder = builder(place);
    let cell = LstmCell::new(&builder.root(), inputs, hidden);
    let mut params = builder.finish();
    load(case, &mut params, place)?;
    let x = leaf(case, "x", place)?;
    let previous = LstmState { h: leaf(case, "h_in", place)?, c: leaf(case, "c_in", place)? };
    let LstmState { h, c } = cell.step(&x, &previous);
    let scalar = inner(&h, &input(case, "cotangent_h", place)?)
        + inner(&c, &input(case, "cotangent_c", place)?);
    scalar.backward();
    let mut capture = Capture::default();
    for prefix in ["", "nn_lstmcell/"] {
        // Our cell is `torch.nn.LSTMCell`, with which the case compares.
        capture.tensor(format!("{prefix}h_out"), &h);
        capture.tensor(format!("{prefix}c_out"), &c);
    }
    capture.tensor("scalar", &scalar);
    capture.tensor("grad/x", &x.grad());
    capture.tensor("grad/h_in", &previous.h.grad());
    capture.tensor("grad/c_in", &previous.c.grad());
    capture.gradients(&params);
    Ok(capture.finish())
}

/// `GRUCell` over several steps.
fn gru_cell(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let (inputs, hidden) = (case.config.i64("input_size")?, case.config.i64("hidden_size")?);
    let builder = builder(place);
    let cell = GruCell::new(&builder.root(), inputs, hidden);
    let mut params = builder.finish();
    load(case, &mut params, place)?;
    let given = case.tensor_spec("h").is_some();
    let initial = if given {
        leaf(case, "h", place)?
    } else {
        Tensor::zeros([case.config.i64("batch")?, hidden], (kind(place), place.device))
    };
    let mut capture = Capture::default();
    let mut xs = Vec::new();
    let mut h = initial.shallow_clone();
    let mut scalar = zero(place);
    for t in 0..case.config.usize("steps")? {
        let x = leaf(case, &format!("x/{t}"), place)?;
        h = cell.step(&x, &h);
        capture.tensor(format!("h/{t}"), &h);
        scalar += inner(&h, &input(case, &format!("cotangent/{t}"), place)?);
        xs.push(x);
    }
    scalar.backward();
    capture.tensor("scalar", &scalar);
    for (t, x) in xs.iter().enumerate() {
        capture.tensor(format!("grad/x/{t}"), &x.grad());
    }
    if given {
        capture.tensor("grad/h", &initial.grad());
    }
    capture.gradients(&params);
    Ok(capture.finish())
}

fn repeated(case: &Case, builder: Builder) -> Result<(RepeatedInputLstm, Params), PortError> {
    let (inputs, hidden) = (case.config.i64("input_size")?, case.config.i64("hidden_size")?);
    let forget_bias = case.config.f64("forget_bias").unwrap_or(0.0);
    let layer = RepeatedInputLstm::new(&builder.root(), inputs, hidden, forget_bias);
    Ok((layer, builder.finish()))
}

/// `LSTM` in training mode with its gradients, then in evaluation mode.
fn lstm(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let (layer, mut params) = repeated(case, builder(place))?;
    load(case, &mut params, place)?;
    let inputs = leaf(case, "inputs", place)?;
    let given = case.tensor_spec("h").is_some();
    let initial = || -> Result<LstmState, PortError> {
        if given {
            Ok(LstmState { h: leaf(case, "h", place)?, c: leaf(case, "c", place)? })
        } else {
            Ok(layer.zero_state(&inputs))
        }
    };
    let (frames, leaves) = (case.config.i64("n_frames")?, initial()?);
    let mut state = LstmState { h: leaves.h.shallow_clone(), c: leaves.c.shallow_clone() };
    let outputs = layer.forward(&inputs, frames, &mut state, Mode::Train);
    let scalar = inner(&input(case, "cotangent", place)?, &outputs);
    scalar.backward();
    let mut capture = Capture::default();
    capture.tensor("outputs", &outputs);
    capture.tensor("nn/outputs", &outputs); // our layers are those of `torch.nn`
    capture.tensor("scalar", &scalar);
    capture.tensor("h", &state.h);
    capture.tensor("c", &state.c);
    capture.buffers(&params);
    capture.tensor("grad/inputs", &inputs.grad());
    if given {
        capture.tensor("grad/h", &leaves.h.grad());
        capture.tensor("grad/c", &leaves.c.grad());
    }
    capture.gradients(&params);
    let evaluated = layer.forward(&inputs, frames, &mut initial()?, Mode::Eval);
    capture.tensor("eval/outputs", &evaluated);
    Ok(capture.finish())
}

/// `initWeight` and `initHidden`: constants, and the limits of random draws.
fn lstm_init(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let (layer, params) = repeated(case, Builder::new(Seed(0), kind(place), place.device))?;
    let (inputs, hidden) = (case.config.i64("input_size")?, case.config.i64("hidden_size")?);
    let mut capture = Capture::default();
    for entry in params.trained().filter(|entry| entry.name.contains("bias")) {
        capture.tensor(entry.name.as_str(), &entry.tensor);
    }
    let bounds = [[inputs, 4 * hidden], [hidden, 4 * hidden], [hidden, inputs]]
        .map(|[fan_in, fan_out]| init::xavier_bound(fan_in, fan_out));
    capture.vector(case, "xavier_bound", bounds.to_vec(), Precision::F64);
    let batch = Tensor::zeros([case.config.i64("batch_size")?, inputs], (Kind::Float, Device::Cpu));
    let LstmState { h, c } = layer.zero_state(&batch.to_kind(kind(place)));
    capture.tensor("h", &h);
    capture.tensor("c", &c);
    Ok(capture.finish())
}

fn singles(case: &Case, name: &str) -> Result<Vec<f32>, PortError> {
    match case.tensor(name)?.data {
        TensorData::F32(values) => Ok(values),
        data => Err(unsupported(case, format!("`{name}` of type {}", data.dtype()))),
    }
}
