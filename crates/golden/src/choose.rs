//! Which rule an output is compared by, and its tolerance.
//!
//! Every tolerance is computed from the case alone: the difference of the original's f32 and f64 runs,
//! the element type, the settings of the optimizer. The port's results are never looked at.
//! METHODOLOGY.md gives the reasons; start from [`choose`].

use super::{
    compare::{Profile, distance, norm},
    references::{Reference, References},
    rule::{Rule, ToleranceSource},
    spec::{OutputRole, OutputSpec, Precision},
    tensor::ElementType,
    tolerance::{
        CHAOTIC_GROWTH, ELEMENT_NOISE_MAX, ELEMENT_TOLERANCE_MAX, ELEMENTS_PER_STRAY, FLOOR_F32,
        FLOOR_F64, FLOOR_F64_OF_F32, FLOOR_F64_TRAINED, KINK_TOLERANCE, NOISE_MULTIPLE_F32,
        NOISE_MULTIPLE_F64, SATURATION, STATISTIC_TOLERANCE_MAX, ZERO_ROUNDINGS, ZERO_SHARE,
        f64_multiple,
    },
    trajectory,
};

/// Chooses the rule for `output` of a port in `precision`.
pub(super) fn choose(
    references: &References<'_>,
    output: &OutputSpec,
    precision: Precision,
) -> Rule {
    let numerics = &references.case.numerics;
    let runs = references.runs(&output.name);
    let reference = runs.reference(precision);
    let compared = ComparedOutput { references, output, reference };
    match (&output.role, output.noise) {
        _ if !output.dtype.is_float() => Rule::Exact,
        (OutputRole::Printed { tolerance }, _) => Rule::Printed { tolerance: *tolerance },
        (_, None) if numerics.exact => Rule::Exact,
        (_, None) if !output.zero => unmeasured(output.dtype),
        (_, Some(noise)) if reference.precision != precision => Rule::Within {
            tolerance: (NOISE_MULTIPLE_F32 * noise).max(FLOOR_F32),
            from: ToleranceSource::SingleOnly,
        },
        (OutputRole::Gradient { weight }, _) => {
            zero_gradient(references, output, weight.as_deref(), reference.precision)
                .unwrap_or_else(|| compared.by_noise(|tolerance| compared.kinked(tolerance)))
        }
        (OutputRole::Updated { gradient, .. }, _) => gradient
            .as_deref()
            .and_then(|gradient| compared.updated(gradient, precision))
            .unwrap_or_else(|| compared.by_noise(|tolerance| compared.updates(tolerance))),
        (OutputRole::UpdatedBuffer, _) => compared.by_noise(|tolerance| {
            if numerics.adam.is_some_and(|adam| adam.steps > 1) {
                compared.kinked(tolerance)
            } else {
                tolerance.within()
            }
        }),
        (OutputRole::Forward | OutputRole::Loss | OutputRole::Derivative, _) => output
            .per_update
            .then(|| trajectory::tolerances(numerics, runs, reference))
            .flatten()
            .map_or_else(
                || compared.by_noise(Tolerance::within),
                |tolerances| Rule::Trajectory { tolerances },
            ),
    }
}

fn unmeasured(element: ElementType) -> Rule {
    let floor = match element {
        ElementType::F32 => FLOOR_F32,
        _ => FLOOR_F64,
    };
    Rule::Within { tolerance: NOISE_MULTIPLE_F32 * floor, from: ToleranceSource::Unmeasured }
}

/// An output with the run that a port is compared with.
#[derive(Clone, Copy)]
struct ComparedOutput<'a> {
    references: &'a References<'a>,
    output: &'a OutputSpec,
    reference: Reference<'a>,
}

/// The tolerance of single elements, by noise and floor.
#[derive(Clone, Copy)]
struct Tolerance {
    value: f64,
    from: ToleranceSource,
}

impl Tolerance {
    const fn within(self) -> Rule {
        Rule::Within { tolerance: self.value, from: self.from }
    }
}

