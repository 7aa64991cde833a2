//! Shared by the ports that run on libtorch: inputs of a reference case as tensors, results as named
//! outputs, recorded noise as a [`NoiseSource`].

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use super::refused;
use reprise_golden::{
    self as golden, Case, ElementType, Outputs, PortError, Precision, Role, TensorData,
};
use reprise_torch::{
    models::{NoisePurpose, NoiseSource},
    nn::{
        self,
        params::{Builder, Params},
    },
};

/// The precision in which a port computes, and the device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    pub(super) precision: Precision,
    pub(super) device: Device,
}

/// Returns the kind of floating-point tensors at a precision.
pub(super) fn kind(place: Placement) -> Kind {
    match place.precision {
        Precision::F32 => Kind::Float,
        Precision::F64 => Kind::Double,
    }
}

/// Returns a scalar 0, to which inner products are added.
pub(super) fn zero(place: Placement) -> Tensor {
    Tensor::zeros([], (kind(place), place.device))
}

/// Returns the builder of a model that a case will fill.
pub(super) fn builder(place: Placement) -> Builder {
    Builder::unset(kind(place), place.device)
}

/// Returns an input of the case; f32 values are converted to the precision, other types are kept.
pub(super) fn input(case: &Case, name: &str, place: Placement) -> Result<Tensor, PortError> {
    Ok(to_tensor(&case.tensor(name)?, place))
}

/// Returns an input of the case that requires a gradient.
pub(super) fn leaf(case: &Case, name: &str, place: Placement) -> Result<Tensor, PortError> {
    Ok(input(case, name, place)?.set_requires_grad(true))
}

/// Returns the inner product ⟨a, b⟩ over all elements.
pub(super) fn inner(a: &Tensor, b: &Tensor) -> Tensor {
    (a * b).sum(a.kind())
}

/// Overwrites a model with the case's parameters and buffers.
///
/// A case may omit the integer buffers, BatchNorm's `num_batches_tracked`, which start at 0 and affect no
/// output.
///
/// # Errors
/// If another tensor of the model is missing in the case, or one of the case is unknown to the model.
pub(super) fn load(case: &Case, params: &mut Params, place: Placement) -> Result<(), PortError> {
    let mut values = BTreeMap::new();
    for spec in case.tensors() {
        if matches!(spec.role, Role::Parameter | Role::Buffer) {
            values.insert(spec.name.clone(), to_tensor(&case.fill(spec), place));
        }
    }
    for entry in params.iter().filter(|entry| entry.tensor.kind() == Kind::Int64) {
        values.entry(entry.name.clone()).or_insert_with(|| entry.tensor.zeros_like());
    }
    params.load(values).map_err(refused)
}

fn to_tensor(filled: &golden::Tensor, place: Placement) -> Tensor {
    tensor(&filled.shape, &filled.data, place)
}

/// Makes a tensor; f32 values are converted to the precision, other types are kept.
pub(super) fn tensor(shape: &[usize], data: &TensorData, place: Placement) -> Tensor {
    let extent = |&n: &usize| i64::try_from(n).expect("a case bounds its sizes");
    let shape: Vec<i64> = shape.iter().map(extent).collect();
    let tensor = match data {
        TensorData::F32(values) => Tensor::from_slice(values).to_kind(kind(place)),
        TensorData::F64(values) => Tensor::from_slice(values),
        TensorData::I64(values) => Tensor::from_slice(values),
        TensorData::U8(values) => Tensor::from_slice(values),
    };
    tensor.to_device(place.device).reshape(shape)
}

/// The outputs captured so far.
#[derive(Default)]
pub(super) struct Capture(Outputs);

impl Capture {
    /// Captures a tensor.
    pub(super) fn tensor(&mut self, name: impl Into<String>, tensor: &Tensor) {
        self.0.insert(name.into(), from_tensor(tensor));
    }

    /// Captures values as f32 if the case declares f32 and runs in f32, otherwise as f64.
    pub(super) fn vector(
        &mut self,
        case: &Case,
        name: &str,
        values: Vec<f64>,
        precision: Precision,
    ) {
        let single = case.output_spec(name).is_some_and(|output| output.dtype == ElementType::F32);
        #[expect(clippy::cast_possible_truncation, reason = "the original returns f32 here")]
        let data = if single && precision == Precision::F32 {
            TensorData::F32(values.into_iter().map(|x| x as f32).collect())
        } else {
            TensorData::F64(values)
        };
        let shape = case.output_spec(name).map_or_else(|| vec![data.len()], |o| o.shape.clone());
        self.0.insert(name.to_owned(), golden::Tensor { shape, data });
    }

