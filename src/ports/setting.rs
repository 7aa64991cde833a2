//! The settings of a case as the types that our code takes, and the errors of ports.

use std::error::Error;

use crate::{
    golden::{Case, PortError},
    scalar::ScalarError,
};

/// Reads a number into a validated type.
pub(super) fn number<T>(case: &Case, key: &str) -> Result<T, PortError>
where
    T: TryFrom<f64, Error = ScalarError>,
{
    T::try_from(case.config.f64(key)?).map_err(refused)
}

/// Reads an integer into a validated type.
pub(super) fn integer<T>(case: &Case, key: &str) -> Result<T, PortError>
where
    T: TryFrom<i64>,
    T::Error: Error + Send + Sync + 'static,
{
    T::try_from(case.config.i64(key)?).map_err(refused)
}

/// The error of a value that our code does not accept.
pub(super) fn refused(source: impl Error + Send + Sync + 'static) -> PortError {
    PortError::Failed { action: "use the settings of the case", source: Box::new(source) }
}

/// The error of a port that does not support something in the case.
pub(super) fn unsupported(case: &Case, what: impl Into<String>) -> PortError {
    PortError::Unsupported { case: case.id(), what: what.into() }
}
