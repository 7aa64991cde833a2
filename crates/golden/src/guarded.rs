//! Runs ports so that a panic in one is an error of its case.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{
    case::Case,
    port::{CasePort, Outputs, PortError},
    spec::Precision,
};
use reprise_base::text::error_chain;

/// Runs a port on a case.
pub(super) fn run(
    case: &Case,
    port: &dyn CasePort,
    precision: Precision,
) -> Result<Outputs, String> {
    guarded(|| port.run(case, precision))
}

/// Runs every module of a port on the reference's own input, where the case stores it.
///
/// # Errors
/// If the port returns an error or panics.
pub fn run_isolated(
    case: &Case,
    port: &dyn CasePort,
    precision: Precision,
) -> Result<Outputs, String> {
    guarded(|| port.run_isolated(case, precision))
}

/// Runs a port; a panic in it, or in the library below it, becomes an error.
fn guarded(run: impl FnOnce() -> Result<Outputs, PortError>) -> Result<Outputs, String> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(outputs)) => Ok(outputs),
        Ok(Err(error)) => Err(error_chain(&error)),
        Err(panic) => Err(format!("the port panicked: {}", message(&*panic))),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
