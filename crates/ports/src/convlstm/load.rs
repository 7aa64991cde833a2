//! The autoencoder with the sizes and values of a case.

use crate::torch::Placement;
use crate::{
    integer, refused,
    renamed::{self, ToCase},
    torch::builder,
    unsupported,
};
use reprise_base::{config::model::ConvLstmSpec, scalar::Count};
use reprise_golden::{Case, PortError};
use reprise_torch::{
    models::convlstm::{ConvLstm, FrameSize},
    nn::params::Params,
};

/// A weight that every model has.
pub(super) const FIRST_WEIGHT: &str = "encoder_1_convlstm.conv.weight";

/// Name of a parameter in the Lightning module that holds the model.
pub(super) fn in_module(name: &str) -> String {
    format!("model.{name}")
}

/// A model with the case's sizes and values.
pub(super) struct LoadedConvLstm {
    pub(super) model: ConvLstm,
    pub(super) params: Params,
    pub(super) to_case: ToCase,
}

impl LoadedConvLstm {
    pub(super) fn new(case: &Case, place: Placement) -> Result<Self, PortError> {
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
        let builder = builder(place);
        // Only peepholes and full connections, which the original does not have, depend on the size.
        let frame = FrameSize { channels: count(channels)?, height: 1, width: 1 };
        let model = ConvLstm::new(&builder, &spec, frame);
        let mut params = builder.finish();
        renamed::load(case, &mut params, to_case, place)?;
        Ok(Self { model, params, to_case })
    }
}

/// Returns the input channels of a weight `[out, in, …]`.
pub(super) fn input_channels(case: &Case, name: &str) -> Result<usize, PortError> {
    match case.tensor_spec(name).map(|spec| spec.shape.as_slice()) {
        Some(&[_, inputs, ..]) => Ok(inputs),
        _ => Err(unsupported(case, format!("a model without a weight `{name}`"))),
    }
}
