//! A rule applied to what a port got: the ratio of error to bound.

use super::{
    case::{Case, Expected, OutputSpec, Precision},
    compare::{Comparison, Profile, UlpWidth, compare, distance, over},
    rule::{self, BoundSource, Rule, Twins},
    tensor::{Dtype, Tensor, TensorData},
};

/// What became of one output.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Name of the output.
    pub output: String,
    /// Error over bound of the worst check; at most 1 passes.
    pub ratio: f64,
    /// The check that gave the ratio.
    pub check: &'static str,
    /// The rule that held the output.
    pub rule: Rule,
    /// Whether the bound was widened for the tail of the noise (METHODOLOGY.md).
    pub tail: bool,
    /// Reason of the known difference that excuses a ratio above 1, or empty.
    pub excuse: String,
    /// The distances.
    pub comparison: Comparison,
}

impl Judgement {
    /// Returns whether the output lies beyond its bound, excused or not.
    pub fn diverges(&self) -> bool {
        self.ratio > 1.0
    }

    /// Returns whether the output fails its case.
    pub fn fails(&self) -> bool {
        self.diverges() && self.excuse.is_empty()
    }
}

/// Why an output cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomparable {
    /// The port did not return it.
    #[error("output `{output}` is missing")]
    Missing {
        /// Name of the output.
        output: String,
    },
    /// The port returned another shape.
    #[error("output `{output}` has shape {found:?} where the case says {expected:?}")]
    Shape {
        /// Name of the output.
        output: String,
        /// Shape that the case states.
        expected: Vec<usize>,
        /// Shape that the port returned.
        found: Vec<usize>,
    },
    /// The port returned another number of elements than its own shape says.
    #[error("output `{output}` has shape {shape:?} but {found} elements")]
    Count {
        /// Name of the output.
        output: String,
        /// Shape that the port returned.
        shape: Vec<usize>,
        /// Elements that the port returned.
        found: usize,
    },
    /// The port returned another element type.
    #[error("output `{output}` is {found} where this precision asks for {expected}")]
    Type {
        /// Name of the output.
        output: String,
        /// Type that the case and the precision ask for.
        expected: Dtype,
        /// Type that the port returned.
        found: Dtype,
    },
}

/// Judges one output of a port.
pub(super) fn judge(
    case: &Case,
    output: &OutputSpec,
    captured: Option<&Tensor>,
    precision: Precision,
) -> Result<Judgement, Incomparable> {
    let captured = comparable(case, output, captured, precision)?;
    let port = Profile::captured(&captured.data, output.kind);
    let mut judgement = judge_profile(case, output, &port, precision);
    if judgement.rule == Rule::Exact && !same_integers(case, output, captured) {
        judgement.ratio = f64::MAX;
    }
    Ok(judgement)
}

/// Judges what is compared of an output.
pub(super) fn judge_profile(
    case: &Case,
    output: &OutputSpec,
    port: &Profile,
    precision: Precision,
) -> Judgement {
    let twins = Twins::of(case, output, precision);
    let reference = &twins.reference;
    let rule = rule::choose(case, output, precision, &twins);
    let width = width(output.dtype, twins.precision);
    let comparison = compare(port, reference, width);
    let distance_from_start =
        |reach| (drift(case, output, port, reach, width), "distance from start");
    let (ratio, check) = match &rule {
        Rule::Exact => exact(&comparison, port),
        Rule::Within { bound, .. } => worst(within(&comparison, port, bound * comparison.scale)),
        Rule::Kinked { bound } => least([
            worst(within(&comparison, port, bound * comparison.scale)),
            worst(statistics(port, reference, &[rule::NOISY; 4], Some(rule::NOISY))),
        ]),
        Rule::Printed { tolerance } => {
            let rounding = rule::FLOOR_SINGLE * comparison.scale;
            (over(comparison.max_error, tolerance + rounding), "element")
        }
        Rule::Trajectory { bounds } => {
            let pairs = port.elements.iter().zip(&reference.elements).zip(bounds);
            worst(
                pairs.map(|((&a, &b), bound)| {
                    (over(distance(a, b), bound * comparison.scale), "step")
                }),
            )
        }
        Rule::FirstUpdate { limits, reach } => {
            let decided = worst(first_update(&comparison, port, reference, limits, *reach));
            let decided = match twins.precision {
                Precision::F32 => least([decided, moved_apart(port, reference, *reach)]),
                Precision::F64 => decided,
            };
            worst([decided, distance_from_start(*reach)])
        }
        Rule::Updates { bound, strays, reach } => {
            worst(updates(&comparison, port, reference, bound * comparison.scale, *strays, *reach))
        }
        Rule::ZeroGradient { limit, .. } => (over(port.max_abs(), *limit), "largest"),
        Rule::Drift { reach } => distance_from_start(*reach),
        Rule::Statistics { bounds, relative_l2, .. } => {
            worst(statistics(port, reference, bounds, *relative_l2))
        }
    };
    let output = output.name.clone();
    Judgement { output, ratio, check, rule, tail: false, excuse: String::new(), comparison }
}

