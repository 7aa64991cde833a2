//! Outputs in the order in which the computation reaches them.

use super::case::{Case, OutputSpec};

/// Returns the outputs of a case in data-flow order.
///
/// Cases declare the results of the forward pass in the order computed, but the losses before them;
/// losses, gradients and updated parameters depend on the whole forward pass and come after it.
pub(super) fn ordered(case: &Case) -> Vec<&OutputSpec> {
    let mut outputs: Vec<&OutputSpec> = case.outputs().iter().collect();
    outputs.sort_by_key(|output| stage(&output.name));
    outputs
}

fn stage(name: &str) -> u8 {
    const LOSSES: [&str; 6] = ["loss", "losses", "mse", "kld", "scalar", "loss_per_step"];
    if name.starts_with("after/") {
        3
    } else if name.starts_with("grad/") || name.starts_with("d/") {
        2
    } else {
        u8::from(LOSSES.contains(&name))
    }
}