    /// Captures integers in the shape that the case declares.
    pub(super) fn integers(&mut self, case: &Case, name: &str, values: Vec<i64>) {
        let shape = case.output_spec(name).map_or_else(|| vec![values.len()], |o| o.shape.clone());
        self.0.insert(name.to_owned(), golden::Tensor { shape, data: TensorData::I64(values) });
    }

    /// Captures every gradient as `grad/NAME`.
    pub(super) fn gradients(&mut self, params: &Params) {
        self.gradients_where(params, |_| true);
    }

    /// Captures the gradients of the parameters whose names `wanted` selects.
    pub(super) fn gradients_where(&mut self, params: &Params, wanted: impl Fn(&str) -> bool) {
        for entry in params.trained().filter(|entry| wanted(&entry.name)) {
            let gradient = entry.tensor.grad();
            if gradient.defined() {
                self.tensor(format!("grad/{}", entry.name), &gradient);
            }
        }
    }

    /// Captures every buffer under its own name.
    pub(super) fn buffers(&mut self, params: &Params) {
        for entry in params.iter().filter(|entry| entry.role == nn::params::TensorRole::Buffer) {
            self.tensor(entry.name.as_str(), &entry.tensor);
        }
    }

    /// Captures every parameter and buffer as `after/NAME`.
    pub(super) fn after(&mut self, params: &Params) {
        for entry in params.iter() {
            self.tensor(format!("after/{}", entry.name), &entry.tensor);
        }
    }

    /// Returns the captured outputs.
    pub(super) fn finish(self) -> Outputs {
        self.0
    }
}

fn from_tensor(tensor: &Tensor) -> golden::Tensor {
    let tensor = tensor.detach().to_device(Device::Cpu).contiguous();
    let shape = tensor
        .size()
        .into_iter()
        .map(|n| usize::try_from(n).expect("sizes are not negative"))
        .collect();
    let n = tensor.numel();
    macro_rules! copied {
        ($variant:ident, $zero:expr) => {{
            let mut values = vec![$zero; n];
            tensor.copy_data(&mut values, n);
            TensorData::$variant(values)
        }};
    }
    let data = match tensor.kind() {
        Kind::Float => copied!(F32, 0_f32),
        Kind::Double => copied!(F64, 0_f64),
        Kind::Int64 => copied!(I64, 0_i64),
        kind => panic!("no output has the kind {kind:?}"),
    };
    golden::Tensor { shape, data }
}

/// Noise that the case recorded.
pub(super) struct RecordedNoise<'a> {
    case: &'a Case,
    place: Placement,
    prefix: String,
    suffixes: BTreeMap<NoisePurpose, &'static str>,
}

impl<'a> RecordedNoise<'a> {
    /// Noise of a training step: `PREFIX/<t>/posterior` and `PREFIX/<t>/prior`.
    pub(super) fn training(case: &'a Case, place: Placement, prefix: String) -> Self {
        let suffixes =
            [(NoisePurpose::Posterior, "/posterior"), (NoisePurpose::Prior, "/prior")].into();
        Self { case, place, prefix, suffixes }
    }

    /// Noise of a roll-out: `PREFIX/<t>`.
    pub(super) fn rollout(case: &'a Case, place: Placement, prefix: String) -> Self {
        Self { case, place, prefix, suffixes: [(NoisePurpose::Rollout, "")].into() }
    }

    /// Checks that the case has the noise of times 1 … `last`; only a case with a
    /// learned prior has noise of the prior.
    pub(super) fn check(&self, last: u64) -> Result<(), PortError> {
        for suffix in self.suffixes.values() {
            for t in 1..=last {
                let name = format!("{}/{t}{suffix}", self.prefix);
                if *suffix != "/prior" || self.case.tensor_spec(&name).is_some() {
                    self.case.tensor(&name)?;
                }
            }
        }
        Ok(())
    }
}

impl NoiseSource for RecordedNoise<'_> {
    fn standard_normal(&mut self, purpose: NoisePurpose, t: u64, _: &[i64], _: &Tensor) -> Tensor {
        let name = format!("{}/{t}{}", self.prefix, self.suffixes[&purpose]);
        input(self.case, &name, self.place).expect("the noise was checked before the run")
    }
}
