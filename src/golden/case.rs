//! One reference case: read strictly, filled on demand.
//!
//! [`Case::load`] checks everything that can be checked without running anything: the self-test of
//! the fill recipe before all else, every key, every name, every shape against the stored values.
//! It allocates nothing for the tensors that go in; [`Case::tensor`] fills one when asked.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{
    config::Config,
    problem::{CaseError, Problem},
    tensor::{Dtype, Tensor, TensorData},
    validate::{
        Answers, check_folder, check_outputs, check_recipe, check_tensors, check_values,
        entry_name, list_data, parse,
    },
    values::{Values, stored_digest},
    wire::{Origin, OutputKind, Role, Variant},
};
use crate::{fs, rng::fill, stats::digest::Digest};

/// Version of the format that this reader knows.
pub const FORMAT: u32 = 1;

/// Largest `case.toml`; the longest known one has 120 KiB.
const CASE_BYTES_MAX: u64 = 16 << 20;

/// Largest `values.safetensors`; the longest known one has 1 MiB.
const VALUES_BYTES_MAX: u64 = 256 << 20;

/// Working precision of a port, and which of the original's runs it is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision, as the original ran by default.
    F32,
    /// Double precision, the strong check.
    F64,
}

impl Precision {
    /// Returns the precision's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

/// A computation of an original implementation with its inputs and results.
#[derive(Debug)]
pub struct Case {
    /// Folder that holds the case.
    pub dir: PathBuf,
    /// System that the case belongs to.
    pub system: String,
    /// Name of the case, unique within its system.
    pub name: String,
    /// One sentence: what is computed.
    pub summary: String,
    /// What a reader should know before comparing.
    pub notes: Vec<String>,
    /// Where the numbers come from.
    pub origin: Origin,
    /// Settings under the original's names.
    pub config: Config,
    /// Damaged files below `data/` and what the original made of them.
    pub variants: Vec<Variant>,
    /// Files below `data/`, relative to the case's folder, sorted.
    pub data_files: Vec<PathBuf>,
    seed_prefix: String,
    tensors: Vec<TensorSpec>,
    outputs: Vec<OutputSpec>,
    values: Values,
}

/// A tensor that goes in.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSpec {
    /// Name in the original.
    pub name: String,
    /// What it is to the computation.
    pub role: Role,
    /// Element type.
    pub dtype: Dtype,
    /// Shape in the original's layout.
    pub shape: Vec<usize>,
    /// Where its elements come from.
    pub fill: Fill,
}

/// Where the elements of a tensor come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fill {
    /// Evenly between two numbers.
    Uniform {
        /// Lower end.
        lo: f64,
        /// Upper end.
        hi: f64,
    },
    /// Bell-shaped around 0.
    Normalish {
        /// Standard deviation.
        std: f64,
    },
    /// The same number everywhere.
    Constant {
        /// The number.
        c: f64,
    },
    /// Evenly distributed bytes.
    Bytes,
    /// Every index once.
    Permutation,
    /// Kept in `values.safetensors`.
    Stored,
}

/// A tensor that comes out.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSpec {
    /// Name, unique within the case.
    pub name: String,
    /// How much of it is stored.
    pub kind: OutputKind,
    /// Element type in the original's single-precision run.
    pub dtype: Dtype,
    /// Shape in the original's layout.
    pub shape: Vec<usize>,
    /// Largest distance of the original's f32 run from its f64 run over the largest f64 value.
    pub noise: Option<f64>,
    /// What a reader should know of this output, or empty.
    pub note: String,
}

impl OutputSpec {
    /// Returns the number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Returns whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What the original got for one output.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected<'a> {
    /// Every element.
    Full(&'a TensorData),
    /// The digest.
    Digest(Box<Digest>),
}

impl Case {
    /// Reads and checks the case in folder `dir`.
    pub fn load(dir: &Path) -> Result<Self, CaseError> {
        Self::load_checked(dir, Answers::Stored)
            .map_err(|problem| CaseError { dir: dir.to_owned(), problem })
    }

    /// Reads the case in folder `dir`, which need not hold what came out.
    ///
    /// Such a case can be run, but not judged.
    pub fn load_question(dir: &Path) -> Result<Self, CaseError> {
        Self::load_checked(dir, Answers::Optional)
            .map_err(|problem| CaseError { dir: dir.to_owned(), problem })
    }

