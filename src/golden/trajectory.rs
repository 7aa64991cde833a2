//! Tolerances of outputs that have one value per update.

use super::{
    compare::distance,
    references::{Reference, ReferenceRuns},
    spec::{Numerics, Precision},
    tolerance::{
        CHAOTIC_GROWTH, FLOOR_F32, FLOOR_F64, FLOOR_F64_TRAINED, KINK_TOLERANCE,
        NOISE_MULTIPLE_F32, SEPARATED, STATISTIC_TOLERANCE_MAX, f64_multiple,
    },
};

/// Returns one tolerance per step: a multiple of the difference of the original's own runs up to the
/// following step, since growth may start one step earlier in another run.
///
/// In f32, updates that follow a kinked gradient change the rest in proportion to what they moved.
/// `None` if the original has no f64 run.
pub(super) fn tolerances(
    numerics: &Numerics,
    runs: &ReferenceRuns,
    reference: Reference<'_>,
) -> Option<Vec<f64>> {
    let growth = runs.growth()?;
    let kinks = if numerics.branches_fixed { 0.0 } else { KINK_TOLERANCE };
    let values = &reference.profile.elements;
    let scale = reference.profile.max_abs().max(f64::MIN_POSITIVE);
    let (mut factor, mut moved) = (1.0, 0.0_f64);
    let tolerances = (0..growth.len()).map(|step| {
        let noise = growth[(step + 1).min(growth.len() - 1)];
        moved = moved.max(distance(values[step], values[0]) / scale);
        let single = (NOISE_MULTIPLE_F32 * noise)
            .max(FLOOR_F32)
            .max(kinks * moved)
            .min(STATISTIC_TOLERANCE_MAX);
        match reference.precision {
            Precision::F32 => single,
            Precision::F64 => {
                if noise >= SEPARATED {
                    factor *= CHAOTIC_GROWTH;
                }
                let floor = if step == 0 { FLOOR_F64 } else { FLOOR_F64_TRAINED };
                (f64_multiple(noise) * factor).max(floor).min(single)
            }
        }
    });
    Some(tolerances.collect())
}
