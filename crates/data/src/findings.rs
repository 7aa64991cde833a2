//! Errors, warnings and facts about a data set, as its reader finds them.

use super::{error::DataError, listing::SideFiles, summary::Fact};

/// Most errors and most warnings that are kept: it limits the memory that a data set of a million
/// broken files takes.
const KEPT: usize = 200;

/// What a reader found: every error and warning counted, the first 200 of each kept.
#[derive(Debug, Default)]
pub struct Findings {
    errors: Vec<DataError>,
    errors_left_out: u64,
    pub(super) notes: Notes,
}

/// What a reader found beside errors.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    warnings: Vec<String>,
    warnings_left_out: u64,
    pub(super) facts: Vec<Fact>,
    /// Files that were skipped because a system or a download left them.
    pub(super) side_files: SideFiles,
}

impl Notes {
    /// Returns the first warnings, a line for the side files, and the number of those left out.
    pub(super) fn warnings(&self) -> Vec<String> {
        let left_out = self.warnings_left_out;
        let more = (left_out > 0).then(|| format!("{left_out} more warnings"));
        self.warnings.iter().cloned().chain(self.side_files.text()).chain(more).collect()
    }
}

impl Findings {
    /// Returns the error of a check with a single result, if it has one.
    pub(super) fn of(checked: Result<(), DataError>) -> Self {
        let mut findings = Self::default();
        findings.keep(checked);
        findings
    }

    pub(super) fn with_notes(notes: Notes) -> Self {
        Self { notes, ..Self::default() }
    }

    pub(super) fn error(&mut self, error: impl Into<DataError>) {
        if self.errors.len() < KEPT {
            self.errors.push(error.into());
        } else {
            self.errors_left_out += 1;
        }
    }

    pub(super) fn warn(&mut self, warning: String) {
        if self.notes.warnings.len() < KEPT {
            self.notes.warnings.push(warning);
        } else {
            self.notes.warnings_left_out += 1;
        }
    }

    /// Adds what was understood of the data, for people: what is described, and its description.
    pub(super) fn fact(&mut self, subject: &str, text: impl Into<String>) {
        self.notes.facts.push(Fact::new(subject, text));
    }

    /// Returns the value, or records the error.
    pub(super) fn keep<T>(&mut self, result: Result<T, impl Into<DataError>>) -> Option<T> {
        result.map_err(|error| self.error(error)).ok()
    }

    /// Returns the number of errors, kept or not.
    pub fn error_count(&self) -> u64 {
        self.errors.len() as u64 + self.errors_left_out
    }

    /// Returns the number of warnings, kept or not. All side files are one.
    pub fn warning_count(&self) -> u64 {
        let side_files = u64::from(self.notes.side_files.text().is_some());
        self.notes.warnings.len() as u64 + self.notes.warnings_left_out + side_files
    }

    /// Returns the first errors, at most 200.
    pub fn errors(&self) -> &[DataError] {
        &self.errors
    }

    /// Returns the first warnings, at most 200, a line for the side files, and how many were left out.
    pub fn warnings(&self) -> Vec<String> {
        self.notes.warnings()
    }

    /// Returns the notes, or the first error.
    pub(super) fn into_notes(mut self) -> Result<Notes, DataError> {
        self.fail_on_error()?;
        Ok(self.notes)
    }

    /// Returns the first error, if there is one.
    pub(super) fn fail_on_error(&mut self) -> Result<(), DataError> {
        if self.errors.is_empty() { Ok(()) } else { Err(self.errors.swap_remove(0)) }
    }
}
