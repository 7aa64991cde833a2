//! `record.json`: everything that is known about a finished run.
//!
//! # Changes of the format
//!
//! | Format | Change | In older records |
//! |---|---|---|
//! | 1 | first format | |
//! | 1 | `engine.arithmetic`, `spec.engine.arithmetic` | absent, read as `exact` |
//! | 1 | `spec.initial_weights`, `spec.engine.devices`, `spec.evaluation.horizon`: written only if set | absent, read as not set |
//! | 1 | `data.facts`, `code.git.changed_more`, `code.git.all_left_out`, `code.git_refused`: written only if there are any | absent, read as none |
//! | 2 | `spec.continue_from`, `spec.training.keep`: written only if set | absent, read as not set |
//! | 2 | `sha256`, the digest of the rest of the record | absent, read unchecked |
//!
//! Every later version reads every earlier format: a new key has a default for records without it.
//! Older versions refuse unknown keys, so a new key raises [`RECORD_FORMAT`] unless it is written only
//! if set. A changed meaning or type always raises it. The format has no influence on run ids (see
//! [`super::run_id`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::Scores;
pub use reprise_base::{config::ids::RunId, metrics::MetricDefinition};
use reprise_base::{
    config::{RunSpec, engine::Arithmetic, training::TrainingSpec},
    scalar::{Count, Epoch, Step},
};
use reprise_data::Fact;

/// Version of the record format; newer records are refused.
pub const RECORD_FORMAT: u32 = 2;

/// A finished run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`RECORD_FORMAT`] when it was written.
    pub format: u32,
    pub run: RunId,
    pub outcome: Outcome,
    pub spec: RunSpec,
    pub data: DataRecord,
    pub engine: EngineRecord,
    pub code: CodeRecord,
    pub host: HostRecord,
    /// Use of each random stream, by name.
    pub streams: BTreeMap<String, String>,
    /// Number of trained scalars.
    pub parameters: u64,
    /// SHA-256 of all parameters and buffers after the first two optimizer steps.
    pub canary: Option<String>,
    /// SHA-256 of all parameters and buffers after the last optimizer step.
    pub final_state: String,
    /// The checkpoint that validation chose, if there was a validation.
    pub best: Option<BestCheckpoint>,
    /// Scores of the chosen checkpoint on the validation sequences.
    pub validation: Option<Scores>,
    /// Scores of the chosen checkpoint on the test sequences.
    pub test: Option<Scores>,
    /// Definitions by metric name.
    pub metrics: BTreeMap<String, MetricDefinition>,
    /// Definitions by name of a journal series.
    pub series: BTreeMap<String, SeriesDefinition>,
    /// Size and digest of files of the run folder, by name.
    pub artefacts: BTreeMap<String, Artefact>,
    /// Never compared.
    pub timing: TimingRecord,
}

impl Record {
    /// Returns the number of optimizer steps after which training ended; all of them if it diverged.
    pub const fn updates(&self) -> u64 {
        let training = &self.spec.training;
        self.outcome.epochs(training).get() * training.steps_per_epoch.get()
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Outcome {
    /// All steps were taken.
    Completed,
    /// Training ended before its last epoch, because the validation score had not become better
    /// (`training.early_stopping`).
    StoppedEarly {
        /// Epochs that were trained.
        epochs: Count,
    },
    /// A quantity became NaN or infinite; the run ended there.
    Diverged {
        step: Step,
        /// `loss`, or the name of a parameter.
        quantity: String,
        /// The value as text, since JSON has no NaN.
        value: String,
    },
}

impl Outcome {
    /// Returns the outcome in a word or two.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::StoppedEarly { .. } => "stopped early",
            Self::Diverged { .. } => "diverged",
        }
    }

    /// Returns whether training ended as its settings ask, so that there are weights to be scored.
    pub const fn is_trained(&self) -> bool {
        match self {
            Self::Completed | Self::StoppedEarly { .. } => true,
            Self::Diverged { .. } => false,
        }
    }

    /// Returns the epochs after which training with these settings ended; all of them if it diverged.
    pub const fn epochs(&self, training: &TrainingSpec) -> Count {
        match self {
            Self::StoppedEarly { epochs } => *epochs,
            Self::Completed | Self::Diverged { .. } => training.epochs,
        }
    }
}

