//! `case.toml` as it is written, format 1; what the values mean is checked in [`super::case`].
//!
//! Every table has a fixed set of keys, and any other key is refused with its line, except in
//! `[config]`, which holds the original's own argument names.

use serde::Deserialize;

use super::tensor::Dtype;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseFile {
    pub(super) format: u32,
    pub(super) system: String,
    pub(super) case: String,
    pub(super) summary: String,
    pub(super) seed_prefix: String,
    #[serde(default)]
    pub(super) notes: Vec<String>,
    pub(super) selftest: SelfTest,
    pub(super) origin: Origin,
    pub(super) config: toml::Table,
    #[serde(default)]
    pub(super) tensor: Vec<TensorEntry>,
    #[serde(default)]
    pub(super) output: Vec<OutputEntry>,
    #[serde(default)]
    pub(super) variant: Vec<Variant>,
}

/// Two draws by which a reader checks its own recipe.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SelfTest {
    pub(super) name: String,
    pub(super) unit_0: f64,
    pub(super) unit_1: f64,
}

/// Where the numbers of a case come from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// `pytorch`, `tensorflow`, `chainer` or `numpy`.
    pub framework: String,
    /// Version of the framework.
    pub framework_version: String,
    /// Version of the interpreter.
    pub python: String,
    /// Repository or document that holds the original.
    pub repository: String,
    /// Commit of the repository as far as known.
    pub commit: String,
    /// What was called.
    pub entry: String,
    /// Every change that was needed to run it.
    pub changes: Vec<String>,
    /// Machine and threads.
    pub platform: String,
}

/// One `[[tensor]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TensorEntry {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) fill: FillEntry,
}

/// What a tensor that goes in is to the computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Trained by the optimizer.
    Parameter,
    /// Kept by the model, not trained.
    Buffer,
    /// Data.
    Input,
    /// A random draw of the original, in the order drawn.
    Noise,
    /// A random decision of the original.
    Choice,
}

/// `fill = { ... }`; which keys belong to which kind is checked when it becomes a `Fill`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FillEntry {
    pub(super) kind: FillKind,
    pub(super) lo: Option<f64>,
    pub(super) hi: Option<f64>,
    pub(super) std: Option<f64>,
    pub(super) c: Option<f64>,
}

/// Name of a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FillKind {
    Uniform,
    Normalish,
    Constant,
    Bytes,
    Permutation,
    Stored,
}

/// One `[[output]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutputEntry {
    pub(super) name: String,
    pub(super) kind: OutputKind,
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) noise: Option<f64>,
    #[serde(default)]
    pub(super) note: String,
}

/// How the expected values of an output are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputKind {
    /// Every element.
    Full,
    /// Four statistics and 64 elements.
    Digest,
}

/// One damaged file and what the original made of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Path below the case's folder.
    pub file: String,
    /// What was done to the file.
    pub what: String,
    /// Complete records that the original returned.
    pub records_read: u64,
    /// Where the original stopped; `none` if it accepted the file.
    pub stage: String,
    /// Exception of the original, or empty.
    pub error: String,
    /// Message of the original, or empty.
    pub message: String,
    /// Frame of the record at fault, where the original names one.
    pub frame: Option<u64>,
}
