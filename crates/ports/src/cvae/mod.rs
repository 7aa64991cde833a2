//! System `cvae`: the modules of the lab report, its training step and its prediction.
//!
//! The settings and outputs of a case decide what is computed, never its name, so new cases run, too.

mod component;
mod isolated;
mod load;
mod rollout;
mod training;

use crate::torch::Placement;
use reprise_golden::{Case, CasePort, Outputs, PortError, Precision};
use tch::Device;

/// The conditional VAE.
pub(super) struct CvaePort(pub(super) Device);

impl CasePort for CvaePort {
    fn serves(&self, system: &str) -> bool {
        system == "cvae"
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        let place = Placement { precision, device: self.0 };
        if case.config.contains("warm_steps") {
            rollout::run(case, place)
        } else if case.config.contains("kl_anneal_idx_at_start") {
            training::run(case, place)
        } else {
            component::run(case, place)
        }
    }

    fn run_isolated(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        let place = Placement { precision, device: self.0 };
        if case.output_spec("h/1").is_some() {
            isolated::run(case, place)
        } else {
            Ok(Outputs::new())
        }
    }
}