/// The data set of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecord {
    pub name: String,
    /// SHA-256 over all decoded sequences.
    pub pack_sha256: String,
    /// SHA-256 over the list of source files with their digests.
    pub sources_sha256: String,
    pub source_files: u64,
    /// Sequences by split.
    pub sequences: BTreeMap<String, u64>,
    /// Frames per sequence.
    pub frames: u64,
    /// Height, width, channels.
    pub frame_shape: [u64; 3],
    /// Where the data come from, in one sentence.
    pub origin: String,
    /// What else its reader understood, such as the categories. Missing in older records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
}

/// What computed the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineRecord {
    /// Version.
    pub libtorch: String,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Product name of the device.
    pub device_name: String,
    pub cuda: Option<CudaRecord>,
    /// Instruction set that libtorch uses, e.g. `AVX2`.
    pub cpu_capability: String,
    /// Intra-op threads.
    pub threads: u64,
    #[serde(default)]
    pub arithmetic: Arithmetic,
    /// Determinism switches and their values.
    pub switches: BTreeMap<String, String>,
}

/// Versions of the CUDA stack of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CudaRecord {
    pub runtime: String,
    pub driver: String,
    pub cudnn: String,
}

/// The code that trained a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeRecord {
    /// Version of reprise.
    pub version: String,
    /// SHA-256 over the sources that the binary was built from.
    pub sources_sha256: String,
    /// The compiler of the binary.
    pub rustc: String,
    /// State of the repository in which the run was started, if there was one.
    pub git: Option<GitRecord>,
    /// Why the repository around the working folder was not recorded, although there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_refused: Option<String>,
}

/// The exact state of a git working tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GitRecord {
    /// Commit id of HEAD, if there is one.
    pub commit: Option<String>,
    /// Branch name, unless detached.
    pub branch: Option<String>,
    /// Tree id of the working tree as it was: dirty and untracked files included.
    pub tree: String,
    /// Private reference that keeps git from deleting the tree.
    pub reference: String,
    /// The first 100 paths that differ from the commit; `code.patch` has the difference.
    pub changed: Vec<String>,
    /// Number of other paths that differ from the commit.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub changed_more: u64,
    /// Untracked paths that are not in the tree, the first 20: data, files that look like secrets, files
    /// that are too large or too many, or of a type that git cannot store.
    pub left_out: Vec<String>,
    /// All untracked paths that are not in the tree, if they are more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_left_out: Option<LeftOutFiles>,
}

/// Untracked files that are not in the tree of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOutFiles {
    pub files: u64,
    /// Size of those that are not in a folder of data.
    pub bytes: u64,
    /// SHA-256 of their paths, sorted, one per line.
    pub paths_sha256: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The machine of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostRecord {
    /// Operating system and kernel.
    pub os: String,
    pub cpu: String,
    /// Instruction-set extensions that can change results, sorted.
    pub cpu_features: Vec<String>,
    /// Logical cores.
    pub cores: u64,
}

/// The checkpoint that validation chose.
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

/// Definition of a journal series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeriesDefinition {
    /// Label for an axis, e.g. `KL divergence`.
    pub label: String,
    /// Empty if there is none.
    pub unit: String,
    /// What one value is.
    pub definition: String,
}

impl SeriesDefinition {
    /// Returns a definition; `unit` is empty if there is none.
    pub fn new(label: &str, unit: &str, definition: &str) -> Self {
        let [label, unit, definition] = [label, unit, definition].map(str::to_owned);
        Self { label, unit, definition }
    }
}

/// A file of the run folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artefact {
    pub bytes: u64,
    pub sha256: String,
}

/// Wall-clock times of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimingRecord {
    /// Start of the first attempt, RFC 3339 in UTC.
    pub started: String,
    /// End of the last attempt, RFC 3339 in UTC.
    pub finished: String,
    /// Seconds of work, over all attempts.
    pub active_seconds: f64,
    /// Number of starts and resumes.
    pub attempts: u64,
    /// Peak resident memory of the last attempt in bytes.
    pub peak_memory_bytes: u64,
}
