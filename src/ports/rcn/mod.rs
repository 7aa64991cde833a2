//! System `rcn`: the network, its parts, its training step and its data.
//!
//! The tensors, settings and outputs of a case decide what is computed, never its name. Feature maps
//! have their channels last in the original and second here.

mod build;
mod component;
mod data;

use super::unsupported;
use crate::golden::{Case, CasePort, Outputs, PortError, Precision};

/// The Recombinator Network.
pub(super) struct RcnPort;

impl CasePort for RcnPort {
    fn serves(&self, system: &str) -> bool {
        system == "rcn"
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        let has = |name: &str| case.tensor_spec(name).is_some();
        let returns = |prefix: &str| case.outputs().iter().any(|o| o.name.starts_with(prefix));
        if has("in_images") {
            build::run(case, precision)
        } else if returns("shape/") || returns("variable/") {
            build::shapes(case)
        } else if has("conv/w") || has("fc/w") {
            component::layers(case, precision)
        } else if case.config.contains("scale") {
            component::upsample(case, precision)
        } else if !case.data_files.is_empty() {
            data::run(case)
        } else {
            Err(unsupported(case, "a computation with these tensors"))
        }
    }
}