impl ComparedOutput<'_> {
    /// Makes a rule for single elements, or compares statistics if the noise is too large for that.
    fn by_noise(&self, elements: impl FnOnce(Tolerance) -> Rule) -> Rule {
        let noise = self.output.noise.unwrap_or(0.0);
        let noisy = noise >= ELEMENT_NOISE_MAX;
        let multiple = match self.reference.precision {
            Precision::F32 if noisy => return statistics(noise, self.reference),
            Precision::F32 => NOISE_MULTIPLE_F32 * noise,
            Precision::F64 if noisy => match self.references.chaotic_steps {
                Some(steps) => f64_multiple(noise) * CHAOTIC_GROWTH.powi(steps),
                None => f64_multiple(noise) * SATURATION,
            },
            Precision::F64 => f64_multiple(noise),
        };
        if multiple >= ELEMENT_TOLERANCE_MAX {
            return statistics(noise, self.reference);
        }
        let floor = self.floor();
        let from = if multiple > floor { ToleranceSource::Noise } else { ToleranceSource::Floor };
        elements(Tolerance { value: multiple.max(floor), from })
    }

    /// Returns the smallest tolerance of the output.
    fn floor(&self) -> f64 {
        let several = self.references.case.numerics.updates > 1;
        match (self.reference.precision, &self.output.role, self.output.dtype) {
            (Precision::F64, OutputRole::Updated { .. } | OutputRole::UpdatedBuffer, _)
                if several =>
            {
                FLOOR_F64_TRAINED
            }
            (Precision::F64, ..) => FLOOR_F64,
            (Precision::F32, _, ElementType::F32) => FLOOR_F32,
            (Precision::F32, ..) => FLOOR_F64_OF_F32,
        }
    }

    /// A gradient, or what followed one: in f32 rectifiers may take other branches.
    fn kinked(&self, tolerance: Tolerance) -> Rule {
        match self.reference.precision {
            Precision::F32 if !self.references.case.numerics.branches_fixed => {
                Rule::Kinked { tolerance: tolerance.value }
            }
            _ => tolerance.within(),
        }
    }

    /// A parameter after several updates.
    fn updates(&self, tolerance: Tolerance) -> Rule {
        let numerics = &self.references.case.numerics;
        let (Some(adam), Precision::F32) = (numerics.adam, self.reference.precision) else {
            return tolerance.within();
        };
        let profile = self.reference.profile;
        // An update is proportional to its gradient, so it inherits what a kink adds there.
        let kinks = if numerics.branches_fixed {
            0.0
        } else {
            KINK_TOLERANCE * adam.reach() / profile.max_abs().max(f64::MIN_POSITIVE)
        };
        Rule::Updates {
            tolerance: tolerance.value.max(kinks),
            strays: 1 + profile.elements.len() / ELEMENTS_PER_STRAY,
            reach: adam.reach(),
        }
    }

    /// A parameter after Adam whose gradient in the first update is an output, too: either the
    /// gradient is zero by construction, or there was only this update.
    fn updated(&self, gradient: &str, precision: Precision) -> Option<Rule> {
        let Self { references, output, reference } = self;
        let adam = references.case.numerics.adam?;
        let gradient = references.case.output_spec(gradient)?;
        let gradients = references.runs(&gradient.name).reference(precision);
        let OutputRole::Gradient { weight } = &gradient.role else { return None };
        if zero_gradient(references, gradient, weight.as_deref(), gradients.precision).is_some() {
            return Some(Rule::Drift { reach: adam.reach() });
        }
        let noise = gradient.noise?;
        if adam.steps != 1 || gradient.kind != output.kind || reference.precision != precision {
            return None;
        }
        let slack = match precision {
            Precision::F32 => (NOISE_MULTIPLE_F32 * noise).max(FLOOR_F32),
            Precision::F64 if noise >= ELEMENT_NOISE_MAX => {
                (SATURATION * f64_multiple(noise)).max(FLOOR_F64)
            }
            Precision::F64 => f64_multiple(noise).max(FLOOR_F64),
        } * gradients.profile.max_abs();
        let rounding = self.floor() * reference.profile.max_abs();
        let limits = gradients.profile.elements.iter();
        Some(Rule::FirstUpdate {
            limits: limits
                .map(|&g| adam.first_update_slack(g, slack).map(|limit| limit + rounding))
                .collect(),
            reach: adam.reach(),
        })
    }
}

