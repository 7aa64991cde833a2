//! Whether two runs differ by no more than the rounding of another machine explains.
//!
//! Rounding grows during training, in some runs by many orders of magnitude. How fast is measured: the first steps are
//! repeated with parameters that are moved before each as much as rounding does. METHODOLOGY.md gives the reasons.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::store::event::Event;
use reprise_base::scalar::Step;

/// A difference may be this multiple of the noise: another order of operations is another draw of it.
pub const NOISE_MULTIPLE: f64 = 32.0;
/// Largest tolerance, over the largest value of a series; beyond it, noise dominates.
pub const TOLERANCE_MAX: f64 = 0.08;
/// Smallest tolerance, over the largest value of a series: 32 roundings of f32.
const TOLERANCE_MIN: f64 = 1.0 / (1 << 19) as f64;

/// The scalars of a step by series.
pub type StepScalars = BTreeMap<String, f64>;

/// The first steps of a run, repeated on one machine.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredNoise {
    /// The run as it is.
    pub base: Vec<StepScalars>,
    /// With moved parameters.
    pub moved: Vec<Vec<StepScalars>>,
}

/// Comparison of the first steps of two runs with measured noise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoiseComparison {
    /// Steps that were compared: all that were repeated, up to the first one where noise dominates.
    pub steps: usize,
    /// Steps that were repeated.
    pub repeated: usize,
    /// The largest difference over its tolerance.
    pub ratio: f64,
    /// Where it is, if there is any difference.
    pub worst: Option<NoisyValue>,
}

/// A number that differs between two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoisyValue {
    pub step: Step,
    pub series: String,
    pub a: f64,
    pub b: f64,
    pub tolerance: f64,
}

impl NoiseComparison {
    /// Returns whether the runs are equal within noise.
    pub fn is_equal(&self) -> bool {
        self.steps > 0 && self.ratio <= 1.0
    }
}

/// Returns the scalars of the steps of a journal.
pub(super) fn steps(events: Vec<Event>) -> Vec<StepScalars> {
    let step = |event| match event {
        Event::Step(event) => Some(event.scalars),
        Event::Evaluation(_) => None,
    };
    events.into_iter().filter_map(step).collect()
}

/// Compares the steps of two runs.
pub(super) fn compare(
    a: &[StepScalars],
    b: &[StepScalars],
    noise: &MeasuredNoise,
) -> NoiseComparison {
    let repeated = noise.base.len().min(a.len()).min(b.len());
    let mut found = NoiseComparison { steps: 0, repeated, ratio: 0.0, worst: None };
    for step in 0..repeated {
        for series in noise.base[step].keys() {
            let value = |steps: &[StepScalars], step: usize| steps.get(step)?.get(series).copied();
            let Some(tolerance) = tolerance(noise, series, step) else { return found };
            let (Some(a), Some(b)) = (value(a, step), value(b, step)) else { continue };
            let difference = (a - b).abs();
            let ratio = if difference > 0.0 { difference / tolerance } else { 0.0 };
            if ratio > found.ratio {
                found.ratio = ratio;
                let step = Step(step as u64);
                found.worst = Some(NoisyValue { step, series: series.clone(), a, b, tolerance });
            }
        }
        found.steps = step + 1;
    }
    found
}

/// Returns the tolerance of a series at a step; none where noise dominates.
fn tolerance(noise: &MeasuredNoise, series: &str, step: usize) -> Option<f64> {
    let at = |steps: &[StepScalars], step: usize| steps.get(step)?.get(series).copied();
    let scale = (0..noise.base.len())
        .filter_map(|step| Some(at(&noise.base, step)?.abs()))
        .fold(0.0, f64::max);
    // Growth may start one step earlier in another run.
    let grown = (0..=step + 1)
        .flat_map(|step| noise.moved.iter().map(move |moved| (step, moved)))
        .filter_map(|(step, moved)| Some((at(moved, step)? - at(&noise.base, step)?).abs()))
        .fold(0.0, f64::max);
    let tolerance = (NOISE_MULTIPLE * grown).max(TOLERANCE_MIN * scale);
    (tolerance <= TOLERANCE_MAX * scale).then_some(tolerance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(values: &[f64]) -> Vec<StepScalars> {
        values.iter().map(|&value| [("loss".to_owned(), value)].into()).collect()
    }

    /// Noise that doubles with every step.
    fn noise() -> MeasuredNoise {
        let moved = losses(&[1.0, 1.0 + 1e-6, 1.0 + 2e-6, 1.0 + 1.0]);
        MeasuredNoise { base: losses(&[1.0; 4]), moved: vec![moved] }
    }

    #[track_caller]
    fn check(b: &[f64], steps: usize, is_equal: bool) {
        let found = compare(&losses(&[1.0; 4]), &losses(b), &noise());
        assert_eq!((found.steps, found.is_equal()), (steps, is_equal), "{found:?}");
    }

    #[test]
    fn differences_are_compared_with_the_noise_until_it_dominates() {
        check(&[1.0; 4], 2, true);
        check(&[1.0, 1.0 + 6e-5, 0.0, 0.0], 2, true);
        check(&[1.0, 1.0 + 7e-5, 1.0, 1.0], 2, false);
        check(&[1.0 + 3e-5, 1.0, 1.0, 1.0], 2, true);
        check(&[1.1, 1.0, 1.0, 1.0], 2, false);
        let ruled = MeasuredNoise { base: losses(&[1.0]), moved: vec![losses(&[2.0])] };
        assert!(!compare(&losses(&[1.0]), &losses(&[1.0]), &ruled).is_equal(), "nothing is known");
    }

    #[test]
    fn the_worst_value_is_named() {
        let found = compare(&losses(&[1.0, 1.0]), &losses(&[1.0, 1.5]), &noise());
        let worst = found.worst.unwrap();
        assert_eq!(
            (worst.step, worst.series.as_str(), worst.a, worst.b),
            (Step(1), "loss", 1.0, 1.5)
        );
    }
}
