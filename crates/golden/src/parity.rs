//! Two ports compared with each other, bit for bit.
//!
//! A verdict tells whether a port is as accurate as the original; parity tells whether two programs on
//! one machine do the same operations in the same order. Every element is compared.

use serde::Serialize;

use super::{
    case::Case,
    compare::{Profile, UlpWidth, compare},
    guarded::run,
    port::{CasePort, Outputs},
    spec::Precision,
    tensor::{ElementType, Tensor, TensorData},
    wire::OutputKind,
};
use reprise_base::stats::ulp::{distance_f32, distance_f64};

/// The comparison of two ports on one case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParityReport {
    pub system: String,
    pub case: String,
    /// Number of outputs that both have.
    pub outputs: usize,
    /// Number of outputs that are bit-equal.
    pub equal: usize,
    /// Number of elements compared.
    pub elements: u64,
    /// The first output, in data-flow order, that differs.
    pub first_different: Option<OutputDifference>,
    /// The output with the largest error over scale.
    pub farthest: Option<OutputDifference>,
    /// Why the ports could not be compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One output in which two ports differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputDifference {
    /// Name of the output.
    pub output: String,
    /// Number of elements that differ.
    pub elements: u64,
    /// Largest distance in units in the last place.
    pub ulps: u64,
    /// Largest distance over the largest absolute value.
    pub relative: f64,
}

impl ParityReport {
    /// Returns whether there was an output to compare and all were bit-equal.
    pub fn holds(&self) -> bool {
        self.reason.is_none() && self.outputs > 0 && self.equal == self.outputs
    }
}

/// Runs `case` with two ports and compares every output that the case declares.
pub fn parity(
    case: &Case,
    ours: &dyn CasePort,
    theirs: &dyn CasePort,
    precision: Precision,
) -> ParityReport {
    let mut report = ParityReport {
        system: case.system.clone(),
        case: case.name.clone(),
        outputs: 0,
        equal: 0,
        elements: 0,
        first_different: None,
        farthest: None,
        reason: None,
    };
    let outputs =
        run(case, ours, precision).map_err(|reason| format!("ours: {reason}")).and_then(|a| {
            let b = run(case, theirs, precision).map_err(|reason| format!("theirs: {reason}"))?;
            Ok((a, b))
        });
    match outputs {
        Ok((ours, theirs)) => compare_all(case, &ours, &theirs, &mut report),
        Err(reason) => report.reason = Some(reason),
    }
    report
}

fn compare_all(case: &Case, ours: &Outputs, theirs: &Outputs, report: &mut ParityReport) {
    for spec in case.outputs_in_flow_order() {
        let (Some(a), Some(b)) = (ours.get(&spec.name), theirs.get(&spec.name)) else {
            report.reason = Some(format!("output `{}` is missing", spec.name));
            return;
        };
        if a.shape != b.shape || a.data.dtype() != b.data.dtype() {
            report.reason = Some(format!(
                "output `{}` is {} {:?} here, but {} {:?} in the other program",
                spec.name,
                a.data.dtype(),
                a.shape,
                b.data.dtype(),
                b.shape
            ));
            return;
        }
        report.outputs += 1;
        report.elements += a.data.len() as u64;
        let distances = distances(&a.data, &b.data);
        let elements = distances.iter().filter(|&&ulps| ulps > 0).count() as u64;
        if elements == 0 {
            report.equal += 1;
            continue;
        }
        let difference = OutputDifference {
            output: spec.name.clone(),
            elements,
            ulps: distances.into_iter().max().unwrap_or(0),
            relative: relative(a, b),
        };
        if report.farthest.as_ref().is_none_or(|known| known.relative < difference.relative) {
            report.farthest = Some(difference.clone());
        }
        report.first_different.get_or_insert(difference);
    }
}

/// Returns the distance of each pair of elements in units in the last place.
fn distances(a: &TensorData, b: &TensorData) -> Vec<u64> {
    match (a, b) {
        (TensorData::F32(a), TensorData::F32(b)) => {
            a.iter().zip(b).map(|(&a, &b)| distance_f32(a, b)).collect()
        }
        (TensorData::I64(a), TensorData::I64(b)) => {
            a.iter().zip(b).map(|(&a, &b)| a.abs_diff(b)).collect()
        }
        (a, b) => a.to_f64().into_iter().zip(b.to_f64()).map(|(a, b)| distance_f64(a, b)).collect(),
    }
}

fn relative(a: &Tensor, b: &Tensor) -> f64 {
    let profile = |tensor: &Tensor| Profile::captured(&tensor.data, OutputKind::Full);
    let width =
        if a.data.dtype() == ElementType::F32 { UlpWidth::Single } else { UlpWidth::Double };
    compare(&profile(a), &profile(b), width).relative_error()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CASE, Fixed, values, write};

    fn toy(a: &Fixed, b: &Fixed) -> ParityReport {
        let (_root, dir) = write(CASE, &values());
        parity(&Case::load(&dir).expect("the case is valid"), a, b, Precision::F32)
    }

    #[test]
    fn equal_ports_are_equal() {
        let report = toy(&Fixed::right(), &Fixed::right());
        assert!(report.holds(), "{report:?}");
        assert_eq!((report.outputs, report.elements), (3, 4));
    }

    #[test]
    fn one_unit_in_one_element_is_reported() {
        let y = Tensor::vector(TensorData::F32(vec![1.0, -2.000_000_2]));
        let report = toy(&Fixed::right(), &Fixed::right().with("y", y));
        let first = report.first_different.clone().expect("one bit differs");
        assert_eq!((first.output.as_str(), first.elements, first.ulps), ("y", 1, 1));
        assert!(!report.holds());
    }

    #[test]
    fn a_missing_output_is_not_parity() {
        let mut without = Fixed::right();
        without.0.remove("y");
        assert!(!toy(&Fixed::right(), &without).holds());
    }
}
