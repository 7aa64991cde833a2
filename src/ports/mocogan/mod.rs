//! System `mocogan`: the generators, the discriminators, and iterations of training.
//!
//! The settings and tensors of a case decide what is computed, never its name.

mod discriminator;
mod draws;
mod generator;
mod settings;
mod training;

use super::unsupported;
use crate::golden::{Case, CasePort, Outputs, PortError, Precision};

/// MoCoGAN and the variant of the MP6 assignment.
pub(super) struct MocoganPort;

impl CasePort for MocoganPort {
    fn serves(&self, system: &str) -> bool {
        system == "mocogan"
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        let has = |name: &str| case.tensor_spec(name).is_some();
        if case.config.contains("train_batches") {
            training::run(case, precision)
        } else if has("gen_i.main.0.weight") {
            generator::assignment(case, precision)
        } else if has("main.0.weight") {
            generator::run(case, precision)
        } else if has("main.1.weight") {
            discriminator::run(case, precision)
        } else {
            Err(unsupported(case, "a network with these tensors"))
        }
    }
}
