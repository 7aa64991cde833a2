//! The seam between cases and implementations: a [`Port`] turns inputs into named outputs.

use std::{collections::BTreeMap, error::Error};

use super::{
    case::{Case, Precision},
    config::ConfigError,
    problem::CaseError,
    tensor::Tensor,
};

/// Outputs of a port by the case's output names, in the original's shapes and layouts.
pub type Outputs = BTreeMap<String, Tensor>;

/// An implementation that claims to compute what the original of one system computes.
///
/// Cases are run beside each other, so a port keeps nothing between them.
pub trait Port: Send + Sync {
    /// Returns whether this port runs the cases of `system`.
    fn serves(&self, system: &str) -> bool;

    /// Computes every output of `case`.
    ///
    /// In [`Precision::F32`] an output declared f32 is returned as f32, in [`Precision::F64`] as f64
    /// (or as f32 if the original has no f64 run of it); outputs declared otherwise keep their type.
    /// Outputs that the case does not declare are ignored.
    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError>;

    /// Recomputes outputs with every module fed the reference's own stored input.
    ///
    /// What is wrong here was contributed by that module, the rest was inherited. A port that cannot
    /// do this for an output leaves it out; by default it leaves out all.
    fn run_isolated(&self, _case: &Case, _precision: Precision) -> Result<Outputs, PortError> {
        Ok(Outputs::new())
    }
}

/// Why a port could not run a case.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The case lacks something that the port needs.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// The settings of the case lack something that the port needs.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The case asks for something that the port does not implement.
    #[error("failed to run case {case}: the port does not know {what}")]
    Unsupported {
        /// `system/case`.
        case: String,
        /// What is not implemented.
        what: String,
    },
    /// The implementation refused.
    #[error("failed to {action}")]
    Failed {
        /// What was attempted.
        action: &'static str,
        /// What the implementation said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}
