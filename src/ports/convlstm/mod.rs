//! System `convlstm`: the autoencoder, its parts, its training step, its picture and its data.
//!
//! What a case asks for is read from its tensors, settings and outputs, never from its name. Sizes
//! of the model follow from the shapes of its parameters.

mod component;
mod data;
mod training;

use super::{
    integer, refused,
    renamed::{self, ToCase},
    torch::builder,
    unsupported,
};
use crate::{
    config::model::ConvLstmSpec,
    golden::{Case, Outputs, Port, PortError, Precision},
    models::convlstm::ConvLstm,
    nn::params::Params,
    scalar::Count,
};

/// The ConvLSTM autoencoder.
pub(super) struct ConvLstmPort;

impl Port for ConvLstmPort {
    fn serves(&self, system: &str) -> bool {
        system == "convlstm"
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        let has = |name: &str| case.tensor_spec(name).is_some();
        if has("raw") {
            data::resize(case)
        } else if has("digits") {
            data::moving_mnist(case)
        } else if case.output_spec("grid").is_some() {
            component::picture(case, precision)
        } else if has(FIRST_WEIGHT) || has(&in_module(FIRST_WEIGHT)) {
            if case.config.contains("lr") {
                training::run(case, precision)
            } else {
                component::forward(case, precision)
            }
        } else if has("decoder_CNN.weight") {
            component::head(case, precision)
        } else if has("conv.weight") {
            component::cell(case, precision)
        } else {
            Err(unsupported(case, "a computation with these tensors"))
        }
    }
}

const FIRST_WEIGHT: &str = "encoder_1_convlstm.conv.weight";

/// Name of a parameter in the Lightning module that holds the model.
fn in_module(name: &str) -> String {
    format!("model.{name}")
}

/// A model with the case's sizes and values.
struct Loaded {
    model: ConvLstm,
    params: Params,
    to_case: ToCase,
}

impl Loaded {
    fn new(case: &Case, precision: Precision) -> Result<Self, PortError> {
        let to_case: ToCase =
            if case.tensor_spec(FIRST_WEIGHT).is_some() { str::to_owned } else { in_module };
        let inputs = input_channels(case, &to_case(FIRST_WEIGHT))?;
        let hidden = input_channels(case, &to_case("decoder_CNN.weight"))?;
        let cells = case.tensors().iter().filter(|spec| {
            let name = spec.name.trim_start_matches("model.");
            name.starts_with("encoder_") && name.ends_with("_convlstm.conv.weight")
        });
        let layers = cells.count();
        let count = |n: usize| i64::try_from(n).map_err(refused);
        let spec = ConvLstmSpec {
            horizon: integer(case, "n_steps_ahead")?,
            hidden: Count::try_from(count(hidden)?).map_err(refused)?,
            layers: Count::try_from(count(layers)?).map_err(refused)?,
            ..ConvLstmSpec::default()
        };
        let channels = inputs
            .checked_sub(hidden)
            .ok_or_else(|| unsupported(case, "a cell with fewer inputs than hidden channels"))?;
        let builder = builder(precision);
        let model = ConvLstm::new(&builder, &spec, count(channels)?);
        let mut params = builder.finish();
        renamed::load(case, &mut params, to_case, precision)?;
        Ok(Self { model, params, to_case })
    }
}

/// Returns the input channels of a weight `[out, in, …]`.
fn input_channels(case: &Case, name: &str) -> Result<usize, PortError> {
    match case.tensor_spec(name).map(|spec| spec.shape.as_slice()) {
        Some(&[_, inputs, ..]) => Ok(inputs),
        _ => Err(unsupported(case, format!("a model without a weight `{name}`"))),
    }
}
