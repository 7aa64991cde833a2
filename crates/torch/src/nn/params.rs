//! Named tensors of a model, in the original's order and under the original's names.

use std::{cell::RefCell, collections::BTreeMap};

use tch::{Device, Kind, Tensor};

use super::init::Init;
use crate::libtorch::shim::{channels_last, forget_gradient};
use reprise_base::scalar::Seed;

/// Whether an optimizer updates a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TensorRole {
    /// Trained by gradient.
    Parameter,
    /// State that is not trained, e.g. running statistics.
    Buffer,
}

/// One tensor of a model.
#[derive(Debug)]
pub struct NamedTensor {
    /// The original's `state_dict` key.
    pub name: String,
    pub role: TensorRole,
    /// Shares its storage with the layer that uses it.
    pub tensor: Tensor,
}

/// All tensors of a model in the order in which the original creates them.
#[derive(Debug, Default)]
pub struct Params {
    entries: Vec<NamedTensor>,
}

/// Why named values do not fit a model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// A tensor of the model has no value.
    #[error("missing tensor `{name}`")]
    Missing { name: String },
    /// A value belongs to no tensor of the model.
    #[error("unknown tensor `{name}`")]
    Unknown { name: String },
    /// A value has another shape than the tensor.
    #[error("tensor `{name}` has shape {found:?}, expected {expected:?}")]
    Shape { name: String, found: Vec<i64>, expected: Vec<i64> },
}

impl Params {
    /// Returns all tensors in creation order.
    pub fn iter(&self) -> impl Iterator<Item = &NamedTensor> {
        self.entries.iter()
    }

    /// Returns the parameters, in creation order.
    pub fn trained(&self) -> impl Iterator<Item = &NamedTensor> {
        self.entries.iter().filter(|entry| entry.role == TensorRole::Parameter)
    }

    /// Returns the number of trained scalars.
    pub fn trained_scalars(&self) -> u64 {
        self.trained().map(|entry| entry.tensor.numel() as u64).sum()
    }

    /// Clears all gradients (`zero_grad(set_to_none=True)`).
    pub fn zero_grad(&mut self) {
        for entry in self.trained() {
            forget_gradient(&entry.tensor);
        }
    }

    /// Rearranges the weights of convolutions in memory to `torch.channels_last`. Values and files
    /// are unaffected.
    pub fn store_channels_last(&mut self) {
        tch::no_grad(|| {
            for entry in &mut self.entries {
                if entry.tensor.dim() == 4 {
                    let rearranged = channels_last(&entry.tensor);
                    entry.tensor.set_data(&rearranged);
                }
            }
        });
    }

    /// Copies values into the model, which must be complete.
    ///
    /// # Errors
    /// If a name is missing or unknown or a shape differs; the model is unchanged then.
    pub fn load(&mut self, mut values: BTreeMap<String, Tensor>) -> Result<(), LoadError> {
        let mut matched = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let name = entry.name.clone();
            let Some(value) = values.remove(&name) else { return Err(LoadError::Missing { name }) };
            let (found, expected) = (value.size(), entry.tensor.size());
            if found != expected {
                return Err(LoadError::Shape { name, found, expected });
            }
            matched.push(value);
        }
        if let Some((name, _)) = values.pop_first() {
            return Err(LoadError::Unknown { name });
        }
        tch::no_grad(|| {
            for (entry, value) in self.entries.iter_mut().zip(&matched) {
                entry.tensor.copy_(value);
            }
        });
        Ok(())
    }
}

/// Content of new tensors.
#[derive(Clone, Copy, Debug)]
enum InitialValues {
    /// Drawn from the streams of a seed.
    Drawn(Seed),
    /// NaN, until values are loaded.
    Unset,
}

/// Creates the tensors of a model.
#[derive(Debug)]
pub struct Builder {
    initial: InitialValues,
    kind: Kind,
    device: Device,
    params: RefCell<Params>,
}

impl Builder {
    /// Creates a builder whose floating-point tensors have the given kind and device.
    pub fn new(seed: Seed, kind: Kind, device: Device) -> Self {
        Self { initial: InitialValues::Drawn(seed), kind, device, params: RefCell::default() }
    }

    /// Creates a builder of a model whose values will be loaded; they are NaN until then.
    pub fn unset(kind: Kind, device: Device) -> Self {
        Self { initial: InitialValues::Unset, kind, device, params: RefCell::default() }
    }

    /// Returns the path of a top-level module.
    pub fn module(&self, name: &str) -> Path<'_> {
        Path { builder: self, prefix: name.to_owned() }
    }

    /// Returns the path of the model itself, for names without a prefix.
    pub fn root(&self) -> Path<'_> {
        self.module("")
    }

    /// Returns all tensors created so far.
    pub fn finish(self) -> Params {
        self.params.into_inner()
    }

    fn add(&self, name: String, role: TensorRole, tensor: &Tensor) {
        let mut params = self.params.borrow_mut();
        assert!(params.entries.iter().all(|entry| entry.name != name), "`{name}` already exists");
        params.entries.push(NamedTensor { name, role, tensor: tensor.shallow_clone() });
    }
}

/// A position in the module tree, where a layer creates its tensors.
#[derive(Clone, Debug)]
pub struct Path<'a> {
    builder: &'a Builder,
    prefix: String,
}

impl Path<'_> {
    /// Returns the path of a sub-module.
    #[must_use]
    pub fn sub(&self, name: &str) -> Self {
        Self { builder: self.builder, prefix: self.join(name) }
    }

    /// Returns a zero with the kind and device of the model. It does not become a tensor of the
    /// model.
    pub fn scalar(&self) -> Tensor {
        Tensor::zeros([], (self.builder.kind, self.builder.device))
    }

    /// Creates a parameter.
    pub fn parameter(&self, name: &str, shape: &[i64], init: Init) -> Tensor {
        let (name, tensor) = self.tensor(name, shape, init);
        let tensor = tensor.set_requires_grad(true);
        self.builder.add(name, TensorRole::Parameter, &tensor);
        tensor
    }

    /// Creates a floating-point buffer.
    pub fn buffer(&self, name: &str, shape: &[i64], init: Init) -> Tensor {
        let (name, tensor) = self.tensor(name, shape, init);
        self.builder.add(name, TensorRole::Buffer, &tensor);
        tensor
    }

    /// Creates an integer buffer of value 0.
    pub fn counter(&self, name: &str) -> Tensor {
        let name = self.join(name);
        let tensor = Tensor::zeros([], (Kind::Int64, self.builder.device));
        self.builder.add(name, TensorRole::Buffer, &tensor);
        tensor
    }

    fn join(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }

    fn tensor(&self, name: &str, shape: &[i64], init: Init) -> (String, Tensor) {
        let Builder { initial, kind, device, .. } = *self.builder;
        let name = self.join(name);
        let tensor = match initial {
            InitialValues::Drawn(seed) => {
                let len = shape.iter().product::<i64>();
                let len = usize::try_from(len).expect("sizes are not negative");
                let values = init.values(seed, &name, len);
                Tensor::from_slice(&values).reshape(shape).to_kind(kind).to_device(device)
            }
            InitialValues::Unset => Tensor::full(shape, f64::NAN, (kind, device)),
        };
        (name, tensor)
    }
}
