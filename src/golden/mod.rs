//! Reference cases: what original implementations computed, and how a port is held to it.
//!
//! A case (`golden/<system>/<case>/`) is read by [`Case::load`], run by a [`Port`], compared slice by
//! slice, and ends in a [`Verdict`]; [`Check`] does all of it for a list of folders. Bounds come from
//! the case, never from what a port got: METHODOLOGY.md says how and why.
//!
//! Nothing here sees a tensor of any library, knows what a system computes, or writes a file.

mod adam;
mod case;
mod check;
mod compare;
mod config;
mod discover;
mod exceptions;
mod exchange;
mod external;
mod flow;
mod glob;
mod judge;
mod parity;
mod port;
mod problem;
mod render;
mod rule;
mod tensor;
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

pub use case::{Case, Expected, FORMAT, Fill, OutputSpec, Precision, TensorSpec};
pub use check::{Check, run_isolated};
pub use compare::Comparison;
pub use config::{Config, ConfigError};
pub use discover::{CaseDir, Filter, discover};
pub use exceptions::{Exception, ExceptionPrecision, Exceptions, ExceptionsError};
pub use exchange::{ExchangeError, read_outputs, write_outputs};
pub use external::{ExternalError, ExternalPort};
pub use judge::{Incomparable, Judgement};
pub use parity::{Difference, ParityReport, parity};
pub use port::{Outputs, Port, PortError};
pub use problem::{CaseError, Problem};
pub use render::{explain, table};
pub use rule::{BoundSource, Rule};
pub use tensor::{Dtype, Tensor, TensorData};
pub use values::ValuesError;
pub use verdict::{CaseReport, Report, SystemReport, Verdict, Worst};
pub use wire::{Origin, OutputKind, Role, Variant};
