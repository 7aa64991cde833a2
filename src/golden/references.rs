//! What the original computed, in both precisions, for every output of a case.

use std::collections::BTreeMap;

use super::{
    case::Case,
    compare::{Profile, distance},
    spec::{OutputSpec, Precision},
    tolerance::ELEMENT_NOISE_MAX,
};

/// The original's runs of all outputs of a case.
pub(super) struct References<'a> {
    pub(super) case: &'a Case,
    runs: BTreeMap<&'a str, ReferenceRuns>,
    /// Steps of the longest trajectory after its f32 run left its f64 run.
    pub(super) chaotic_steps: Option<i32>,
}

/// The original's runs of one output.
pub(super) struct ReferenceRuns {
    pub(super) single: Profile,
    pub(super) double: Option<Profile>,
}

/// The run that a port is compared with.
#[derive(Clone, Copy)]
pub(super) struct Reference<'a> {
    pub(super) profile: &'a Profile,
    pub(super) precision: Precision,
    /// The original's run in the other precision.
    pub(super) other: Option<&'a Profile>,
}

impl<'a> References<'a> {
    pub(super) fn of(case: &'a Case) -> Self {
        let runs: BTreeMap<&str, ReferenceRuns> = case
            .outputs()
            .iter()
            .map(|output| (output.name.as_str(), ReferenceRuns::of(case, output)))
            .collect();
        let chaotic_steps = case
            .outputs()
            .iter()
            .filter(|output| output.per_update)
            .filter_map(|output| runs[output.name.as_str()].growth())
            .filter_map(|growth| {
                let left = growth.iter().position(|&error| error >= ELEMENT_NOISE_MAX)?;
                i32::try_from(growth.len() - 1 - left).ok()
            })
            .max();
        Self { case, runs, chaotic_steps }
    }

    /// Returns the runs of the output called `name`.
    ///
    /// # Panics
    /// If the case has no such output.
    pub(super) fn runs(&self, name: &str) -> &ReferenceRuns {
        &self.runs[name]
    }
}

impl ReferenceRuns {
    pub(super) fn of(case: &Case, output: &OutputSpec) -> Self {
        let profile = |precision| {
            case.expected(output, precision).map(|stored| Profile::expected(&stored, output.len()))
        };
        Self {
            single: profile(Precision::F32).expect("loading required every stored output"),
            double: profile(Precision::F64),
        }
    }

    /// Returns the run that a port in `precision` is compared with: the f32 run if it is the only one.
    pub(super) fn reference(&self, precision: Precision) -> Reference<'_> {
        match (precision, &self.double) {
            (Precision::F64, Some(double)) => {
                Reference { profile: double, other: Some(&self.single), precision }
            }
            (_, double) => Reference {
                profile: &self.single,
                other: double.as_ref().filter(|_| precision == Precision::F32),
                precision: Precision::F32,
            },
        }
    }

    /// Returns, for an output with a value per update, the running maximum of the difference of both
    /// runs over the largest f64 value.
    pub(super) fn growth(&self) -> Option<Vec<f64>> {
        let double = self.double.as_ref()?;
        let scale = double.max_abs().max(f64::MIN_POSITIVE);
        let mut largest = 0.0_f64;
        let pairs = self.single.elements.iter().zip(&double.elements);
        let growth = pairs.map(|(&a, &b)| {
            largest = largest.max(distance(a, b) / scale);
            largest
        });
        Some(growth.collect())
    }
}