    fn load_checked(dir: &Path, answers: Answers) -> Result<Self, Problem> {
        let file = parse(&fs::read_text(&dir.join("case.toml"), CASE_BYTES_MAX)?)?;
        check_recipe(&file)?;
        check_folder(dir, &file)?;
        let values = Values::decode(&fs::read(&dir.join("values.safetensors"), VALUES_BYTES_MAX)?)?;
        let tensors = check_tensors(file.tensor)?;
        let outputs = check_outputs(file.output)?;
        check_values(&tensors, &outputs, &values, answers)?;
        let data_files = list_data(dir)?;
        for variant in &file.variant {
            if data_files.binary_search(&PathBuf::from(&variant.file)).is_err() {
                return Err(Problem::VariantFile { file: variant.file.clone() });
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            config: Config::new(format!("{}/{}", file.system, file.case), file.config),
            system: file.system,
            name: file.case,
            summary: file.summary,
            notes: file.notes,
            origin: file.origin,
            variants: file.variant,
            data_files,
            seed_prefix: file.seed_prefix,
            tensors,
            outputs,
            values,
        })
    }

    /// Returns `system/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.system, self.name)
    }

    /// Returns the tensors that go in, in the order in which the original made them.
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    /// Returns the outputs in declaration order, which is the order of the data flow.
    pub fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    /// Returns what is known of the tensor called `name`.
    pub fn tensor_spec(&self, name: &str) -> Option<&TensorSpec> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// Returns what is known of the output called `name`.
    pub fn output_spec(&self, name: &str) -> Option<&OutputSpec> {
        self.outputs.iter().find(|output| output.name == name)
    }

    /// Fills the tensor called `name`; every call computes it anew.
    pub fn tensor(&self, name: &str) -> Result<Tensor, CaseError> {
        let spec = self.tensor_spec(name).ok_or_else(|| CaseError {
            dir: self.dir.clone(),
            problem: Problem::UnknownTensor { name: name.to_owned() },
        })?;
        Ok(self.fill(spec))
    }

    /// Fills a tensor of this case.
    ///
    /// # Panics
    /// If `spec` belongs to another case that stores it.
    pub fn fill(&self, spec: &TensorSpec) -> Tensor {
        let name = format!("{}/{}", self.seed_prefix, spec.name);
        let n = spec.shape.iter().product();
        let float = |values: Vec<f32>| match spec.dtype {
            Dtype::F64 => TensorData::F64(values.into_iter().map(f64::from).collect()),
            _ => TensorData::F32(values),
        };
        let data = match spec.fill {
            Fill::Uniform { lo, hi } => float(fill::uniform(&name, n, lo, hi)),
            Fill::Normalish { std } => float(fill::normalish(&name, n, std)),
            Fill::Constant { c } => match spec.dtype {
                Dtype::I64 => TensorData::I64(vec![integral(c); n]),
                Dtype::U8 => TensorData::U8(vec![integral(c).to_le_bytes()[0]; n]),
                Dtype::F32 | Dtype::F64 => float(fill::constant(n, c)),
            },
            Fill::Bytes => TensorData::U8(fill::bytes(&name, n)),
            Fill::Permutation => TensorData::I64(fill::permutation(&name, n)),
            Fill::Stored => self
                .values
                .get(&format!("in/{}", spec.name))
                .expect("loading required every stored tensor")
                .data
                .clone(),
        };
        Tensor { shape: spec.shape.clone(), data }
    }

    /// Returns the elements of a tensor of this case at flat `positions`, without filling the rest.
    pub(super) fn elements_at(&self, spec: &TensorSpec, positions: &[usize]) -> Vec<f64> {
        let name = format!("{}/{}", self.seed_prefix, spec.name);
        let indices = positions.iter().map(|&i| i as u64);
        let floats = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
        match spec.fill {
            Fill::Uniform { lo, hi } => floats(fill::uniform_at(&name, indices, lo, hi)),
            Fill::Normalish { std } => floats(fill::normalish_at(&name, indices, std)),
            Fill::Constant { .. } | Fill::Bytes | Fill::Permutation | Fill::Stored => {
                let all = self.fill(spec).data.to_f64();
                positions.iter().map(|&i| all[i]).collect()
            }
        }
    }

    /// Returns what the original got for `output` in a run of `precision`.
    ///
    /// `None` for [`Precision::F64`] if the original ran in f32 only.
    pub fn expected(&self, output: &OutputSpec, precision: Precision) -> Option<Expected<'_>> {
        let stored = self.values.get(&entry_name(output, precision))?;
        match output.kind {
            OutputKind::Full => Some(Expected::Full(&stored.data)),
            OutputKind::Digest => stored_digest(stored).map(|d| Expected::Digest(Box::new(d))),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the reader refuses constants with a fraction")]
const fn integral(c: f64) -> i64 {
    c as i64
}

#[cfg(test)]
mod tests;
