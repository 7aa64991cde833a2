//! System `mocogan`: the generators, the discriminators, and iterations of training.
//!
//! The settings and tensors of a case decide what is computed, never its name.

mod discriminator;
mod draws;
mod generator;
mod settings;
mod training;

use super::unsupported;
use crate::torch::Placement;
use reprise_golden::{Case, CasePort, Outputs, PortError, Precision};
use tch::Device;

/// MoCoGAN and the variant of the MP6 assignment.
pub(super) struct MocoganPort(pub(super) Device);

impl CasePort for MocoganPort {
    fn serves(&self, system: &str) -> bool {
        system == "mocogan"
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        let place = Placement { precision, device: self.0 };
        let has = |name: &str| case.tensor_spec(name).is_some();
        if case.config.contains("train_batches") {
            training::run(case, place)
        } else if has("gen_i.main.0.weight") {
            generator::assignment(case, place)
        } else if has("main.0.weight") {
            generator::run(case, place)
        } else if has("main.1.weight") {
            discriminator::run(case, place)
        } else {
            Err(unsupported(case, "a network with these tensors"))
        }
    }
}
