//! The checks that make a case valid, for [`super::Case::load`].

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    config::Config,
    problem::CaseProblem,
    spec::{FORMAT, Fill, Numerics, OutputRole, OutputSpec, Precision, TensorSpec},
    tensor::{ElementType, element_count},
    values::{Values, ValuesError},
    wire::{CaseFile, FillEntry, FillKind, OutputEntry, OutputKind, TensorEntry},
};
use crate::{fs, rng::fill, stats::digest};

/// Limit on the elements of one tensor of a case: 1 GiB in single precision.
const ELEMENTS_MAX: usize = 1 << 28;

/// Limit on the elements of all inputs of a case together.
const ELEMENTS_TOTAL_MAX: usize = 1 << 30;

/// Limit on the elements of an output that is stored in full.
const FULL_ELEMENTS_MAX: usize = 4096;

/// Parses the text of a `case.toml`.
pub(super) fn parse(text: &str) -> Result<CaseFile, CaseProblem> {
    let found = match toml::from_str::<CaseFile>(text) {
        Ok(file) if file.format == FORMAT => return Ok(file),
        Ok(file) => i64::from(file.format),
        // A newer format may have keys that are unknown here.
        Err(source) => match stated_format(text).filter(|&found| found != i64::from(FORMAT)) {
            Some(found) => found,
            None => return Err(CaseProblem::Toml(Box::new(source))),
        },
    };
    Err(CaseProblem::Version { found })
}

fn stated_format(text: &str) -> Option<i64> {
    text.parse::<toml::Table>().ok()?.get("format")?.as_integer()
}

/// Compares our fill recipe with the two draws that the case states.
#[expect(clippy::float_cmp, reason = "the recipe is exact or wrong")]
pub(super) fn check_recipe(file: &CaseFile) -> Result<(), CaseProblem> {
    let test = &file.selftest;
    for (i, expected) in (0..).zip([test.unit_0, test.unit_1]) {
        let computed = fill::unit(&test.name, i);
        if computed != expected {
            return Err(CaseProblem::SelfTest { name: test.name.clone(), i, expected, computed });
        }
    }
    Ok(())
}

/// Checks that the names in the file are those of its folders.
pub(super) fn check_folder(dir: &Path, file: &CaseFile) -> Result<(), CaseProblem> {
    let name_of = |path: Option<&Path>| Some(path?.file_name()?.to_string_lossy().into_owned());
    let pairs =
        [("case", &file.case, name_of(Some(dir))), ("system", &file.system, name_of(dir.parent()))];
    for (key, stated, folder) in pairs {
        check_name(key, stated)?;
        if let Some(folder) = folder.filter(|folder| folder != stated) {
            return Err(CaseProblem::Folder { key, stated: stated.clone(), folder });
        }
    }
    Ok(())
}

fn check_name(what: &'static str, name: &str) -> Result<(), CaseProblem> {
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(CaseProblem::Name { what, name: name.to_owned() });
    }
    Ok(())
}

pub(super) fn check_tensors(entries: Vec<TensorEntry>) -> Result<Vec<TensorSpec>, CaseProblem> {
    let mut names = BTreeSet::new();
    let mut total = 0;
    let mut specs = Vec::with_capacity(entries.len());
    for TensorEntry { name, role, dtype, shape, fill } in entries {
        check_name("tensor", &name)?;
        if !names.insert(name.clone()) {
            return Err(CaseProblem::Duplicate { what: "tensor", name });
        }
        let Some(n) = element_count(&shape, ELEMENTS_MAX) else {
            return Err(CaseProblem::TooLarge { name, shape, limit: ELEMENTS_MAX });
        };
        total += n;
        if total > ELEMENTS_TOTAL_MAX {
            return Err(CaseProblem::TooLarge { name, shape, limit: ELEMENTS_TOTAL_MAX });
        }
        let fill = check_fill(&name, dtype, &fill)?;
        specs.push(TensorSpec { name, role, dtype, shape, fill });
    }
    Ok(specs)
}

