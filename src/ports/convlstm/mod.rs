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
use crate::golden::{Case, CasePort, Outputs, PortError, Precision};

/// The ConvLSTM autoencoder.
pub(super) struct ConvLstmPort;

impl CasePort for ConvLstmPort {
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
