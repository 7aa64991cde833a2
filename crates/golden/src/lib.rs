//! Reference cases: results of original implementations, and how ports are checked against them.
//!
//! [`Case::load`] reads a case (`golden/<system>/<case>/`), a [`CasePort`] runs it, its outputs are
//! compared, and the result is a [`CaseVerdict`]; [`Check`] does all of it for a list of folders.
//! Tolerances come from the case, never from a port's results: METHODOLOGY.md says how and why.
//!
//! Nothing here depends on a tensor library, knows what a system computes, or writes into a case.

mod adam;
mod case;
mod check;
mod choose;
mod compare;
mod config;
mod discover;
mod exceptions;
mod exchange;
mod external;
mod glob;
mod guarded;
mod judge;
mod parity;
mod port;
mod problem;
mod references;
mod render;
mod rule;
mod spec;
mod spread;
mod tensor;
mod tolerance;
mod trajectory;
mod validate;
mod values;
mod verdict;
mod wire;

#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod verdict_tests;

pub use case::{Case, Expected};
pub use check::Check;
pub use compare::Comparison;
pub use config::{Config, SettingError};
pub use discover::{CaseDir, Filter, discover};
pub use exceptions::{Exception, ExceptionPrecision, Exceptions, ExceptionsError};
pub use exchange::{ExchangeError, read_outputs, write_outputs};
pub use external::{ExternalError, ExternalPort};
pub use glob::matches_glob;
pub use guarded::run_isolated;
pub use judge::{Incomparable, Judgement};
pub use parity::{OutputDifference, ParityReport, parity};
pub use port::{CasePort, Outputs, PortError};
pub use problem::{CaseError, CaseProblem};
pub use render::{explain, table};
pub use rule::{Rule, ToleranceSource};
pub use spec::{FORMAT, Fill, OutputRole, OutputSpec, Precision, TensorSpec};
pub use tensor::{ElementType, Tensor, TensorData};
pub use values::ValuesError;
pub use verdict::{CaseReport, CaseVerdict, Report, SystemReport, Worst};
pub use wire::{CaseOrigin, OutputKind, Role, Variant};
