//! `record.json`: everything that is known about a finished run.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::event::Scores;
pub use crate::metrics::MetricDefinition;
use crate::{
    config::{RunSpec, engine::Arithmetic},
    scalar::{Epoch, Step},
};

/// Version of the record format; a newer one is refused by name.
pub const RECORD_FORMAT: u32 = 1;

/// Identity of a run: the first 16 hex digits of the SHA-256 over what decides its numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// A text that is no run id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a run id (16 lower-case hexadecimal digits)")]
pub struct InvalidRunId(String);

impl RunId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = InvalidRunId;

    fn from_str(text: &str) -> Result<Self, InvalidRunId> {
        let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 16 && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRunId(text.to_owned()))
        }
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidRunId;

    fn try_from(text: String) -> Result<Self, InvalidRunId> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`RECORD_FORMAT`].
    pub format: u32,
    /// Identity of the run.
    pub run: RunId,
    /// How it ended.
    pub outcome: Outcome,
    /// The whole configuration.
    pub spec: RunSpec,
    /// What it learned from.
    pub data: DataRecord,
    /// What did the arithmetic.
    pub engine: EngineRecord,
    /// Which code ran.
    pub code: CodeRecord,
    /// On which machine.
    pub host: HostRecord,
    /// Named random streams of the run and what each was used for.
    pub streams: BTreeMap<String, String>,
    /// Number of trained scalars.
    pub parameters: u64,
    /// SHA-256 of all parameters and buffers after the first two optimizer steps.
    pub canary: Option<String>,
    /// SHA-256 of all parameters and buffers after the last optimizer step.
    pub final_state: String,
    /// The checkpoint that was chosen on validation, if one was evaluated.
    pub best: Option<BestCheckpoint>,
    /// Scores of the chosen checkpoint on the validation sequences.
    pub validation: Option<Scores>,
    /// Scores of the chosen checkpoint on the test sequences.
    pub test: Option<Scores>,
    /// What each metric name means.
    pub metrics: BTreeMap<String, MetricDefinition>,
    /// What each journal series means.
    pub series: BTreeMap<String, SeriesDefinition>,
    /// Files of the run folder with size and hash.
    pub artefacts: BTreeMap<String, Artefact>,
    /// When and how long; not part of any comparison.
    pub timing: TimingRecord,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// All steps were taken.
    Completed,
    /// A quantity stopped being finite; the run ended there.
    Diverged {
        /// The step that produced it.
        step: Step,
        /// Which quantity (`loss`, a parameter's name).
        quantity: String,
        /// The value as text, since JSON has no NaN.
        value: String,
    },
}

/// Digests of the data of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecord {
    /// The dataset's name.
    pub name: String,
    /// SHA-256 over all decoded sequences.
    pub pack_sha256: String,
    /// SHA-256 over the list of source files with their own SHA-256.
    pub sources_sha256: String,
    /// Number of source files.
    pub source_files: u64,
    /// Sequences by split.
    pub sequences: BTreeMap<String, u64>,
    /// Frames of a sequence.
    pub frames: u64,
    /// Height, width, channels.
    pub frame_shape: [u64; 3],
    /// Origin of the data in a sentence.
    pub origin: String,
}

/// The arithmetic's surroundings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineRecord {
    /// Version of libtorch.
    pub libtorch: String,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Marketing name of the device.
    pub device_name: String,
    /// CUDA runtime and driver versions, where used.
    pub cuda: Option<CudaRecord>,
    /// Instruction set that libtorch dispatches to, e.g. `AVX2`.
    pub cpu_capability: String,
    /// Intra-op threads.
    pub threads: u64,
    /// Which operations computed the model; `exact` in records from before there was a choice.
    #[serde(default)]
    pub arithmetic: Arithmetic,
    /// Determinism switches and their values.
    pub switches: BTreeMap<String, String>,
}

/// Versions of the CUDA stack of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CudaRecord {
    /// CUDA runtime version.
    pub runtime: String,
    /// Driver version.
    pub driver: String,
    /// cuDNN version.
    pub cudnn: String,
}

/// The code that made a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeRecord {
    /// Version of reprise.
    pub version: String,
    /// SHA-256 over the sources that the binary was built from.
    pub sources_sha256: String,
    /// Compiler that built the binary.
    pub rustc: String,
    /// The git state of the folder in which the run was started, if it is a repository.
    pub git: Option<GitRecord>,
}

/// A git working tree, exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitRecord {
    /// Commit id of HEAD, if there is one.
    pub commit: Option<String>,
    /// Branch name, unless detached.
    pub branch: Option<String>,
    /// Tree id of the working tree as it was: dirty and untracked files included.
    pub tree: String,
    /// Private reference that keeps the tree from being collected.
    pub reference: String,
    /// Paths that differ from the commit; the difference itself is `code.patch`.
    pub changed: Vec<String>,
    /// Untracked paths left out of the tree: too large, or nothing that a tree can hold.
    pub left_out: Vec<String>,
}

/// The machine of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostRecord {
    /// Operating system and kernel.
    pub os: String,
    /// Processor name.
    pub cpu: String,
    /// Instruction-set extensions that matter for numerics, sorted.
    pub cpu_features: Vec<String>,
    /// Logical cores.
    pub cores: u64,
}

/// The checkpoint chosen on validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestCheckpoint {
    /// The epoch after which it was taken.
    pub epoch: Epoch,
    /// The metric that chose it.
    pub metric: String,
    /// Its validation value.
    pub value: f64,
}

/// What a journal series means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesDefinition {
    /// Label for an axis, e.g. `KL divergence`.
    pub label: String,
    /// Unit; empty where there is none.
    pub unit: String,
    /// What one value is.
    pub definition: String,
}

impl SeriesDefinition {
    /// Puts a definition together; `unit` is empty where there is none.
    pub fn new(label: &str, unit: &str, definition: &str) -> Self {
        let [label, unit, definition] = [label, unit, definition].map(str::to_owned);
        Self { label, unit, definition }
    }
}

/// A file of the run folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artefact {
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// What the clock said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimingRecord {
    /// Start of the first attempt, RFC 3339 in UTC.
    pub started: String,
    /// End of the last attempt, RFC 3339 in UTC.
    pub finished: String,
    /// Seconds in which the run was worked on, over all attempts.
    pub active_seconds: f64,
    /// How often the run was started or resumed.
    pub attempts: u64,
    /// Peak resident memory of the last attempt in bytes.
    pub peak_memory_bytes: u64,
}