/// A gradient that the case lists as zero, or that in f64 is negligible next to the gradient of its
/// layer's weight.
fn zero_gradient(
    references: &References<'_>,
    output: &OutputSpec,
    weight: Option<&str>,
    precision: Precision,
) -> Option<Rule> {
    let neighbour = match weight {
        Some(weight) => weight,
        None if output.zero => largest_gradient(references)?,
        None => return None,
    };
    let (own, beside) = (references.runs(&output.name), references.runs(neighbour));
    let vanishes =
        own.double.as_ref().zip(beside.double.as_ref()).is_some_and(|(own64, beside)| {
            own.single.max_abs() > 0.0 && own64.max_abs() <= ZERO_SHARE * beside.max_abs()
        });
    let unit = match precision {
        Precision::F32 => f64::from(f32::EPSILON) / 2.0,
        Precision::F64 => f64::EPSILON / 2.0,
    };
    let scale = beside.reference(precision).profile.max_abs();
    (output.zero || vanishes).then(|| Rule::ZeroGradient {
        limit: ZERO_ROUNDINGS * unit * scale,
        neighbour: neighbour.to_owned(),
    })
}

/// Returns the gradient with the largest value.
fn largest_gradient<'a>(references: &'a References<'_>) -> Option<&'a str> {
    let max_abs = |name: &str| references.runs(name).single.max_abs();
    let outputs = references.case.outputs().iter();
    outputs
        .filter(|output| matches!(output.role, OutputRole::Gradient { .. }))
        .map(|output| output.name.as_str())
        .max_by(|a, b| max_abs(a).total_cmp(&max_abs(b)))
}

/// Tolerances of the statistics of a noisy output, from how those of two runs differ.
pub(super) fn statistics(noise: f64, reference: Reference<'_>) -> Rule {
    let Reference { profile, other, .. } = reference;
    let Some(other) = other else {
        return Rule::Statistics {
            tolerances: [STATISTIC_TOLERANCE_MAX; 4],
            relative_l2: None,
            noise,
        };
    };
    let own = statistic_distances(profile, other);
    let one_element =
        noise * profile.max_abs() / ((profile.elements.len().max(1) as f64).sqrt() * profile.rms());
    let apart = relative_l2(profile, other).max(one_element.min(1.0));
    Rule::Statistics {
        tolerances: own.map(|own| {
            (NOISE_MULTIPLE_F64 * own)
                .max(apart)
                .min(STATISTIC_TOLERANCE_MAX.max(f64::midpoint(1.0, own)))
        }),
        relative_l2: Some(NOISE_MULTIPLE_F64 * apart)
            .filter(|&tolerance| tolerance < STATISTIC_TOLERANCE_MAX),
        noise,
    }
}

/// Widens the tolerances of statistics to those of another rule, up to the largest one allowed.
pub(super) fn widest_statistics(a: &Rule, b: Rule) -> Rule {
    match (a, b) {
        (
            Rule::Statistics { tolerances: a, relative_l2: apart, .. },
            Rule::Statistics { tolerances: b, relative_l2: also_apart, noise },
        ) => Rule::Statistics {
            tolerances: std::array::from_fn(|i| a[i].max(b[i]).min(STATISTIC_TOLERANCE_MAX)),
            relative_l2: apart.zip(also_apart).map(|(a, b)| a.max(b)),
            noise,
        },
        (_, b) => b,
    }
}

/// Returns how far the four statistics of two runs differ, as shares of the larger; the difference
/// of the means is measured against the root mean square.
pub(super) fn statistic_distances(a: &Profile, b: &Profile) -> [f64; 4] {
    let rms = a.rms().max(b.rms());
    let mut shares = [0.0; 4];
    for (i, share) in shares.iter_mut().enumerate() {
        let (x, y) = (a.statistics[i], b.statistics[i]);
        let scale = if i == 0 { rms } else { x.abs().max(y.abs()) };
        *share = share_of(distance(x, y), scale);
    }
    shares
}

/// Returns the norm of the difference of the compared elements over the larger of both norms.
pub(super) fn relative_l2(a: &Profile, b: &Profile) -> f64 {
    let differences: Vec<f64> =
        a.elements.iter().zip(&b.elements).map(|(&x, &y)| distance(x, y)).collect();
    share_of(norm(&differences), norm(&a.elements).max(norm(&b.elements)))
}

fn share_of(difference: f64, scale: f64) -> f64 {
    if difference == 0.0 { 0.0 } else { difference / scale }
}
