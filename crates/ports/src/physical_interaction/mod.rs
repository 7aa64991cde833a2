//! Systems `physical_interaction` and `physical_interaction_chainer`: one model, checked against the
//! TensorFlow original and against the port to Chainer.
//!
//! The settings, inputs and outputs of a case decide what is computed, never its name, so new cases
//! run, too.

mod chainer;
mod model;
mod settings;
mod tensorflow;
mod translate;

use crate::torch::Placement;
use reprise_golden::{Case, CasePort, Outputs, PortError, Precision};
use tch::Device;

/// The model against the TensorFlow original.
pub(super) struct PhysicalInteractionPort(pub(super) Device);

impl CasePort for PhysicalInteractionPort {
    fn serves(&self, system: &str) -> bool {
        system == "physical_interaction"
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        let place = Placement { precision, device: self.0 };
        if case.tensor_spec("images").is_some() {
            model::run(case, place, &settings::tensorflow(case)?)
        } else {
            tensorflow::run(case, place)
        }
    }
}

/// The model against the port to Chainer.
pub(super) struct PhysicalInteractionChainerPort(pub(super) Device);

impl CasePort for PhysicalInteractionChainerPort {
    fn serves(&self, system: &str) -> bool {
        system == "physical_interaction_chainer"
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        let place = Placement { precision, device: self.0 };
        if case.tensor_spec("images").is_some() {
            model::run(case, place, &settings::chainer(case)?)
        } else {
            chainer::run(case, place)
        }
    }
}
