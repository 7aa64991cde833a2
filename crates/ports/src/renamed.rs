//! Models whose tensors have other names in the case.

use std::collections::BTreeMap;

use super::{
    refused,
    torch::{Capture, input},
};
use crate::torch::Placement;
use reprise_golden::{Case, PortError, Role};
use reprise_torch::nn::params::Params;

/// From our name of a tensor to the case's.
pub(super) type ToCase = fn(&str) -> String;

/// Overwrites a model with the case's parameters and buffers, each used exactly once.
pub(super) fn load(
    case: &Case,
    params: &mut Params,
    to_case: ToCase,
    place: Placement,
) -> Result<(), PortError> {
    let ours: BTreeMap<String, String> =
        params.iter().map(|entry| (to_case(&entry.name), entry.name.clone())).collect();
    let mut values = BTreeMap::new();
    for spec in case.tensors() {
        if matches!(spec.role, Role::Parameter | Role::Buffer) {
            // An unknown name is kept, so that loading returns an error.
            let name = ours.get(&spec.name).unwrap_or(&spec.name);
            values.insert(name.clone(), input(case, &spec.name, place)?);
        }
    }
    params.load(values).map_err(refused)
}

/// Captures every gradient as `grad/NAME` under the case's names.
pub(super) fn gradients(capture: &mut Capture, params: &Params, to_case: ToCase) {
    for entry in params.trained() {
        let gradient = entry.tensor.grad();
        if gradient.defined() {
            capture.tensor(format!("grad/{}", to_case(&entry.name)), &gradient);
        }
    }
}

/// Captures every parameter and buffer as `after/NAME` under the case's names.
pub(super) fn after(capture: &mut Capture, params: &Params, to_case: ToCase) {
    for entry in params.iter() {
        capture.tensor(format!("after/{}", to_case(&entry.name)), &entry.tensor);
    }
}
