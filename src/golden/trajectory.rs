//! Bounds of outputs that have a value per training step.

use super::{
    case::{Case, OutputSpec, Precision},
    compare::distance,
    rule::{
        CEILING, CHAOS, FLOOR_DOUBLE, FLOOR_SINGLE, FLOOR_TRAINED, MULTIPLE, NOISY, Twins, double,
        may_flip,
    },
    wire::OutputKind,
};

/// Distance of a loss from which an f32 run is no longer the f64 run with small errors.
const PARTED: f64 = 1e-3;

/// Bounds for a vector over training steps: a multiple of the original's own distance up to the
/// following step, since growth may set in one step earlier in another run. In f32 updates that
/// inherit a kink change what they led to so far in proportion.
pub(super) fn bounds(case: &Case, output: &OutputSpec, twins: &Twins) -> Option<Vec<f64>> {
    let own = own_growth(case, output)?;
    let kinks = if may_flip(case) { NOISY } else { 0.0 };
    let values = &twins.reference.elements;
    let scale = twins.reference.max_abs().max(f64::MIN_POSITIVE);
    let (mut factor, mut moved) = (1.0, 0.0_f64);
    let bounds = (0..own.len()).map(|step| {
        let noise = own[(step + 1).min(own.len() - 1)];
        moved = moved.max(distance(values[step], values[0]) / scale);
        let single = (MULTIPLE * noise).max(FLOOR_SINGLE).max(kinks * moved).min(CEILING);
        match twins.precision {
            Precision::F32 => single,
            Precision::F64 => {
                if noise >= PARTED {
                    factor *= CHAOS;
                }
                let floor = if step == 0 { FLOOR_DOUBLE } else { FLOOR_TRAINED };
                (double(noise) * factor).max(floor).min(single)
            }
        }
    });
    Some(bounds.collect())
}

/// Returns how many updates the case takes, under either name that the originals have for it.
pub(super) fn updates(case: &Case) -> usize {
    let steps = |key| case.config.usize(key).ok();
    steps("steps").or_else(|| steps("adam_steps")).unwrap_or(0)
}

/// Returns whether an output has a value for each of several updates, or one more for the start.
fn over_steps(case: &Case, output: &OutputSpec) -> bool {
    let [length] = *output.shape.as_slice() else { return false };
    let steps = updates(case);
    let with_start = case.config.contains("adam_steps") && length == steps + 1;
    steps > 1 && (length == steps || with_start)
}

/// Returns, for a vector over steps, the running maximum of the original's own error over scale.
fn own_growth(case: &Case, output: &OutputSpec) -> Option<Vec<f64>> {
    if output.kind != OutputKind::Full || output.name.contains('/') || !over_steps(case, output) {
        return None;
    }
    let twins = Twins::of(case, output, Precision::F64);
    let (single, double) = (twins.single()?, twins.double()?);
    let scale = double.max_abs().max(f64::MIN_POSITIVE);
    let mut largest = 0.0_f64;
    let pairs = single.elements.iter().zip(&double.elements);
    Some(
        pairs
            .map(|(&a, &b)| {
                largest = largest.max(distance(a, b) / scale);
                largest
            })
            .collect(),
    )
}

/// Returns how many steps a trajectory went on after its f32 run had left the f64 run.
pub(super) fn chaotic_steps(case: &Case) -> Option<i32> {
    let after_leaving = |own: Vec<f64>| {
        let left = own.iter().position(|&error| error >= NOISY)?;
        i32::try_from(own.len() - 1 - left).ok()
    };
    case.outputs().iter().filter_map(|o| own_growth(case, o)).filter_map(after_leaving).max()
}