/// Widens the bounds of the few outputs of an f32 run that lie in the tail of the noise.
///
/// Noise is one draw of the original, and the ratio of two draws has a heavy tail: of independent
/// outputs one in 50 exceeds a bound of 32 draws ([`rule::MULTIPLE`]). So one output in 16, and one
/// more, may lie up to [`rule::TAIL`] bounds away. At batch size 2 a batch normalization over 1×1 maps
/// amplifies the draw of one element into everything behind it, so there any number may.
pub(super) fn widen_tail(case: &Case, outputs: &mut [Judgement], precision: Precision) {
    let by_noise = |j: &Judgement| {
        j.diverges()
            && j.ratio <= rule::TAIL
            && matches!(
                j.rule,
                Rule::Within { from: BoundSource::Noise | BoundSource::Floor, .. }
                    | Rule::Kinked { .. }
                    | Rule::Trajectory { .. }
                    | Rule::FirstUpdate { .. }
                    | Rule::Updates { .. }
                    | Rule::Statistics { .. }
            )
    };
    let many = outputs.len() / rule::TAIL_SHARE + 1;
    let few = outputs.iter().filter(|j| j.diverges()).count() <= many;
    if precision == Precision::F32 && (few || rule::is_batch_of_two(case)) {
        for judgement in outputs.iter_mut().filter(|j| by_noise(j)) {
            judgement.ratio /= rule::TAIL;
            judgement.tail = true;
        }
    }
}

/// Checks that the output is there, in the case's shape and in the type of this precision.
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
        (Dtype::F32, Precision::F64) => {
            // Without an f64 run of the original either precision is compared with the f32 run.
            let single_only = case.expected(spec, Precision::F64).is_none();
            (Dtype::F64, found == Dtype::F64 || (single_only && found == Dtype::F32))
        }
        (dtype, _) => (dtype, found == dtype),
    };
    if fits { Ok(captured) } else { Err(Incomparable::Type { output, expected, found }) }
}

const fn width(dtype: Dtype, precision: Precision) -> UlpWidth {
    match (dtype, precision) {
        (Dtype::F32, Precision::F32) => UlpWidth::Single,
        (Dtype::F32 | Dtype::F64, _) => UlpWidth::Double,
        (Dtype::I64 | Dtype::U8, _) => UlpWidth::Integer,
    }
}

