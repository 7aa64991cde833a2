//! The spread of a chaotic computation, measured with the port itself.
//!
//! The case's noise is one draw: the difference of two runs of the original on one machine. Where rounding
//! grows by many orders of magnitude, it can be too small an estimate for another machine, whose
//! libraries sum in another order. So an output that exceeds its tolerance is compared once more, with a
//! tolerance from several runs of the port in f64 whose parameters are moved by a unit in the last place of
//! the compared precision. METHODOLOGY.md says why a mistake is still caught.

use super::{
    case::Case,
    choose::{statistics, widest_statistics},
    compare::{Profile, distance},
    guarded::run,
    judge::{Judgement, judge_by},
    port::{CasePort, Outputs},
    references::{Reference, References},
    rule::{Rule, ToleranceSource},
    spec::{OutputSpec, Precision},
    tolerance::{ELEMENT_TOLERANCE_MAX, NOISE_MULTIPLE_F32, SPREAD_HOPELESS, SPREAD_RUNS},
};

/// Widens the tolerances of the outputs that exceed theirs and are compared by the noise, as far as the
/// measured spread allows.
///
/// Nothing is measured for a port in f32 that fails in f64: see [`super::check`].
pub(super) fn widen(
    references: &References<'_>,
    port: &dyn CasePort,
    precision: Precision,
    captured: &Outputs,
    outputs: &mut [Judgement],
) {
    let case = references.case;
    let failing: Vec<usize> = (0..outputs.len()).filter(|&i| outputs[i].fails()).collect();
    if failing.is_empty() || failing.iter().any(|&i| !outputs[i].by_noise()) {
        return;
    }
    let twin;
    let (base, unit) = match precision {
        Precision::F32 => {
            let Ok(outputs) = run(case, port, Precision::F64) else { return };
            twin = outputs;
            (&twin, f64::from(f32::EPSILON))
        }
        Precision::F64 => (captured, f64::EPSILON),
    };
    let mut spreads: Vec<MeasuredSpread> =
        failing.iter().map(|_| MeasuredSpread::default()).collect();
    for draw in 0..SPREAD_RUNS {
        let Ok(moved) = Case::load(&case.dir) else { return };
        let Ok(moved) = run(&moved.with_moved_parameters(draw, unit), port, Precision::F64) else {
            return;
        };
        let mut worst = 0.0_f64;
        for (&index, spread) in failing.iter().zip(&mut spreads) {
            let judgement = &mut outputs[index];
            let Some(output) = case.output_spec(&judgement.output) else { return };
            let profile = |outputs: &Outputs| {
                outputs.get(&output.name).map(|it| Profile::captured(&it.data, output.kind))
            };
            let (Some(base), Some(moved), Some(port)) =
                (profile(base), profile(&moved), profile(captured))
            else {
                return;
            };
            spread.add(&base, &moved);
            let widened =
                judge_by(references, output, &port, precision, spread.rule(output, &base));
            if widened.ratio < judgement.ratio {
                *judgement = Judgement { spread: true, ..widened };
            }
            worst = worst.max(judgement.ratio);
        }
        if worst <= 1.0 || worst > SPREAD_HOPELESS {
            return;
        }
    }
}

/// Differences of runs with moved parameters from the run without.
#[derive(Default)]
struct MeasuredSpread {
    /// The largest difference of each element, over the largest value.
    elements: Vec<f64>,
    /// The runs with moved parameters.
    moved: Vec<Profile>,
}

impl MeasuredSpread {
    fn add(&mut self, base: &Profile, moved: &Profile) {
        let scale = base.max_abs().max(f64::MIN_POSITIVE);
        self.elements.resize(base.elements.len(), 0.0);
        let pairs = base.elements.iter().zip(&moved.elements);
        for (largest, (&a, &b)) in self.elements.iter_mut().zip(pairs) {
            *largest = largest.max(distance(a, b) / scale);
        }
        self.moved.push(moved.clone());
    }

