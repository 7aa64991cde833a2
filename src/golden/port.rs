//! What a port implements.

use std::{collections::BTreeMap, error::Error};

use super::{
    case::Case, config::SettingError, problem::CaseError, spec::Precision, tensor::Tensor,
};

/// Outputs of a port by the case's output names, in the original's shapes and layouts.
pub type Outputs = BTreeMap<String, Tensor>;

/// An implementation that claims to compute what the original of one system computes.
///
/// Cases run in parallel, so a port keeps no state between them.
pub trait CasePort: Send + Sync {
    /// Returns whether this port runs the cases of `system`.
    fn serves(&self, system: &str) -> bool;

    /// Computes every output of `case`.
    ///
    /// An output declared f32 is returned as f32 in [`Precision::F32`] and as f64 in
    /// [`Precision::F64`] (or as f32 if the original has no f64 run of it); other outputs keep their
    /// type. Outputs that the case does not declare are ignored.
    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError>;

    /// Recomputes outputs, feeding every module the reference's own stored input.
    ///
    /// An error that remains comes from that module; the rest was inherited. Outputs for which the
    /// port cannot do this are left out; by default all are.
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
    Config(#[from] SettingError),
    /// The case needs something that the port does not implement.
    #[error("failed to run case {case}: the port does not support {what}")]
    Unsupported {
        /// `system/case`.
        case: String,
        what: String,
    },
    /// The implementation returned an error.
    #[error("failed to {action}")]
    Failed {
        action: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}