type Check = (f64, &'static str);

fn worst(checks: impl IntoIterator<Item = Check>) -> Check {
    checks.into_iter().fold(
        (0.0, "element"),
        |worst, check| {
            if check.0 > worst.0 { check } else { worst }
        },
    )
}

/// The check that lets an output pass, if one of several does.
fn least<const N: usize>(checks: [Check; N]) -> Check {
    checks.into_iter().reduce(|a, b| if b.0 < a.0 { b } else { a }).expect("there is a check")
}

/// Equality; the ratio counts half units in the last place, so that one unit gives 2.
fn exact(comparison: &Comparison, port: &Profile) -> Check {
    let reach = comparison.ulps.reach();
    let elements = (if reach == 0 { 0.0 } else { 2.0 * reach as f64 }, "element");
    // The stored statistics of a digest were summed in another order.
    worst([elements].into_iter().chain(named_statistics(comparison, |_| 1e-12 * port.rms())))
}

/// Returns whether integers are equal; beyond 2^53 they do not survive as f64.
fn same_integers(case: &Case, output: &OutputSpec, captured: &Tensor) -> bool {
    match (&captured.data, case.expected(output, Precision::F32)) {
        (TensorData::I64(found), Some(Expected::Full(TensorData::I64(stored)))) => found == stored,
        _ => true,
    }
}

/// Every element within `limit`, and therefore every statistic.
fn within(comparison: &Comparison, port: &Profile, limit: f64) -> impl Iterator<Item = Check> {
    let root_n = (port.n.max(1) as f64).sqrt();
    let limits = [limit, limit, limit * root_n, limit];
    let element = (over(comparison.max_error, limit), "element");
    let statistics: Vec<Check> = named_statistics(comparison, |i| limits[i]).collect();
    [element].into_iter().chain(statistics)
}

const STATISTICS: [&str; 4] = ["mean", "deviation", "norm", "largest"];

fn named_statistics(
    comparison: &Comparison,
    limit: impl Fn(usize) -> f64,
) -> impl Iterator<Item = Check> {
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
) -> Vec<Check> {
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

/// All elements but a few strays within `limit`, the strays within what two runs can be apart.
fn updates(
    comparison: &Comparison,
    port: &Profile,
    reference: &Profile,
    limit: f64,
    strays: usize,
    reach: f64,
) -> Vec<Check> {
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
fn moved_apart(port: &Profile, reference: &Profile, reach: f64) -> Check {
    let pairs = port.elements.iter().zip(&reference.elements);
    let squares: f64 = pairs.map(|(&a, &b)| distance(a, b).powi(2)).sum();
    let rms = if port.elements.len() < rule::FEW {
        f64::MAX // the mean of a few says no more than each of them
    } else {
        (squares / port.elements.len() as f64).sqrt()
    };
    (over(rms, rule::MOVED_SHARE * reach), "root mean square of the error")
}

/// Statistics of elements within `limit`, but for a `share` that lies within twice the reach.
fn mixed_statistics(
    comparison: &Comparison,
    n: usize,
    limit: f64,
    share: f64,
    reach: f64,
) -> impl Iterator<Item = Check> {
    let spread = limit + share.sqrt() * 2.0 * reach;
    let limits = [
        limit + share * 2.0 * reach,
        spread,
        spread * (n.max(1) as f64).sqrt(),
        if share > 0.0 { limit + 2.0 * reach } else { limit },
    ];
    named_statistics(comparison, move |i| limits[i])
}

/// Returns how far beyond `reach` of its start any element lies, in units of what rounding allows.
fn drift(case: &Case, output: &OutputSpec, port: &Profile, reach: f64, width: UlpWidth) -> f64 {
    let name = output.name.strip_prefix("after/").unwrap_or(&output.name);
    let Some(spec) = case.tensor_spec(name).filter(|spec| spec.shape == output.shape) else {
        return f64::MAX;
    };
    let unit = match width {
        UlpWidth::Single => f64::from(f32::EPSILON),
        UlpWidth::Double | UlpWidth::Integer => f64::EPSILON,
    };
    let positions: Vec<usize> = (0..port.elements.len()).map(|i| port.position(i)).collect();
    let before = case.elements_at(spec, &positions);
    port.elements.iter().zip(&before).fold(0.0, |worst: f64, (&after, &before)| {
        let excess = distance(after, before) - reach;
        let slack = 1e-4 * reach + 32.0 * unit * before.abs();
        if excess > 0.0 { worst.max(over(excess, slack)) } else { worst }
    })
}

fn statistics(
    port: &Profile,
    reference: &Profile,
    bounds: &[f64; 4],
    relative_l2: Option<f64>,
) -> Vec<Check> {
    let shares = rule::statistic_distances(port, reference);
    let mut checks: Vec<Check> =
        (0..4).map(|i| (over(shares[i], bounds[i]), STATISTICS[i])).collect();
    if let Some(bound) = relative_l2 {
        checks.push((over(rule::relative_l2(port, reference), bound), "relative L2"));
    }
    checks
}

/// Returns the reason why `rule` holds an output, as one sentence without its period.
pub(super) fn reason(rule: &Rule) -> String {
    match rule {
        Rule::Exact => "equal bit for bit".to_owned(),
        Rule::Within { bound, from } => {
            let from = match from {
                BoundSource::Noise => "a multiple of the original's own noise",
                BoundSource::Floor => "the floor of the element type, above the noise's multiple",
                BoundSource::Unmeasured => "32 floors of the element type; no noise was measured",
                BoundSource::SingleOnly => "held to the f32 run; the original has no f64 run",
            };
            format!("elements within {bound:.1e} of the largest: {from}")
        }
        Rule::Kinked { bound } => format!(
            "elements within {bound:.1e} of the largest; or, since a rectifier may have taken the other \
             branch, statistics and relative L2 within {:.0e}",
            rule::NOISY
        ),
        Rule::Printed { tolerance } => {
            format!("within {tolerance:.1e}, the places to which the original was printed")
        }
        Rule::Trajectory { bounds } => format!(
            "each step within a multiple of the original's own distance up to the next step, {:.1e} to {:.1e}",
            bounds.first().copied().unwrap_or(0.0),
            bounds.last().copied().unwrap_or(0.0),
        ),
        Rule::FirstUpdate { limits, reach } => format!(
            "one Adam update: tight where the gradient's sign is decided, within {reach:.1e} of the \
             start for the {} of {} compared elements where it is rounding noise; in f32 the root mean \
             square of the error may decide",
            limits.iter().filter(|limit| limit.is_none()).count(),
            limits.len(),
        ),
        Rule::Updates { bound, strays, reach } => format!(
            "several Adam updates: elements within {bound:.1e} of the largest but {strays}, or a root mean \
             square of the error below a 16th of the {reach:.1e} that the updates can move; none beyond \
             twice that"
        ),
        Rule::ZeroGradient { limit, neighbour } => format!(
            "zero by construction, so its value is rounding noise: below {limit:.1e}, 1024 roundings \
             of `{neighbour}`"
        ),
        Rule::Drift { reach } => format!(
            "Adam follows the noise of a gradient that is zero by construction: within {reach:.1e} of \
             its start"
        ),
        Rule::Statistics { noise, relative_l2, .. } => format!(
            "the original's own noise is {noise:.1e}: statistics{} instead of elements",
            if relative_l2.is_some() { " and relative L2" } else { "" },
        ),
    }
}