/// Checks that a fill has exactly the keys of its kind and can produce elements of type `dtype`.
fn check_fill(name: &str, dtype: ElementType, entry: &FillEntry) -> Result<Fill, CaseProblem> {
    let FillEntry { kind, lo, hi, std, c } = *entry;
    let problem = |why| CaseProblem::Fill { name: name.to_owned(), why };
    let fill = match (kind, lo, hi, std, c) {
        (FillKind::Uniform, Some(lo), Some(hi), None, None) => Fill::Uniform { lo, hi },
        (FillKind::Normalish, None, None, Some(std), None) => Fill::Normalish { std },
        (FillKind::Constant, None, None, None, Some(c)) => Fill::Constant { c },
        (FillKind::Bytes, None, None, None, None) => Fill::Bytes,
        (FillKind::Permutation, None, None, None, None) => Fill::Permutation,
        (FillKind::Stored, None, None, None, None) => Fill::Stored,
        (FillKind::Uniform, ..) => return Err(problem("`uniform` needs exactly `lo` and `hi`")),
        (FillKind::Normalish, ..) => return Err(problem("`normalish` needs exactly `std`")),
        (FillKind::Constant, ..) => return Err(problem("`constant` needs exactly `c`")),
        _ => return Err(problem("`bytes`, `permutation` and `stored` take no other key")),
    };
    if [lo, hi, std, c].into_iter().flatten().any(|x| !x.is_finite()) {
        return Err(problem("its numbers must be finite"));
    }
    let fits = match fill {
        Fill::Uniform { .. } | Fill::Normalish { .. } => dtype.is_float(),
        Fill::Constant { c } => match dtype {
            ElementType::F32 | ElementType::F64 => true,
            ElementType::I64 => c.fract() == 0.0 && c.abs() < 9e15,
            ElementType::U8 => c.fract() == 0.0 && (0.0..256.0).contains(&c),
        },
        Fill::Bytes => dtype == ElementType::U8,
        Fill::Permutation => dtype == ElementType::I64,
        Fill::Stored => true,
    };
    if fits { Ok(fill) } else { Err(problem("its kind cannot produce the stated dtype")) }
}

pub(super) fn check_outputs(
    entries: Vec<OutputEntry>,
    tensors: &[TensorSpec],
    config: &Config,
    numerics: &Numerics,
) -> Result<Vec<OutputSpec>, CaseProblem> {
    let zeros = config.strs("zero_by_construction").unwrap_or_default();
    let roles: Vec<OutputRole> =
        entries.iter().map(|entry| OutputRole::read(entry, &entries, tensors, config)).collect();
    let mut names = BTreeSet::new();
    let mut specs = Vec::with_capacity(entries.len());
    for (entry, role) in entries.into_iter().zip(roles) {
        let per_update = numerics.is_per_update(&entry, config);
        let OutputEntry { name, kind, dtype, shape, noise, note } = entry;
        check_name("output", &name)?;
        if !names.insert(name.clone()) {
            return Err(CaseProblem::Duplicate { what: "output", name });
        }
        let limit = match kind {
            OutputKind::Full => FULL_ELEMENTS_MAX,
            OutputKind::Digest => ELEMENTS_MAX,
        };
        match element_count(&shape, limit) {
            None => return Err(CaseProblem::TooLarge { name, shape, limit }),
            Some(0) if kind == OutputKind::Digest => return Err(CaseProblem::EmptyDigest { name }),
            Some(_) => {}
        }
        if noise.is_some_and(|noise| !(noise.is_finite() && noise >= 0.0)) {
            return Err(CaseProblem::Noise { name });
        }
        let zero = zeros.contains(&name.as_str());
        specs.push(OutputSpec { name, role, kind, dtype, shape, noise, note, per_update, zero });
    }
    Ok(specs)
}

/// Whether a case must hold the values of its outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoredOutputs {
    Required,
    Optional,
}

/// Checks that the stored values are exactly those that the case needs.
pub(super) fn check_values(
    tensors: &[TensorSpec],
    outputs: &[OutputSpec],
    values: &Values,
    stored: StoredOutputs,
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
            OutputKind::Digest => (ElementType::F64, [digest::LEN].as_slice()),
        };
        if stored == StoredOutputs::Required || values.get(&single).is_some() {
            values.require(&single, dtype, shape)?;
        }
        if values.get(&double).is_some() {
            values.require(&double, ElementType::F64, shape)?;
        }
        known.extend([single, double]);
    }
    known.sort_unstable();
    values.refuse_others(&known)
}

pub(super) fn entry_name(output: &OutputSpec, precision: Precision) -> String {
    let folder = match (output.kind, precision) {
        (OutputKind::Full, Precision::F32) => "out",
        (OutputKind::Full, Precision::F64) => "out64",
        (OutputKind::Digest, Precision::F32) => "digest",
        (OutputKind::Digest, Precision::F64) => "digest64",
    };
    format!("{folder}/{}", output.name)
}

/// Lists the regular files below `data/`, relative to the case's folder.
pub(super) fn list_data(dir: &Path) -> Result<Vec<PathBuf>, CaseProblem> {
    let mut files = Vec::new();
    if fs::kind(&dir.join("data"))?.is_some() {
        list_files(dir, Path::new("data"), &mut files)?;
    }
    files.sort_unstable();
    Ok(files)
}

fn list_files(dir: &Path, below: &Path, files: &mut Vec<PathBuf>) -> Result<(), CaseProblem> {
    for entry in fs::read_dir_sorted(&dir.join(below))? {
        let path = below.join(entry.name);
        match entry.kind {
            fs::FileKind::File => files.push(path),
            fs::FileKind::Dir => list_files(dir, &path, files)?,
            fs::FileKind::Other | fs::FileKind::Dangling => {
                return Err(CaseProblem::Irregular { path });
            }
        }
    }
    Ok(())
}
