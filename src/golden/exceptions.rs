//! Known differences: listed with a reason and a size, and reported when they are stale.

use std::path::Path;

use serde::Deserialize;

use super::{glob::matches_glob, spec::Precision};
use crate::fs::{self, FsError};

/// Largest list that is read.
const BYTES_MAX: u64 = 1 << 20;

/// The list of known differences, usually `golden/exceptions.toml`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exceptions {
    #[serde(default, rename = "exception")]
    pub list: Vec<Exception>,
}

/// One known difference between a port and its original.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    pub system: String,
    /// Pattern for the case.
    pub case: String,
    /// Pattern for the output.
    pub output: String,
    /// Precision in which it occurs.
    pub precision: ExceptionPrecision,
    /// Why it exists and why it is accepted.
    pub reason: String,
    /// Largest accepted ratio of error to tolerance.
    pub size: f64,
}

/// Precision in which a known difference occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExceptionPrecision {
    F32,
    F64,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExceptionsError {
    /// The file cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The text is not a list of known differences.
    #[error("failed to parse the list of known differences")]
    Toml(#[source] Box<toml::de::Error>),
    /// A known difference has no reason, or a size that accepts nothing or everything.
    #[error(
        "invalid known difference of {system}/{case} `{output}`: it needs a reason and a finite size \
         above 1"
    )]
    Unfounded {
        system: String,
        /// Pattern for the case.
        case: String,
        /// Pattern for the output.
        output: String,
    },
}

impl Exceptions {
    /// Reads the list at `path`.
    pub fn load(path: &Path) -> Result<Self, ExceptionsError> {
        Self::parse(&fs::read_text(path, BYTES_MAX)?)
    }

    /// Parses a list.
    pub fn parse(text: &str) -> Result<Self, ExceptionsError> {
        let this: Self =
            toml::from_str(text).map_err(|source| ExceptionsError::Toml(Box::new(source)))?;
        let unfounded =
            |e: &&Exception| e.reason.trim().is_empty() || !(e.size > 1.0 && e.size.is_finite());
        match this.list.iter().find(unfounded) {
            Some(Exception { system, case, output, .. }) => Err(ExceptionsError::Unfounded {
                system: system.clone(),
                case: case.clone(),
                output: output.clone(),
            }),
            None => Ok(this),
        }
    }
}

impl Exception {
    /// Returns whether this is about this case in this precision.
    pub fn covers_case(&self, system: &str, case: &str, precision: Precision) -> bool {
        let same_run = match self.precision {
            ExceptionPrecision::F32 => precision == Precision::F32,
            ExceptionPrecision::F64 => precision == Precision::F64,
        };
        same_run && self.system == system && matches_glob(&self.case, case)
    }

    /// Returns whether this is about this output.
    pub fn covers_output(&self, output: &str) -> bool {
        matches_glob(&self.output, output)
    }
}
