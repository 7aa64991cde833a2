//! One reference case: read strictly, filled on demand.
//!
//! [`Case::load`] checks everything that needs no run: first the self-test of the fill recipe, then
//! every key, every name, and every shape against the stored values. It allocates nothing for the
//! inputs; [`Case::tensor`] fills one when called.

use std::path::{Path, PathBuf};

use super::{
    config::Config,
    problem::{CaseError, CaseProblem},
    spec::{Fill, Numerics, OutputSpec, Precision, TensorSpec},
    tensor::{ElementType, Tensor, TensorData},
    validate::{
        StoredOutputs, check_folder, check_outputs, check_recipe, check_tensors, check_values,
        entry_name, list_data, parse,
    },
    values::{Values, stored_digest},
    wire::{CaseOrigin, OutputKind, Role, Variant},
};
use reprise_base::{fs, rng::fill, stats::digest::Digest};

/// Largest `case.toml`; the longest known one has 120 KiB.
const CASE_BYTES_MAX: u64 = 16 << 20;

/// Largest `values.safetensors`; the longest known one has 1 MiB.
const VALUES_BYTES_MAX: u64 = 256 << 20;

/// A computation of an original implementation with its inputs and results.
#[derive(Debug)]
pub struct Case {
    /// The case's folder.
    pub dir: PathBuf,
    pub system: String,
    /// Name of the case, unique within its system.
    pub name: String,
    /// One sentence: what is computed.
    pub summary: String,
    /// What a reader should know before comparing.
    pub notes: Vec<String>,
    pub origin: CaseOrigin,
    /// Settings under the original's names.
    pub config: Config,
    /// Damaged files below `data/` and how the original handled them.
    pub variants: Vec<Variant>,
    /// Files below `data/`, relative to the case's folder, sorted.
    pub data_files: Vec<PathBuf>,
    seed_prefix: String,
    pub(super) numerics: Numerics,
    tensors: Vec<TensorSpec>,
    outputs: Vec<OutputSpec>,
    values: Values,
    moved: Option<MovedParameters>,
}

/// Parameters that differ from those of the case by a unit in the last place.
#[derive(Clone, Copy, Debug)]
struct MovedParameters {
    /// Which of several draws of signs.
    draw: u64,
    /// The unit, as a share of a value.
    unit: f64,
}

