//! Errors and warnings of a data set as they are found.

use super::error::DataError;

/// What [`check`](super::check) found.
#[derive(Debug)]
pub enum Finding {
    /// The data set cannot be used.
    Error(DataError),
    /// The data set can be used, but something about it is doubtful.
    Warning(String),
}

impl Finding {
    /// Returns the error of a check with a single result, if it has one.
    pub(super) fn of(checked: Result<(), DataError>) -> Vec<Self> {
        checked.err().into_iter().map(Self::Error).collect()
    }
}

/// Collects errors and warnings; keeps the first 200 of each and counts the others.
#[derive(Debug, Default)]
pub(super) struct Findings {
    errors: Vec<DataError>,
    warnings: Vec<String>,
    errors_left_out: u64,
    warnings_left_out: u64,
}

impl Findings {
    /// Bounds the memory that a data set of a million broken files takes.
    const KEPT: usize = 200;

    pub(super) fn with_warnings(warnings: Vec<String>) -> Self {
        Self { warnings, ..Self::default() }
    }

    pub(super) fn error(&mut self, error: impl Into<DataError>) {
        if self.errors.len() < Self::KEPT {
            self.errors.push(error.into());
        } else {
            self.errors_left_out += 1;
        }
    }

    pub(super) fn warn(&mut self, warning: String) {
        if self.warnings.len() < Self::KEPT {
            self.warnings.push(warning);
        } else {
            self.warnings_left_out += 1;
        }
    }

    /// Returns the value, or records the error.
    pub(super) fn keep<T>(&mut self, result: Result<T, impl Into<DataError>>) -> Option<T> {
        result.map_err(|error| self.error(error)).ok()
    }

    pub(super) fn error_count(&self) -> u64 {
        self.errors.len() as u64 + self.errors_left_out
    }

    /// Returns the first error, if there is one.
    pub(super) fn fail_on_error(&mut self) -> Result<(), DataError> {
        if self.errors.is_empty() { Ok(()) } else { Err(self.errors.swap_remove(0)) }
    }

    pub(super) fn into_warnings(mut self) -> Vec<String> {
        if self.warnings_left_out > 0 {
            self.warnings.push(format!("{} more warnings", self.warnings_left_out));
        }
        self.warnings
    }

    /// Returns all findings, errors first.
    pub(super) fn into_list(mut self) -> Vec<Finding> {
        let mut list: Vec<_> = self.errors.drain(..).map(Finding::Error).collect();
        if self.errors_left_out > 0 {
            list.push(Finding::Warning(format!("{} more errors", self.errors_left_out)));
        }
        list.extend(self.into_warnings().into_iter().map(Finding::Warning));
        list
    }
}
