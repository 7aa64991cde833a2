//! Systems `physical_interaction` and `physical_interaction_chainer`: the same model held against
//! the TensorFlow original and against its port to Chainer.
//!
//! What a case asks for is read from its settings, inputs and outputs, never from its name, so cases
//! that nobody here has seen run as well.

mod chainer;
mod model;
mod settings;
mod tensorflow;
mod translate;

use crate::golden::{Case, Outputs, Port, PortError, Precision};

/// The model against the TensorFlow original.
pub(super) struct PhysicalInteraction;

impl Port for PhysicalInteraction {
    fn serves(&self, system: &str) -> bool {
        system == "physical_interaction"
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        if case.tensor_spec("images").is_some() {
            model::run(case, precision, &settings::tensorflow(case)?)
        } else {
            tensorflow::run(case, precision)
        }
    }
}

/// The model against the port to Chainer.
pub(super) struct PhysicalInteractionChainer;

impl Port for PhysicalInteractionChainer {
    fn serves(&self, system: &str) -> bool {
        system == "physical_interaction_chainer"
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        if case.tensor_spec("images").is_some() {
            model::run(case, precision, &settings::chainer(case)?)
        } else {
            chainer::run(case, precision)
        }
    }
}