/// What the original computed for one output.
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
        Self::load_checked(dir, StoredOutputs::Required)
            .map_err(|problem| CaseError { dir: dir.to_owned(), problem })
    }

    /// Reads the case in folder `dir`, which may lack the values of outputs.
    ///
    /// Such a case can be run, but not checked.
    pub fn load_without_outputs(dir: &Path) -> Result<Self, CaseError> {
        Self::load_checked(dir, StoredOutputs::Optional)
            .map_err(|problem| CaseError { dir: dir.to_owned(), problem })
    }

    fn load_checked(dir: &Path, stored: StoredOutputs) -> Result<Self, CaseProblem> {
        let file = parse(&fs::read_text(&dir.join("case.toml"), CASE_BYTES_MAX)?)?;
        check_recipe(&file)?;
        check_folder(dir, &file)?;
        let values = Values::decode(&fs::read(&dir.join("values.safetensors"), VALUES_BYTES_MAX)?)?;
        let config = Config::new(format!("{}/{}", file.system, file.case), file.config);
        let tensors = check_tensors(file.tensor)?;
        let numerics = Numerics::read(&file.system, &config, &tensors);
        let outputs = check_outputs(file.output, &tensors, &config, &numerics)?;
        check_values(&tensors, &outputs, &values, stored)?;
        let data_files = list_data(dir)?;
        for variant in &file.variant {
            if data_files.binary_search(&PathBuf::from(&variant.file)).is_err() {
                return Err(CaseProblem::VariantFile { file: variant.file.clone() });
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            config,
            system: file.system,
            name: file.case,
            summary: file.summary,
            notes: file.notes,
            origin: file.origin,
            variants: file.variant,
            data_files,
            seed_prefix: file.seed_prefix,
            numerics,
            tensors,
            outputs,
            values,
            moved: None,
        })
    }

    /// Multiplies every f32 parameter by 1 + `unit` or 1 - `unit`; the signs depend on `draw`.
    pub(super) const fn with_moved_parameters(mut self, draw: u64, unit: f64) -> Self {
        self.moved = Some(MovedParameters { draw, unit });
        self
    }

    /// Returns `system/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.system, self.name)
    }

    /// Returns the inputs in the order in which the original created them.
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    /// Returns the outputs in declaration order.
    pub fn outputs(&self) -> &[OutputSpec] {
        &self.outputs
    }

    /// Returns the outputs in data-flow order.
    ///
    /// Cases declare the results of the forward pass in the order computed, but the losses before them;
    /// losses, gradients and updated parameters depend on the whole forward pass and follow it.
    pub(super) fn outputs_in_flow_order(&self) -> Vec<&OutputSpec> {
        let mut outputs: Vec<&OutputSpec> = self.outputs.iter().collect();
        outputs.sort_by_key(|output| output.role.stage());
        outputs
    }

    /// Returns the input called `name`.
    pub fn tensor_spec(&self, name: &str) -> Option<&TensorSpec> {
        self.tensors.iter().find(|tensor| tensor.name == name)
    }

    /// Returns the output called `name`.
    pub fn output_spec(&self, name: &str) -> Option<&OutputSpec> {
        self.outputs.iter().find(|output| output.name == name)
    }

    /// Fills the input called `name`; every call computes it again.
    pub fn tensor(&self, name: &str) -> Result<Tensor, CaseError> {
        let spec = self.tensor_spec(name).ok_or_else(|| CaseError {
            dir: self.dir.clone(),
            problem: CaseProblem::UnknownTensor { name: name.to_owned() },
        })?;
        Ok(self.fill(spec))
    }

    /// Fills an input of this case.
    ///
    /// # Panics
    /// If `spec` belongs to another case that stores it.
    pub fn fill(&self, spec: &TensorSpec) -> Tensor {
        let name = format!("{}/{}", self.seed_prefix, spec.name);
        let n = spec.shape.iter().product();
        let float = |values: Vec<f32>| match spec.dtype {
            ElementType::F64 => TensorData::F64(values.into_iter().map(f64::from).collect()),
            _ => TensorData::F32(values),
        };
        let data = match spec.fill {
            Fill::Uniform { lo, hi } => float(fill::uniform(&name, n, lo, hi)),
            Fill::Normalish { std } => float(fill::normalish(&name, n, std)),
            Fill::Constant { c } => match spec.dtype {
                ElementType::I64 => TensorData::I64(vec![integral(c); n]),
                ElementType::U8 => TensorData::U8(vec![integral(c).to_le_bytes()[0]; n]),
                ElementType::F32 | ElementType::F64 => float(fill::constant(n, c)),
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
        let data = match (self.moved, data) {
            (Some(moved), TensorData::F32(values)) if spec.role == Role::Parameter => {
                TensorData::F64(moved.apply(&name, &values))
            }
            (_, data) => data,
        };
        Tensor { shape: spec.shape.clone(), data }
    }

    /// Returns the elements of an input of this case at flat `positions`, without filling the rest.
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

    /// Returns what the original computed for `output` in its run in `precision`.
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

impl MovedParameters {
    fn apply(self, name: &str, values: &[f32]) -> Vec<f64> {
        let name = format!("{name}/moved/{}", self.draw);
        let signs = (0..).map(|i| if fill::unit(&name, i) < 0.5 { -1.0 } else { 1.0 });
        values.iter().zip(signs).map(|(&x, sign)| f64::from(x) * (1.0 + sign * self.unit)).collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the reader refuses constants with a fraction")]
const fn integral(c: f64) -> i64 {
    c as i64
}

#[cfg(test)]
mod tests;
