//! Two ports beside each other: equal to the last bit, or how far apart.
//!
//! A verdict asks whether a port is as good as the original; parity asks whether two programs on one
//! machine do the same operations in the same order. Nothing is stored, so every element is compared.

use serde::Serialize;

use super::{
    case::{Case, Precision},
    check::run,
    compare::{Profile, UlpWidth, compare},
    flow,
    port::{Outputs, Port},
    tensor::{Dtype, Tensor, TensorData},
    wire::OutputKind,
};
use crate::stats::ulp::{distance_f32, distance_f64};

/// How two ports compare on one case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParityReport {
    /// System of the case.
    pub system: String,
    /// Name of the case.
    pub case: String,
    /// Outputs that both have.
    pub outputs: usize,
    /// Outputs of which every bit is equal.
    pub equal: usize,
    /// Elements compared.
    pub elements: u64,
    /// The output, in data-flow order, in which the two part.
    pub first_different: Option<Difference>,
    /// The output with the largest error over scale.
    pub farthest: Option<Difference>,
    /// Why the ports could not be compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One output in which two ports differ.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Name of the output.
    pub output: String,
    /// Elements of it that differ.
    pub elements: u64,
    /// Largest distance in units in the last place.
    pub ulps: u64,
    /// Largest distance over the largest absolute value.
    pub relative: f64,
}

impl ParityReport {
    /// Returns whether there was something to compare and all of it was equal.
    pub fn holds(&self) -> bool {
        self.reason.is_none() && self.outputs > 0 && self.equal == self.outputs
    }
}

/// Runs `case` in two ports and compares every output that the case declares.
pub fn parity(
    case: &Case,
    ours: &dyn Port,
    theirs: &dyn Port,
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
    for spec in flow::ordered(case) {
        let (Some(a), Some(b)) = (ours.get(&spec.name), theirs.get(&spec.name)) else {
            report.reason = Some(format!("output `{}` is missing", spec.name));
            return;
        };
        if a.shape != b.shape || a.data.dtype() != b.data.dtype() {
            report.reason = Some(format!(
                "output `{}` is {} {:?} here and {} {:?} there",
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
        let difference = Difference {
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
    let width = if a.data.dtype() == Dtype::F32 { UlpWidth::Single } else { UlpWidth::Double };
    compare(&profile(a), &profile(b), width).relative_error()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::testing::{CASE, Fixed, values, write};

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
    fn one_unit_in_one_element_is_named() {
        let y = Tensor::vector(TensorData::F32(vec![1.0, -2.000_000_2]));
        let report = toy(&Fixed::right(), &Fixed::right().with("y", y));
        let first = report.first_different.clone().expect("one bit differs");
        assert_eq!((first.output.as_str(), first.elements, first.ulps), ("y", 1, 1));
        assert!(!report.holds());
    }

    #[test]
    fn what_cannot_be_compared_is_no_parity() {
        let mut without = Fixed::right();
        without.0.remove("y");
        assert!(!toy(&Fixed::right(), &without).holds());
    }
}
