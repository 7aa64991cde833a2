//! A rule applied to a port's values: the ratio of error to tolerance.

use super::{
    case::{Case, Expected},
    choose::{choose, relative_l2, statistic_distances},
    compare::{Comparison, Profile, UlpWidth, compare, distance, over},
    references::{Reference, References},
    rule::{Rule, ToleranceSource},
    spec::{OutputRole, OutputSpec, Precision},
    tensor::{ElementType, Tensor, TensorData},
    tolerance::{
        FLOOR_F32, KINK_TOLERANCE, OUTPUTS_PER_TAIL, RMS_ELEMENTS_MIN, RMS_SHARE_OF_REACH,
        TAIL_FACTOR,
    },
};

/// The result of comparing one output.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Name of the output.
    pub output: String,
    /// Error over tolerance in the worst check; at most 1 passes.
    pub ratio: f64,
    /// The check that gave the ratio.
    pub check: &'static str,
    pub rule: Rule,
    /// Whether the tolerance was widened for the tail of the noise (METHODOLOGY.md).
    pub tail: bool,
    /// Whether the tolerance is that of the measured spread (METHODOLOGY.md).
    pub spread: bool,
    /// Reason of the known difference that accepts a ratio above 1.
    pub known_difference: Option<String>,
    pub comparison: Comparison,
}

impl Judgement {
    /// Returns whether the output exceeds its tolerance, as a known difference or not.
    pub fn diverges(&self) -> bool {
        self.ratio > 1.0
    }

    /// Returns whether the output makes its case fail.
    pub fn fails(&self) -> bool {
        self.diverges() && self.known_difference.is_none()
    }

    /// Returns whether the tolerance comes from the noise of the original.
    pub(super) const fn by_noise(&self) -> bool {
        matches!(
            self.rule,
            Rule::Within { from: ToleranceSource::Noise | ToleranceSource::Floor, .. }
                | Rule::Kinked { .. }
                | Rule::Trajectory { .. }
                | Rule::FirstUpdate { .. }
                | Rule::Updates { .. }
                | Rule::Statistics { .. }
        )
    }
}

/// Why an output cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomparable {
    /// The port did not return it.
    #[error("output `{output}` is missing")]
    Missing { output: String },
    /// The port returned another shape than the case states.
    #[error("output `{output}` has shape {found:?}, expected {expected:?}")]
    Shape { output: String, expected: Vec<usize>, found: Vec<usize> },
    /// The port returned another number of elements than its own shape has.
    #[error("output `{output}` has shape {shape:?} but {found} elements")]
    Count { output: String, shape: Vec<usize>, found: usize },
    /// The port returned another element type than case and precision require.
    #[error("output `{output}` has type {found}, expected {expected} in this precision")]
    Type { output: String, expected: ElementType, found: ElementType },
}

/// Compares one output of a port with the original's.
pub(super) fn judge(
    references: &References<'_>,
    output: &OutputSpec,
    captured: Option<&Tensor>,
    precision: Precision,
) -> Result<Judgement, Incomparable> {
    let case = references.case;
    let captured = comparable(case, output, captured, precision)?;
    let port = Profile::captured(&captured.data, output.kind);
    let mut judgement = judge_profile(references, output, &port, precision);
    if judgement.rule == Rule::Exact && !same_integers(case, output, captured) {
        judgement.ratio = f64::MAX;
    }
    Ok(judgement)
}

/// Compares the profile of one output.
pub(super) fn judge_profile(
    references: &References<'_>,
    output: &OutputSpec,
    port: &Profile,
    precision: Precision,
) -> Judgement {
    judge_by(references, output, port, precision, choose(references, output, precision))
}

