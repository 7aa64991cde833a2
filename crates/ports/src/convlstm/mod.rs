//! System `convlstm`: the autoencoder, its parts, its training step, its image grid and its data.
//!
//! The tensors, settings and outputs of a case decide what is computed, never its name. The shapes of
//! the parameters give the sizes of the model.

mod component;
mod data;
mod load;
mod training;

use self::load::{FIRST_WEIGHT, in_module};
use super::unsupported;
use crate::torch::Placement;
use reprise_golden::{Case, CasePort, Outputs, PortError, Precision};
use tch::Device;

/// The ConvLSTM autoencoder.
pub(super) struct ConvLstmPort(pub(super) Device);

impl CasePort for ConvLstmPort {
    fn serves(&self, system: &str) -> bool {
        system == "convlstm"
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        let place = Placement { precision, device: self.0 };
        let has = |name: &str| case.tensor_spec(name).is_some();
        if has("raw") {
            data::resize(case)
        } else if has("digits") {
            data::moving_mnist(case)
        } else if case.output_spec("grid").is_some() {
            component::picture(case, place)
        } else if has(FIRST_WEIGHT) || has(&in_module(FIRST_WEIGHT)) {
            if case.config.contains("lr") {
                training::run(case, place)
            } else {
                component::forward(case, place)
            }
        } else if has("decoder_CNN.weight") {
            component::head(case, place)
        } else if has("conv.weight") {
            component::cell(case, place)
        } else {
            Err(unsupported(case, "a computation with these tensors"))
        }
    }
}
