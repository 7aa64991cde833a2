//! `case.toml` as it is written, format 1; [`super::validate`] checks the values.
//!
//! Every table has a fixed set of keys; any other key is an error that names its line, except in
//! `[config]`, which holds the original's own argument names.

use serde::{Deserialize, Deserializer};

use super::tensor::ElementType;

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
    pub(super) origin: CaseOrigin,
    pub(super) config: toml::Table,
    #[serde(default)]
    pub(super) tensor: Vec<TensorEntry>,
    #[serde(default)]
    pub(super) output: Vec<OutputEntry>,
    #[serde(default)]
    pub(super) variant: Vec<Variant>,
}

/// Two draws by which a reader checks its implementation of the fill recipe.
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
pub struct CaseOrigin {
    /// `pytorch`, `tensorflow`, `chainer` or `numpy`.
    pub framework: String,
    pub framework_version: String,
    /// Version of the Python interpreter.
    pub python: String,
    /// Repository or document with the original.
    pub repository: String,
    /// Commit of the repository, if known.
    pub commit: String,
    /// What was called.
    pub entry: String,
    /// Every change to the original that was needed to run it.
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
    pub(super) dtype: ElementType,
    pub(super) shape: Vec<usize>,
    pub(super) fill: FillEntry,
}

/// What an input is to the computation.
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

/// `fill = { ... }`; the keys of each kind are checked when it becomes a `Fill`.
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
    pub(super) dtype: ElementType,
    pub(super) shape: Vec<usize>,
    pub(super) noise: Option<f64>,
    #[serde(default, deserialize_with = "non_empty")]
    pub(super) note: Option<String>,
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

/// One damaged file and how the original handled it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Path below the case's folder.
    pub file: String,
    /// The damage.
    pub what: String,
    /// Complete records that the original returned.
    pub records_read: u64,
    /// Where the original stopped; `None` if it accepted the file.
    #[serde(deserialize_with = "stage")]
    pub stage: Option<String>,
    /// The original's exception.
    #[serde(deserialize_with = "non_empty")]
    pub error: Option<String>,
    /// The original's message.
    #[serde(deserialize_with = "non_empty")]
    pub message: Option<String>,
    /// The invalid frame, if the original names one.
    pub frame: Option<u64>,
}

/// Reads a text; the files write absence as an empty one.
fn non_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(|text| Some(text).filter(|text| !text.is_empty()))
}

/// Reads a stage; the files write absence as `none`.
fn stage<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(|stage| Some(stage).filter(|stage| stage != "none"))
}