    /// Returns the rule of an output whose spread was measured.
    fn rule(&self, output: &OutputSpec, base: &Profile) -> Rule {
        let multiple = |spread: f64| NOISE_MULTIPLE_F32 * spread;
        let largest = multiple(self.elements.iter().copied().fold(0.0, f64::max));
        if output.per_update {
            // Growth may start one step earlier in another run.
            let last = self.elements.len().saturating_sub(1);
            let mut grown = 0.0_f64;
            let tolerances = (0..self.elements.len()).map(|step| {
                grown = grown.max(self.elements[step]).max(self.elements[(step + 1).min(last)]);
                multiple(grown).min(ELEMENT_TOLERANCE_MAX)
            });
            return Rule::Trajectory { tolerances: tolerances.collect() };
        }
        if largest < ELEMENT_TOLERANCE_MAX {
            return Rule::Within { tolerance: largest, from: ToleranceSource::Spread };
        }
        let rules = self.moved.iter().map(|moved| {
            let reference =
                Reference { profile: base, precision: Precision::F64, other: Some(moved) };
            statistics(largest / NOISE_MULTIPLE_F32, reference)
        });
        let start = Rule::Statistics { tolerances: [0.0; 4], relative_l2: Some(0.0), noise: 0.0 };
        rules.fold(start, |widest, rule| widest_statistics(&widest, rule))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::{
        Case, CasePort, CaseVerdict, Check, Exceptions, Outputs, PortError, Precision, Tensor,
        TensorData, testing,
    };

    /// A port whose result is off by a share that depends on the last bits of its parameters.
    struct Sensitive {
        /// Error of `y` over its largest value.
        error: f64,
        /// Growth of a difference of the parameters.
        growth: f64,
        original: Outputs,
    }

    impl CasePort for Sensitive {
        fn serves(&self, _: &str) -> bool {
            true
        }

        fn run(&self, case: &Case, _: Precision) -> Result<Outputs, PortError> {
            let start = Case::load(&case.dir).expect("the case is valid").tensor("w")?.data;
            let moved = case.tensor("w")?.data.to_f64();
            let moved: f64 = moved.iter().zip(start.to_f64()).map(|(a, b)| (a - b).abs()).sum();
            let change = 1.0 + self.error + self.growth * moved;
            let scaled = |(name, tensor): (&String, &Tensor)| {
                let data = match &tensor.data {
                    TensorData::F64(values) => {
                        TensorData::F64(values.iter().map(|value| value * change).collect())
                    }
                    other => other.clone(),
                };
                (name.clone(), Tensor { shape: tensor.shape.clone(), data })
            };
            Ok(self.original.iter().map(scaled).collect::<BTreeMap<_, _>>())
        }
    }

    #[track_caller]
    fn check(error: f64, growth: f64, expected: CaseVerdict) {
        let (_root, dir) = testing::write(testing::CASE, &testing::values());
        let case = Case::load(&dir).expect("the case is valid");
        let of_f64 = |(entry, tensor): (&str, Tensor)| {
            let name = entry
                .strip_prefix("out64/")
                .or(entry.strip_prefix("out/count").map(|_| "count"))?;
            Some((name.to_owned(), tensor))
        };
        let original = testing::values().into_iter().filter_map(of_f64).collect();
        let port = Sensitive { error, growth, original };
        let exceptions = Exceptions::default();
        let check = Check { ports: &[], precision: Precision::F64, exceptions: &exceptions };
        assert_eq!(check.case(&case, &port).verdict, expected);
    }

    #[test]
    fn an_error_as_large_as_the_measured_spread_passes() {
        check(1e-6, 1e9, CaseVerdict::Pass);
    }

    #[test]
    fn the_same_error_without_that_spread_fails() {
        check(1e-6, 0.0, CaseVerdict::Fail);
        check(1e-6, 1e3, CaseVerdict::Fail);
    }

    #[test]
    fn no_spread_accepts_a_result_that_has_nothing_in_common() {
        check(-1.0, 1e15, CaseVerdict::Fail);
    }
}