/// Compares the profile of one output by a rule.
pub(super) fn judge_by(
    references: &References<'_>,
    output: &OutputSpec,
    port: &Profile,
    precision: Precision,
    rule: Rule,
) -> Judgement {
    let Reference { profile: reference, precision: compared, .. } =
        references.runs(&output.name).reference(precision);
    let width = width(output.dtype, compared);
    let comparison = compare(port, reference, width);
    let distance_from_start =
        |reach| (drift(references.case, output, port, reach, width), "distance from start");
    let (ratio, check) = match &rule {
        Rule::Exact => exact(&comparison, port),
        Rule::Within { tolerance, .. } => {
            worst(within(&comparison, port, tolerance * comparison.scale))
        }
        Rule::Kinked { tolerance } => least([
            worst(within(&comparison, port, tolerance * comparison.scale)),
            worst(statistics(port, reference, &[KINK_TOLERANCE; 4], Some(KINK_TOLERANCE))),
        ]),
        Rule::Printed { tolerance } => {
            let rounding = FLOOR_F32 * comparison.scale;
            (over(comparison.max_error, tolerance + rounding), "element")
        }
        Rule::Trajectory { tolerances } => {
            let pairs = port.elements.iter().zip(&reference.elements).zip(tolerances);
            worst(pairs.map(|((&a, &b), tolerance)| {
                (over(distance(a, b), tolerance * comparison.scale), "step")
            }))
        }
        Rule::FirstUpdate { limits, reach } => {
            let decided = worst(first_update(&comparison, port, reference, limits, *reach));
            let decided = match compared {
                Precision::F32 => least([decided, moved_apart(port, reference, *reach)]),
                Precision::F64 => decided,
            };
            worst([decided, distance_from_start(*reach)])
        }
        Rule::Updates { tolerance, strays, reach } => {
            let limit = tolerance * comparison.scale;
            worst(updates(&comparison, port, reference, limit, *strays, *reach))
        }
        Rule::ZeroGradient { limit, .. } => (over(port.max_abs(), *limit), "largest"),
        Rule::Drift { reach } => distance_from_start(*reach),
        Rule::Statistics { tolerances, relative_l2, .. } => {
            worst(statistics(port, reference, tolerances, *relative_l2))
        }
    };
    let output = output.name.clone();
    let (tail, spread) = (false, false);
    Judgement { output, ratio, check, rule, tail, spread, known_difference: None, comparison }
}

/// Widens the tolerances of the few outputs of an f32 run that lie in the tail of the noise.
///
/// Noise is one draw of the original, and the ratio of two draws has a heavy tail: of independent
/// outputs one in 50 exceeds a tolerance of 32 draws. So one output in [`OUTPUTS_PER_TAIL`], and one
/// more, may have an error of up to [`TAIL_FACTOR`] tolerances. At batch size 2 a batch normalization
/// over 1×1 maps amplifies the draw of one element into everything behind it, so any number may.
pub(super) fn widen_tail(case: &Case, outputs: &mut [Judgement], precision: Precision) {
    let by_noise = |j: &Judgement| j.diverges() && j.ratio <= TAIL_FACTOR && j.by_noise();
    let allowed = outputs.len() / OUTPUTS_PER_TAIL + 1;
    let few = outputs.iter().filter(|j| j.diverges()).count() <= allowed;
    if precision == Precision::F32 && (few || case.numerics.batch_of_two) {
        for judgement in outputs.iter_mut().filter(|j| by_noise(j)) {
            judgement.ratio /= TAIL_FACTOR;
            judgement.tail = true;
        }
    }
}

/// Checks that the output exists, in the case's shape and in the type of this precision.
fn comparable<'a>(
    case: &Case,
    spec: &OutputSpec,
    captured: Option<&'a Tensor>,
    precision: Precision,
) -> Result<&'a Tensor, Incomparable> {
    let output = spec.name.clone();
    let Some(captured) = captured else {
        return Err(Incomparable::Missing { output });
    };
    if captured.shape != spec.shape {
        let (expected, found) = (spec.shape.clone(), captured.shape.clone());
        return Err(Incomparable::Shape { output, expected, found });
    }
    if captured.data.len() != spec.len() {
        let (shape, found) = (spec.shape.clone(), captured.data.len());
        return Err(Incomparable::Count { output, shape, found });
    }
    let found = captured.data.dtype();
    let (expected, fits) = match (spec.dtype, precision) {
        (ElementType::F32, Precision::F64) => {
            // Without an f64 run of the original both precisions are compared with the f32 run.
            let single_only = case.expected(spec, Precision::F64).is_none();
            (
                ElementType::F64,
                found == ElementType::F64 || (single_only && found == ElementType::F32),
            )
        }
        (dtype, _) => (dtype, found == dtype),
    };
    if fits { Ok(captured) } else { Err(Incomparable::Type { output, expected, found }) }
}

