//! Why a case cannot be read.

use std::path::PathBuf;

use super::values::ValuesError;
use crate::fs::FsError;

/// A case that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("failed to load case `{}`", dir.display())]
pub struct CaseError {
    /// Folder of the case.
    pub dir: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: Problem,
}

/// What is wrong with a case.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A file cannot be read.
    #[error(transparent)]
    Fs(#[from] FsError),
    /// `case.toml` is not TOML or not of this format.
    #[error("`case.toml` does not follow format 1")]
    Toml(#[source] Box<toml::de::Error>),
    /// The case is of another version of the format.
    #[error("`case.toml` is of format {found}; this reader knows format 1")]
    Version {
        /// The version stated.
        found: i64,
    },
    /// Our fill recipe is not the one that wrote the case.
    #[error("the self-test fails: unit(\"{name}\", {i}) is {computed}, the case says {expected}")]
    SelfTest {
        /// Name that seeds the draw.
        name: String,
        /// Index of the draw.
        i: u64,
        /// The case's draw.
        expected: f64,
        /// Our draw.
        computed: f64,
    },
    /// The folder is not called what the file states.
    #[error("`{key}` is \"{stated}\" but the folder is called `{folder}`")]
    Folder {
        /// `case` or `system`.
        key: &'static str,
        /// The name in the file.
        stated: String,
        /// The folder's name.
        folder: String,
    },
    /// A name is empty or holds control characters.
    #[error("{name:?} is no name for a {what}")]
    Name {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A name is used twice.
    #[error("{what} `{name}` is listed twice")]
    Duplicate {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A tensor or output is too large.
    #[error("`{name}` has shape {shape:?}; at most {limit} elements are allowed")]
    TooLarge {
        /// Name of the tensor or output.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The limit that it passes, alone or with the tensors before it.
        limit: usize,
    },
    /// A digest summarizes nothing.
    #[error("output `{name}` is a digest of no elements")]
    EmptyDigest {
        /// Name of the output.
        name: String,
    },
    /// A fill has wrong keys or makes another type.
    #[error("the fill of tensor `{name}` is wrong: {why}")]
    Fill {
        /// Name of the tensor.
        name: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A noise is negative or not finite.
    #[error("the noise of output `{name}` is no finite number of at least 0")]
    Noise {
        /// Name of the output.
        name: String,
    },
    /// The stored values do not fit.
    #[error(transparent)]
    Values(#[from] ValuesError),
    /// A variant names a file that is not there.
    #[error("variant file `{file}` is not in the case's folder")]
    VariantFile {
        /// Path below the case's folder.
        file: String,
    },
    /// A data file is a named pipe, a device or a link to nothing.
    #[error("`{}` is no regular file", path.display())]
    Irregular {
        /// Path below the case's folder.
        path: PathBuf,
    },
    /// A port asked for a tensor that the case does not have.
    #[error("the case has no tensor `{name}`")]
    UnknownTensor {
        /// The name asked for.
        name: String,
    },
}
