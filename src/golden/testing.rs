//! A small case in a temporary folder, and a port that returns fixed outputs.

use std::path::PathBuf;

use tempfile::TempDir;

use super::{Case, CasePort, Outputs, PortError, Precision, Tensor, TensorData, write_outputs};
use crate::fs;

/// A case with three outputs: a loss, a vector and an integer.
pub(super) const CASE: &str = r#"
format = 1
system = "toy"
case = "step"
summary = "one step of a toy"
seed_prefix = "toy/step"
notes = ["a note"]

[selftest]
name = "selftest/x"
unit_0 = 0.7890307903289795
unit_1 = 0.028378307819366455

[origin]
framework = "numpy"
framework_version = "1"
python = "3"
repository = "none"
commit = "none"
entry = "none"
changes = []
platform = "none"

[config]
lr = 0.5

[[tensor]]
name = "w"
role = "parameter"
dtype = "f32"
shape = [2]
fill = { kind = "uniform", lo = -1, hi = 1 }

[[tensor]]
name = "order"
role = "choice"
dtype = "i64"
shape = [3]
fill = { kind = "stored" }

[[output]]
name = "loss"
kind = "full"
dtype = "f32"
shape = []
noise = 1.0e-6

[[output]]
name = "y"
kind = "full"
dtype = "f32"
shape = [2]
noise = 1.0e-6

[[output]]
name = "count"
kind = "full"
dtype = "i64"
shape = [1]
"#;

/// Entries of `values.safetensors` that fit [`CASE`].
pub(super) fn values() -> Vec<(&'static str, Tensor)> {
    let scalar = |data| Tensor { shape: Vec::new(), data };
    vec![
        ("in/order", Tensor::vector(TensorData::I64(vec![2, 0, 1]))),
        ("out/loss", scalar(TensorData::F32(vec![0.25]))),
        ("out64/loss", scalar(TensorData::F64(vec![0.25]))),
        ("out/y", Tensor::vector(TensorData::F32(vec![1.0, -2.0]))),
        ("out64/y", Tensor::vector(TensorData::F64(vec![1.0, -2.0]))),
        ("out/count", Tensor::vector(TensorData::I64(vec![7]))),
    ]
}

/// Writes `toy/step` below a temporary root and returns the root and the case's folder.
pub(super) fn write(case: &str, values: &[(&str, Tensor)]) -> (TempDir, PathBuf) {
    let root = tempfile::tempdir().expect("a temporary folder");
    let dir = root.path().join("toy/step");
    fs::create_dir_all(&dir).expect("the folder is ours");
    fs::write_atomic(&dir.join("case.toml"), case.as_bytes()).expect("the folder is ours");
    let values = values.iter().map(|(name, tensor)| ((*name).to_owned(), tensor.clone())).collect();
    write_outputs(&dir.join("values.safetensors"), &values).expect("the folder is ours");
    (root, dir)
}

/// A port of system `toy` that returns fixed outputs.
pub(super) struct Fixed(pub(super) Outputs);

impl Fixed {
    /// Returns the original's values in single precision.
    pub(super) fn right() -> Self {
        let outputs = values().into_iter().filter_map(|(entry, tensor)| {
            entry.strip_prefix("out/").map(|name| (name.to_owned(), tensor))
        });
        Self(outputs.collect())
    }

    /// Replaces one output.
    pub(super) fn with(mut self, name: &str, tensor: Tensor) -> Self {
        self.0.insert(name.to_owned(), tensor);
        self
    }
}

impl CasePort for Fixed {
    fn serves(&self, system: &str) -> bool {
        system == "toy"
    }

    fn run(&self, _case: &Case, _precision: Precision) -> Result<Outputs, PortError> {
        Ok(self.0.clone())
    }
}
