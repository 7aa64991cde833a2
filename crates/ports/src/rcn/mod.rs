//! System `rcn`: the network, its parts, its training step and its data.
//!
//! The tensors, settings and outputs of a case decide what is computed, never its name. Feature maps
//! have their channels last in the original and second here.

mod build;
mod component;
mod data;

use super::unsupported;
use crate::torch::Placement;
use reprise_golden::{Case, CasePort, Outputs, PortError, Precision};
use tch::Device;

/// The Recombinator Network.
pub(super) struct RcnPort(pub(super) Device);

impl CasePort for RcnPort {
    fn serves(&self, system: &str) -> bool {
        system == "rcn"
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        let place = Placement { precision, device: self.0 };
        let has = |name: &str| case.tensor_spec(name).is_some();
        let returns = |prefix: &str| case.outputs().iter().any(|o| o.name.starts_with(prefix));
        if has("in_images") {
            build::run(case, place)
        } else if returns("shape/") || returns("variable/") {
            build::shapes(case)
        } else if has("conv/w") || has("fc/w") {
            component::layers(case, place)
        } else if case.config.contains("scale") {
            component::upsample(case, place)
        } else if !case.data_files.is_empty() {
            data::run(case)
        } else {
            Err(unsupported(case, "a computation with these tensors"))
        }
    }
}
