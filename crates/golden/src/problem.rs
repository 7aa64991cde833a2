//! Why a case cannot be read.

use std::path::PathBuf;

use super::values::ValuesError;
use reprise_base::fs::FsError;

/// A case that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to load case `{}`", dir.display())]
pub struct CaseError {
    /// The case's folder.
    pub dir: PathBuf,
    #[source]
    pub problem: CaseProblem,
}

/// What is wrong with a case.
#[derive(Debug, thiserror::Error)]
pub enum CaseProblem {
    /// A file cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// `case.toml` is not TOML or not of this format.
    #[error("`case.toml` is not valid in version 1 of the format of cases")]
    Toml(#[source] Box<toml::de::Error>),
    /// The case has another version of the format.
    #[error("`case.toml` has format {found}; this program reads format 1")]
    Version { found: i64 },
    /// Our fill recipe is not the one that wrote the case.
    #[error("the self-test failed: unit(\"{name}\", {i}) is {computed}, expected {expected}")]
    SelfTest {
        /// Name that seeds the draw.
        name: String,
        /// Index of the draw.
        i: u64,
        expected: f64,
        computed: f64,
    },
    /// The folder has another name than the file states.
    #[error("`{key}` is \"{stated}\", but the folder is called `{folder}`")]
    Folder {
        /// `case` or `system`.
        key: &'static str,
        stated: String,
        folder: String,
    },
    /// A name is empty or contains control characters.
    #[error("invalid name {name:?} of a {what}")]
    Name { what: &'static str, name: String },
    /// A name is used twice.
    #[error("{what} `{name}` is listed twice")]
    Duplicate { what: &'static str, name: String },
    /// A tensor or output is too large, alone or with the tensors before it.
    #[error("`{name}` has shape {shape:?}; at most {limit} elements are allowed")]
    TooLarge { name: String, shape: Vec<usize>, limit: usize },
    /// A digest summarizes nothing.
    #[error("output `{name}` has no elements, so it cannot be stored as a digest")]
    EmptyDigest { name: String },
    /// A fill has wrong keys or cannot produce the stated type.
    #[error("invalid fill of tensor `{name}`: {why}")]
    Fill { name: String, why: &'static str },
    /// A noise is negative or not finite.
    #[error("the noise of output `{name}` must be finite and at least 0")]
    Noise { name: String },
    /// The stored values do not match the case.
    #[error(transparent)]
    Values(#[from] ValuesError),
    /// A variant names a file that does not exist.
    #[error("variant file `{file}` is not in the case's folder")]
    VariantFile {
        /// Path below the case's folder.
        file: String,
    },
    /// A data file is a named pipe, a device or a broken link.
    #[error("`{}` is not a regular file", path.display())]
    Irregular {
        /// Path below the case's folder.
        path: PathBuf,
    },
    /// A port reads a tensor that the case does not have.
    #[error("the case has no tensor `{name}`")]
    UnknownTensor { name: String },
}
