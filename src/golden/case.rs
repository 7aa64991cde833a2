//! One reference case: read strictly, filled on demand.
//!
//! [`Case::load`] checks everything that can be checked without running anything: the self-test of
//! the fill recipe before all else, every key, every name, every shape against the stored values.
//! It allocates nothing for the tensors that go in; [`Case::tensor`] fills one when asked.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    config::Config,
    problem::{CaseError, Problem},
    tensor::{Dtype, Tensor, TensorData, element_count},
    values::{Values, ValuesError, stored_digest},
    wire::{
        CaseFile, FillEntry, FillKind, Origin, OutputEntry, OutputKind, Role, TensorEntry, Variant,
    },
};
use crate::{
    fs,
    rng::fill,
    stats::digest::{self, Digest},
};

/// Version of the format that this reader knows.
pub const FORMAT: u32 = 1;

/// Most elements that one tensor of a case may have: 1 GiB in single precision.
const ELEMENTS_MAX: usize = 1 << 28;

/// Most elements that all tensors of a case may have together.
const ELEMENTS_TOTAL_MAX: usize = 1 << 30;

/// Most elements of an output that is stored in full.
const FULL_ELEMENTS_MAX: usize = 4096;

/// Largest `case.toml`; the longest known one has 120 KiB.
const CASE_BYTES_MAX: u64 = 16 << 20;

/// Largest `values.safetensors`; the longest known one has 1 MiB.
const VALUES_BYTES_MAX: u64 = 256 << 20;

/// Working precision of a port, and which of the original's runs it is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// Single precision, as the original ran by default.
    F32,
    /// Double precision, the strong check.
    F64,
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
        Self::load_checked(dir).map_err(|problem| CaseError { dir: dir.to_owned(), problem })
    }

    fn load_checked(dir: &Path) -> Result<Self, Problem> {
        let file = parse(&fs::read_text(&dir.join("case.toml"), CASE_BYTES_MAX)?)?;
        check_recipe(&file)?;
        check_folder(dir, &file)?;
        let values = Values::decode(&fs::read(&dir.join("values.safetensors"), VALUES_BYTES_MAX)?)?;
        let tensors = check_tensors(file.tensor)?;
        let outputs = check_outputs(file.output)?;
        check_values(&tensors, &outputs, &values)?;
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

/// Parses the text of a `case.toml`.
fn parse(text: &str) -> Result<CaseFile, Problem> {
    let found = match toml::from_str::<CaseFile>(text) {
        Ok(file) if file.format == FORMAT => return Ok(file),
        Ok(file) => i64::from(file.format),
        // Keys of a newer format are unknown here, which is no mistake of its writer.
        Err(source) => match stated_format(text).filter(|&found| found != i64::from(FORMAT)) {
            Some(found) => found,
            None => return Err(Problem::Toml(Box::new(source))),
        },
    };
    Err(Problem::Version { found })
}

fn stated_format(text: &str) -> Option<i64> {
    text.parse::<toml::Table>().ok()?.get("format")?.as_integer()
}

/// Compares our fill recipe with the two draws that the case carries.
#[expect(clippy::float_cmp, reason = "the recipe is exact or wrong")]
fn check_recipe(file: &CaseFile) -> Result<(), Problem> {
    let test = &file.selftest;
    for (i, expected) in (0..).zip([test.unit_0, test.unit_1]) {
        let computed = fill::unit(&test.name, i);
        if computed != expected {
            return Err(Problem::SelfTest { name: test.name.clone(), i, expected, computed });
        }
    }
    Ok(())
}

/// Checks that the folder carries the names that the file states.
fn check_folder(dir: &Path, file: &CaseFile) -> Result<(), Problem> {
    let name_of = |path: Option<&Path>| Some(path?.file_name()?.to_string_lossy().into_owned());
    let pairs =
        [("case", &file.case, name_of(Some(dir))), ("system", &file.system, name_of(dir.parent()))];
    for (key, stated, folder) in pairs {
        check_name(key, stated)?;
        if let Some(folder) = folder.filter(|folder| folder != stated) {
            return Err(Problem::Folder { key, stated: stated.clone(), folder });
        }
    }
    Ok(())
}

fn check_name(what: &'static str, name: &str) -> Result<(), Problem> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(Problem::Name { what, name: name.to_owned() });
    }
    Ok(())
}

fn check_tensors(entries: Vec<TensorEntry>) -> Result<Vec<TensorSpec>, Problem> {
    let mut names = BTreeSet::new();
    let mut total = 0;
    let mut specs = Vec::with_capacity(entries.len());
    for TensorEntry { name, role, dtype, shape, fill } in entries {
        check_name("tensor", &name)?;
        if !names.insert(name.clone()) {
            return Err(Problem::Duplicate { what: "tensor", name });
        }
        let Some(n) = element_count(&shape, ELEMENTS_MAX) else {
            return Err(Problem::TooLarge { name, shape, limit: ELEMENTS_MAX });
        };
        total += n;
        if total > ELEMENTS_TOTAL_MAX {
            return Err(Problem::TooLarge { name, shape, limit: ELEMENTS_TOTAL_MAX });
        }
        let fill = check_fill(&name, dtype, &fill)?;
        specs.push(TensorSpec { name, role, dtype, shape, fill });
    }
    Ok(specs)
}