const fn width(dtype: ElementType, precision: Precision) -> UlpWidth {
    match (dtype, precision) {
        (ElementType::F32, Precision::F32) => UlpWidth::Single,
        (ElementType::F32 | ElementType::F64, _) => UlpWidth::Double,
        (ElementType::I64 | ElementType::U8, _) => UlpWidth::Integer,
    }
}

/// The ratio of error to tolerance, and the name of the check.
type CheckRatio = (f64, &'static str);

fn worst(checks: impl IntoIterator<Item = CheckRatio>) -> CheckRatio {
    checks.into_iter().fold(
        (0.0, "element"),
        |worst, check| {
            if check.0 > worst.0 { check } else { worst }
        },
    )
}

/// The check with the smallest ratio: one of several is enough to pass.
fn least<const N: usize>(checks: [CheckRatio; N]) -> CheckRatio {
    checks.into_iter().reduce(|a, b| if b.0 < a.0 { b } else { a }).expect("there is a check")
}

/// Equality; the ratio counts half units in the last place, so that one unit gives 2.
fn exact(comparison: &Comparison, port: &Profile) -> CheckRatio {
    let reach = comparison.ulps.reach();
    let elements = (if reach == 0 { 0.0 } else { 2.0 * reach as f64 }, "element");
    // The statistics of a stored digest were summed in another order.
    worst([elements].into_iter().chain(named_statistics(comparison, |_| 1e-12 * port.rms())))
}

/// Returns whether integers are equal; above 2^53 f64 cannot represent them.
fn same_integers(case: &Case, output: &OutputSpec, captured: &Tensor) -> bool {
    match (&captured.data, case.expected(output, Precision::F32)) {
        (TensorData::I64(found), Some(Expected::Full(TensorData::I64(stored)))) => found == stored,
        _ => true,
    }
}

/// Every element within `limit`, and therefore every statistic.
fn within(comparison: &Comparison, port: &Profile, limit: f64) -> impl Iterator<Item = CheckRatio> {
    let root_n = (port.n.max(1) as f64).sqrt();
    let limits = [limit, limit, limit * root_n, limit];
    let element = (over(comparison.max_error, limit), "element");
    let statistics: Vec<CheckRatio> = named_statistics(comparison, |i| limits[i]).collect();
    [element].into_iter().chain(statistics)
}

const STATISTICS: [&str; 4] = ["mean", "deviation", "norm", "largest"];

fn named_statistics(
    comparison: &Comparison,
    limit: impl Fn(usize) -> f64,
) -> impl Iterator<Item = CheckRatio> {
    (0..4).map(move |i| {
        let error = distance(comparison.statistics_port[i], comparison.statistics_reference[i]);
        (over(error, limit(i)), STATISTICS[i])
    })
}

/// Decided elements within their limits; statistics within what the undecided ones can add.
fn first_update(
    comparison: &Comparison,
    port: &Profile,
    reference: &Profile,
    limits: &[Option<f64>],
    reach: f64,
) -> Vec<CheckRatio> {
    let undecided = limits.iter().filter(|limit| limit.is_none()).count();
    let share = if limits.len() == port.n {
        undecided as f64 / limits.len().max(1) as f64
    } else {
        ((undecided + 1) as f64 / limits.len() as f64).min(1.0)
    };
    // Rounding alone, if no compared element is decided.
    let decided = limits.iter().flatten().fold(1e-4 * reach, |a: f64, &b| a.max(b));
    let pairs = port.elements.iter().zip(&reference.elements).zip(limits);
    let elements = pairs.filter_map(|((&a, &b), limit)| {
        limit.map(|limit| (over(distance(a, b), limit), "element"))
    });
    elements.chain(mixed_statistics(comparison, port.n, decided, share, reach)).collect()
}

/// All elements except a few strays within `limit`, the strays within the largest distance of two runs.
fn updates(
    comparison: &Comparison,
    port: &Profile,
    reference: &Profile,
    limit: f64,
    strays: usize,
    reach: f64,
) -> Vec<CheckRatio> {
    let pairs = port.elements.iter().zip(&reference.elements);
    let mut errors: Vec<f64> = pairs.map(|(&a, &b)| distance(a, b)).collect();
    errors.sort_by(|a, b| b.total_cmp(a));
    let farthest = errors.first().copied().unwrap_or(0.0);
    let settled = errors.get(strays).copied().unwrap_or(0.0);
    let share = strays as f64 / errors.len().max(strays) as f64;
    let elements = worst(
        [(over(settled, limit), "element")]
            .into_iter()
            .chain(mixed_statistics(comparison, port.n, limit, share, reach)),
    );
    let stray = (over(farthest, limit + 2.0 * reach), "stray element");
    vec![least([elements, moved_apart(port, reference, reach)]), stray]
}

/// The root mean square of the error against a share of what the updates can move.
fn moved_apart(port: &Profile, reference: &Profile, reach: f64) -> CheckRatio {
    let pairs = port.elements.iter().zip(&reference.elements);
    let squares: f64 = pairs.map(|(&a, &b)| distance(a, b).powi(2)).sum();
    let rms = if port.elements.len() < RMS_ELEMENTS_MIN {
        f64::MAX // the mean of a few elements adds nothing to the single elements
    } else {
        (squares / port.elements.len() as f64).sqrt()
    };
    (over(rms, RMS_SHARE_OF_REACH * reach), "root mean square of the error")
}

/// Statistics of elements within `limit`, except for a `share` within twice the reach.
fn mixed_statistics(
    comparison: &Comparison,
    n: usize,
    limit: f64,
    share: f64,
    reach: f64,
) -> impl Iterator<Item = CheckRatio> {
    let spread = limit + share.sqrt() * 2.0 * reach;
    let limits = [
        limit + share * 2.0 * reach,
        spread,
        spread * (n.max(1) as f64).sqrt(),
        if share > 0.0 { limit + 2.0 * reach } else { limit },
    ];
    named_statistics(comparison, move |i| limits[i])
}

/// Returns the largest excess of a distance from the start over `reach`, over what rounding allows.
fn drift(case: &Case, output: &OutputSpec, port: &Profile, reach: f64, width: UlpWidth) -> f64 {
    let start = match &output.role {
        OutputRole::Updated { of, .. } => case.tensor_spec(of),
        _ => None,
    };
    let Some(start) = start.filter(|start| start.shape == output.shape) else {
        return f64::MAX;
    };
    let unit = match width {
        UlpWidth::Single => f64::from(f32::EPSILON),
        UlpWidth::Double | UlpWidth::Integer => f64::EPSILON,
    };
    let positions: Vec<usize> = (0..port.elements.len()).map(|i| port.position(i)).collect();
    let before = case.elements_at(start, &positions);
    port.elements.iter().zip(&before).fold(0.0, |worst: f64, (&after, &before)| {
        let excess = distance(after, before) - reach;
        let slack = 1e-4 * reach + 32.0 * unit * before.abs();
        if excess > 0.0 { worst.max(over(excess, slack)) } else { worst }
    })
}

fn statistics(
    port: &Profile,
    reference: &Profile,
    tolerances: &[f64; 4],
    l2_tolerance: Option<f64>,
) -> Vec<CheckRatio> {
    let shares = statistic_distances(port, reference);
    let mut checks: Vec<CheckRatio> =
        (0..4).map(|i| (over(shares[i], tolerances[i]), STATISTICS[i])).collect();
    if let Some(tolerance) = l2_tolerance {
        checks.push((over(relative_l2(port, reference), tolerance), "relative L2"));
    }
    checks
}
