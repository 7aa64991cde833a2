//! System `cvae`: the modules of the lab report, its training step and its prediction.
//!
//! The settings and outputs of a case decide what is computed, never its name, so new cases run, too.

mod component;
mod isolated;
mod load;
mod rollout;
mod training;

use crate::golden::{Case, CasePort, Outputs, PortError, Precision};

/// The conditional VAE.
pub(super) struct CvaePort;

impl CasePort for CvaePort {
    fn serves(&self, system: &str) -> bool {
        system == "cvae"
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        if case.config.contains("warm_steps") {
            rollout::run(case, precision)
        } else if case.config.contains("kl_anneal_idx_at_start") {
            training::run(case, precision)
        } else {
            component::run(case, precision)
        }
    }

    fn run_isolated(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        if case.output_spec("h/1").is_some() {
            isolated::run(case, precision)
        } else {
            Ok(Outputs::new())
        }
    }
}