/// Checks that a fill has exactly the keys of its kind and makes elements of type `dtype`.
fn check_fill(name: &str, dtype: Dtype, entry: &FillEntry) -> Result<Fill, Problem> {
    let FillEntry { kind, lo, hi, std, c } = *entry;
    let problem = |why| Problem::Fill { name: name.to_owned(), why };
    let fill = match (kind, lo, hi, std, c) {
        (FillKind::Uniform, Some(lo), Some(hi), None, None) => Fill::Uniform { lo, hi },
        (FillKind::Normalish, None, None, Some(std), None) => Fill::Normalish { std },
        (FillKind::Constant, None, None, None, Some(c)) => Fill::Constant { c },
        (FillKind::Bytes, None, None, None, None) => Fill::Bytes,
        (FillKind::Permutation, None, None, None, None) => Fill::Permutation,
        (FillKind::Stored, None, None, None, None) => Fill::Stored,
        (FillKind::Uniform, ..) => return Err(problem("`uniform` takes `lo` and `hi`")),
        (FillKind::Normalish, ..) => return Err(problem("`normalish` takes `std`")),
        (FillKind::Constant, ..) => return Err(problem("`constant` takes `c`")),
        _ => return Err(problem("`bytes`, `permutation` and `stored` take no further key")),
    };
    if [lo, hi, std, c].into_iter().flatten().any(|x| !x.is_finite()) {
        return Err(problem("its numbers are not all finite"));
    }
    let fits = match fill {
        Fill::Uniform { .. } | Fill::Normalish { .. } => dtype.is_float(),
        Fill::Constant { c } => match dtype {
            Dtype::F32 | Dtype::F64 => true,
            Dtype::I64 => c.fract() == 0.0 && c.abs() < 9e15,
            Dtype::U8 => c.fract() == 0.0 && (0.0..256.0).contains(&c),
        },
        Fill::Bytes => dtype == Dtype::U8,
        Fill::Permutation => dtype == Dtype::I64,
        Fill::Stored => true,
    };
    if fits {
        Ok(fill)
    } else {
        Err(problem("its kind does not make elements of the stated dtype"))
    }
}

fn check_outputs(entries: Vec<OutputEntry>) -> Result<Vec<OutputSpec>, Problem> {
    let mut names = BTreeSet::new();
    let mut specs = Vec::with_capacity(entries.len());
    for OutputEntry { name, kind, dtype, shape, noise, note } in entries {
        check_name("output", &name)?;
        if !names.insert(name.clone()) {
            return Err(Problem::Duplicate { what: "output", name });
        }
        let limit = match kind {
            OutputKind::Full => FULL_ELEMENTS_MAX,
            OutputKind::Digest => ELEMENTS_MAX,
        };
        match element_count(&shape, limit) {
            None => return Err(Problem::TooLarge { name, shape, limit }),
            Some(0) if kind == OutputKind::Digest => return Err(Problem::EmptyDigest { name }),
            Some(_) => {}
        }
        if noise.is_some_and(|noise| !(noise.is_finite() && noise >= 0.0)) {
            return Err(Problem::Noise { name });
        }
        specs.push(OutputSpec { name, kind, dtype, shape, noise, note });
    }
    Ok(specs)
}

/// Checks that the stored values are exactly those that the case names.
fn check_values(
    tensors: &[TensorSpec],
    outputs: &[OutputSpec],
    values: &Values,
) -> Result<(), ValuesError> {
    let mut known = Vec::new();
    for tensor in tensors.iter().filter(|tensor| tensor.fill == Fill::Stored) {
        let entry = format!("in/{}", tensor.name);
        values.require(&entry, tensor.dtype, &tensor.shape)?;
        known.push(entry);
    }
    for output in outputs {
        let single = entry_name(output, Precision::F32);
        let double = entry_name(output, Precision::F64);
        let (dtype, shape) = match output.kind {
            OutputKind::Full => (output.dtype, output.shape.as_slice()),
            OutputKind::Digest => (Dtype::F64, [digest::LEN].as_slice()),
        };
        values.require(&single, dtype, shape)?;
        if values.get(&double).is_some() {
            values.require(&double, Dtype::F64, shape)?;
        }
        known.extend([single, double]);
    }
    known.sort_unstable();
    values.refuse_others(&known)
}

fn entry_name(output: &OutputSpec, precision: Precision) -> String {
    let folder = match (output.kind, precision) {
        (OutputKind::Full, Precision::F32) => "out",
        (OutputKind::Full, Precision::F64) => "out64",
        (OutputKind::Digest, Precision::F32) => "digest",
        (OutputKind::Digest, Precision::F64) => "digest64",
    };
    format!("{folder}/{}", output.name)
}

/// Lists the regular files below `data/`, relative to the case's folder.
fn list_data(dir: &Path) -> Result<Vec<PathBuf>, Problem> {
    let mut files = Vec::new();
    if fs::kind(&dir.join("data"))?.is_some() {
        list_files(dir, Path::new("data"), &mut files)?;
    }
    files.sort_unstable();
    Ok(files)
}

fn list_files(dir: &Path, below: &Path, files: &mut Vec<PathBuf>) -> Result<(), Problem> {
    for entry in fs::read_dir_sorted(&dir.join(below))? {
        let path = below.join(entry.name);
        match entry.kind {
            fs::Kind::File => files.push(path),
            fs::Kind::Dir => list_files(dir, &path, files)?,
            fs::Kind::Other | fs::Kind::Dangling => return Err(Problem::Irregular { path }),
        }
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "the reader refuses constants with a fraction")]
const fn integral(c: f64) -> i64 {
    c as i64
}

#[cfg(test)]
mod tests;
