//! Known differences: listed with a reason and a size, and missed when they are gone.

use std::path::Path;

use serde::Deserialize;

use super::{case::Precision, glob};
use crate::fs::{self, FsError};

/// Largest list that is read.
const BYTES_MAX: u64 = 1 << 20;

/// The list, usually `golden/exceptions.toml`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exceptions {
    /// The known differences.
    #[serde(default, rename = "exception")]
    pub list: Vec<Exception>,
}

/// One known difference between a port and its original.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The system.
    pub system: String,
    /// Pattern for the case.
    pub case: String,
    /// Pattern for the output.
    pub output: String,
    /// Run in which it shows.
    pub precision: ExceptionPrecision,
    /// Why it is there and why it may stay.
    pub reason: String,
    /// Largest ratio of error to bound that is excused.
    pub size: f64,
}

/// Run in which a known difference shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExceptionPrecision {
    /// The f32 run.
    F32,
    /// The f64 run.
    F64,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExceptionsError {
    /// The file cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// The text is not a list of exceptions.
    #[error("failed to parse the list of known differences")]
    Toml(#[source] Box<toml::de::Error>),
    /// An exception excuses nothing or anything, or does not say why.
    #[error(
        "failed to accept the known difference of {system}/{case} `{output}`: it needs a reason and a \
         finite size above 1"
    )]
    Unfounded {
        /// The system.
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
    /// Returns whether the exception speaks of this case in this run.
    pub fn covers_case(&self, system: &str, case: &str, precision: Precision) -> bool {
        let same_run = match self.precision {
            ExceptionPrecision::F32 => precision == Precision::F32,
            ExceptionPrecision::F64 => precision == Precision::F64,
        };
        same_run && self.system == system && glob::matches(&self.case, case)
    }

    /// Returns whether the exception speaks of this output.
    pub fn covers_output(&self, output: &str) -> bool {
        glob::matches(&self.output, output)
    }
}
