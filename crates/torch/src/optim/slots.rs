//! Named tensors of an optimizer, one per trained parameter.

use tch::Tensor;

use crate::nn::params::Params;

/// One tensor per trained parameter, of its shape.
#[derive(Debug)]
pub(super) struct Slots {
    kind: &'static str,
    /// Names of the parameters, and the tensors.
    tensors: Vec<(String, Tensor)>,
}

impl Slots {
    /// Creates tensors of zeros.
    pub(super) fn new(kind: &'static str, params: &Params) -> Self {
        Self::filled(kind, params, 0.0)
    }

    /// Creates tensors that are filled with a value.
    pub(super) fn filled(kind: &'static str, params: &Params, value: f64) -> Self {
        let filled = |tensor: &Tensor| tensor.full_like(value).detach();
        let tensors = params.trained().map(|entry| (entry.name.clone(), filled(&entry.tensor)));
        Self { kind, tensors: tensors.collect() }
    }

    /// Creates copies of the parameters.
    pub(super) fn copied(kind: &'static str, params: &Params) -> Self {
        let tensors =
            params.trained().map(|entry| (entry.name.clone(), entry.tensor.detach().copy()));
        Self { kind, tensors: tensors.collect() }
    }

    /// Returns the tensor of a parameter, by its place among the trained ones.
    pub(super) fn at(&mut self, place: usize) -> &mut Tensor {
        &mut self.tensors[place].1
    }

    /// Returns the tensors with their names, `KIND/NAME`.
    pub(super) fn state(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (format!("{}/{name}", self.kind), tensor))
    }

    /// Restores the tensors; returns `false` if one is missing or has another shape.
    pub(super) fn restore(&mut self, find: &mut dyn FnMut(&str) -> Option<Tensor>) -> bool {
        let mut complete = true;
        tch::no_grad(|| {
            for (name, tensor) in &mut self.tensors {
                match find(&format!("{}/{name}", self.kind)) {
                    Some(value) if value.size() == tensor.size() => tensor.copy_(&value),
                    Some(_) | None => complete = false,
                }
            }
        });
        complete
    }
}
