//! Which rule holds an output, and how far it lets a port go.
//!
//! Every bound is computed from the case alone: the original's own distance between its f32 and
//! its f64 run, the element type, the settings of the optimizer. What a port got is never looked
//! at. METHODOLOGY.md gives the reasons; [`choose`] is the place to start.

use super::{
    adam::Adam,
    case::{Case, OutputSpec, Precision},
    compare::{Profile, distance, norm},
    tensor::Dtype,
    trajectory::{bounds, chaotic_steps, updates},
    wire::Role,
};

/// How many times the original's own noise a port in f32 may lie from it. The noise is one draw; where
/// one element decides it, the ratio of two draws passes m with a probability of 2/(π m), so that 8
/// would refuse one correct output in 13 and 32 refuses one in 50.
pub(super) const MULTIPLE: f64 = 32.0;

/// The same for a port in f64, which rounds nothing that f32 could show, and for statistics.
const MULTIPLE_DOUBLE: f64 = 8.0;

/// Bound from which single elements say nothing any more.
const BLIND: f64 = 0.08;

/// Least distance of all rectifier inputs from zero (`relu_margin` of a case) at which every f32 run
/// takes the same branches: 64 roundings.
const SAFE_MARGIN: f64 = 1.0 / 131_072.0; // 2^-17

/// Share of the reach of the updates that the root mean square of a parameter's error may take.
pub(super) const MOVED_SHARE: f64 = 1.0 / 16.0;

/// Noise from which single elements of a run say little: statistics are compared instead.
pub(super) const NOISY: f64 = 1e-2;

/// Least bound on an f32 output, over its largest value: 32 roundings.
pub(super) const FLOOR_SINGLE: f64 = 1.0 / 524_288.0; // 2^-19

/// Least bound on an f64 output that the original computed from f32 intermediates: NumPy, `PyTorch`
/// and we reduce in different orders.
pub(super) const FLOOR_MIXED: f64 = 1.0 / 1_073_741_824.0; // 2^-30

/// Least bound on an output of an f64 run: 8192 roundings, for sums of a million terms.
pub(super) const FLOOR_DOUBLE: f64 = 1.0 / 1_099_511_627_776.0; // 2^-40

/// Least bound on an f64 output that several updates led to: each update divides by the size of its
/// gradient and amplifies what rounding left there, the more the smaller the gradient is.
pub(super) const FLOOR_TRAINED: f64 = FLOOR_MIXED;

/// How much finer f64 rounds than f32.
const DOUBLE_OVER_SINGLE: f64 = 1.0 / 536_870_912.0; // 2^-29

/// What an f32 run that left the linear range may have hidden of the amplification of errors.
const SATURATED: f64 = 32.0;

/// Growth of a difference from one chaotic training step to the next, rounded up from about 300.
pub(super) const CHAOS: f64 = 1024.0;

/// Roundings of the largest neighbouring gradient that a gradient which is zero by construction may
/// reach; the originals themselves reach about 250.
const ZERO_ROUNDINGS: f64 = 1024.0;

/// Share of its neighbour below which a gradient of an f64 run is taken for zero by construction;
/// true gradients lie above 1e-3, the zeros below 1e-13.
const ZERO_SHARE: f64 = 1e-10;

/// One in so many elements, and one more, may have had a gradient of either sign in one of several
/// updates; where the original's own runs show it the noise holds it already.
const STRAY_SHARE: usize = 64;

/// How many bounds away an output in the tail of the noise may lie.
pub(super) const TAIL: f64 = 8.0;

/// One in so many outputs of a case may lie in the tail.
pub(super) const TAIL_SHARE: usize = 16;

/// Returns whether batch normalizations of the case see two values per channel at 1×1 maps.
pub(super) fn is_batch_of_two(case: &Case) -> bool {
    let statistics = case.tensors().iter().any(|tensor| tensor.name.ends_with("running_mean"));
    statistics && case.config.usize("batch_size").is_ok_and(|size| size == 2)
}

/// Fewer elements than this have no meaningful root mean square.
pub(super) const FEW: usize = 16;

/// The rule that holds one output.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Bit for bit: integers, and what is defined to the last bit.
    Exact,
    /// Every element within `bound` times the largest value, every statistic accordingly.
    Within {
        /// Error over scale.
        bound: f64,
        /// How the bound came about.
        from: BoundSource,
    },
    /// An f32 gradient behind rectifiers, or a statistic of what updates by such gradients led to: as
    /// [`Rule::Within`], or, if some input of one lies so near
    /// zero that correct runs take different branches, statistics and relative L2 within 1e-2.
    Kinked {
        /// Error over scale.
        bound: f64,
    },
    /// Every element within an absolute tolerance: numbers printed to so many places.
    Printed {
        /// The tolerance.
        tolerance: f64,
    },
    /// A value per training step, each with its own bound over the largest value.
    Trajectory {
        /// One bound per element.
        bounds: Vec<f64>,
    },
    /// A parameter after one Adam update: tight where the gradient's sign is decided, within reach
    /// of the start where it is not.
    FirstUpdate {
        /// Absolute limit of each compared element, or `None` where the sign is undecided.
        limits: Vec<Option<f64>>,
        /// Largest distance from the start.
        reach: f64,
    },
    /// A parameter after several Adam updates: as [`Rule::Within`], but for elements whose gradient may
    /// have changed its sign, which lie within twice the reach of each other; few of them, or a root
    /// mean square of the error below a 16th of the reach.
    Updates {
        /// Error over scale.
        bound: f64,
        /// How many of the compared elements may lie beyond the bound.
        strays: usize,
        /// Largest distance from the start.
        reach: f64,
    },
    /// A gradient that is zero mathematically.
    ZeroGradient {
        /// Largest absolute value allowed.
        limit: f64,
        /// The gradient whose rounding sets the limit.
        neighbour: String,
    },
    /// A parameter whose gradient is zero mathematically, after Adam has followed the noise.
    Drift {
        /// Largest distance from the start.
        reach: f64,
    },
    /// Noisy: mean, deviation, norm and largest value, and where it says something the relative L2,
    /// each as a share of the larger of both runs.
    Statistics {
        /// Bounds on the four statistics.
        bounds: [f64; 4],
        /// Bound on the relative L2 distance of the compared elements.
        relative_l2: Option<f64>,
        /// The original's own noise.
        noise: f64,
    },
}

/// How the bound of [`Rule::Within`] came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BoundSource {
    /// A multiple of the original's own noise.
    Noise,
    /// The floor of the element type, the noise being smaller.
    Floor,
    /// Nothing was measured; the floor times the multiple.
    Unmeasured,
    /// Nothing was measured in f64, so the f32 run is the reference.
    SingleOnly,
}

/// The reference runs of one output.
pub(super) struct Twins {
    /// The run that the port is held to.
    pub(super) reference: Profile,
    /// The original's run in the other precision.
    other: Option<Profile>,
    /// Precision of `reference`.
    pub(super) precision: Precision,
}

impl Twins {
    /// Returns the runs of `output`; an output without an f64 run is held to its f32 run.
    pub(super) fn of(case: &Case, output: &OutputSpec, precision: Precision) -> Self {
        let profile = |precision| {
            case.expected(output, precision).map(|stored| Profile::expected(&stored, output.len()))
        };
        let single = profile(Precision::F32).expect("loading required every stored output");
        match (precision, profile(Precision::F64)) {
            (Precision::F64, Some(double)) => {
                Self { reference: double, other: Some(single), precision }
            }
            (Precision::F32, double) => Self { reference: single, other: double, precision },
            (Precision::F64, None) => {
                Self { reference: single, other: None, precision: Precision::F32 }
            }
        }
    }

    pub(super) fn double(&self) -> Option<&Profile> {
        match self.precision {
            Precision::F64 => Some(&self.reference),
            Precision::F32 => self.other.as_ref(),
        }
    }

    pub(super) fn single(&self) -> Option<&Profile> {
        match self.precision {
            Precision::F32 => Some(&self.reference),
            Precision::F64 => self.other.as_ref(),
        }
    }
}

/// Chooses the rule for `output` of a run in `precision`.
pub(super) fn choose(
    case: &Case,
    output: &OutputSpec,
    precision: Precision,
    twins: &Twins,
) -> Rule {
    if let Some(rule) = unmeasured(case, output, precision, twins) {
        return rule;
    }
    if let Some(rule) = zero_gradient(case, output, twins) {
        return rule;
    }
    let noise = output.noise.unwrap_or(0.0);
    let parameter = output.name.strip_prefix("after/").filter(|name| is_parameter(case, name));
    if let Some(rule) = parameter.and_then(|name| updated(case, output, name, precision, twins)) {
        return rule;
    }
    if let Some(bounds) = bounds(case, output, twins) {
        return Rule::Trajectory { bounds };
    }
    let bound = match twins.precision {
        Precision::F32 if noise >= NOISY => return statistics(noise, twins),
        Precision::F32 => MULTIPLE * noise,
        Precision::F64 if noise >= NOISY => match chaotic_steps(case) {
            Some(steps) => double(noise) * CHAOS.powi(steps),
            None => double(noise) * SATURATED,
        },
        Precision::F64 => double(noise),
    };
    if bound >= BLIND {
        return statistics(noise, twins);
    }
    let floor = floor(case, output, twins.precision);
    let gradient = output.name.starts_with("grad/");
    let followed = output.name.starts_with("after/")
        && parameter.is_none()
        && Adam::of(case).is_some_and(|adam| adam.steps > 1);
    if twins.precision == Precision::F32 && (gradient || followed) && may_flip(case) {
        return Rule::Kinked { bound: bound.max(floor) };
    }
    if let (Some(adam), Precision::F32) = (parameter.and_then(|_| Adam::of(case)), twins.precision)
    {
        let strays = 1 + twins.reference.elements.len() / STRAY_SHARE;
        // An update follows its gradient in proportion, so it inherits what a kink adds there.
        let kinks = if may_flip(case) {
            NOISY * adam.reach() / twins.reference.max_abs().max(f64::MIN_POSITIVE)
        } else {
            0.0
        };
        return Rule::Updates { bound: bound.max(floor).max(kinks), strays, reach: adam.reach() };
    }
    let from = if bound > floor { BoundSource::Noise } else { BoundSource::Floor };
    Rule::Within { bound: bound.max(floor), from }
}

/// Returns the bound on an f64 run by a noise that f32 amplified linearly.
pub(super) fn double(noise: f64) -> f64 {
    MULTIPLE_DOUBLE * noise * DOUBLE_OVER_SINGLE
}

/// Returns whether rectifiers may take other branches in another correct f32 run; a case that does not
/// state its margin may have any.
pub(super) fn may_flip(case: &Case) -> bool {
    case.config.f64("relu_margin").is_ok_and(|margin| margin < SAFE_MARGIN)
        || !case.config.contains("relu_margin")
}

fn floor(case: &Case, output: &OutputSpec, precision: Precision) -> f64 {
    match (precision, output.dtype) {
        (Precision::F64, _) if output.name.starts_with("after/") && updates(case) > 1 => {
            FLOOR_TRAINED
        }
        (Precision::F64, _) => FLOOR_DOUBLE,
        (Precision::F32, Dtype::F32) => FLOOR_SINGLE,
        (Precision::F32, _) => FLOOR_MIXED,
    }
}

/// Rules for outputs that carry no noise: integers, defined bits, printed numbers, and the rest.
fn unmeasured(
    case: &Case,
    output: &OutputSpec,
    precision: Precision,
    twins: &Twins,
) -> Option<Rule> {
    if !output.dtype.is_float() {
        return Some(Rule::Exact);
    }
    if output.noise.is_some() {
        return (twins.precision != precision).then(|| {
            let noise = MULTIPLE * output.noise.unwrap_or(0.0);
            Rule::Within { bound: noise.max(FLOOR_SINGLE), from: BoundSource::SingleOnly }
        });
    }
    if output.name.starts_with("printed/") {
        let key = match output.dtype {
            Dtype::F32 => "tolerance_printed_torch",
            _ => "tolerance_printed_numpy",
        };
        if let Ok(tolerance) = case.config.f64(key) {
            return Some(Rule::Printed { tolerance });
        }
    }
    // Generators and schedules are sequences of single operations, each correctly rounded.
    if matches!(case.system.as_str(), "rng" | "schedule" | "data") {
        return Some(Rule::Exact);
    }
    if is_listed_zero(case, output) {
        return None;
    }
    let floor = match output.dtype {
        Dtype::F32 => FLOOR_SINGLE,
        _ => FLOOR_DOUBLE,
    };
    Some(Rule::Within { bound: MULTIPLE * floor, from: BoundSource::Unmeasured })
}

fn is_listed_zero(case: &Case, output: &OutputSpec) -> bool {
    case.config
        .strs("zero_by_construction")
        .is_ok_and(|names| names.contains(&output.name.as_str()))
}

/// A gradient that the case lists as zero, or that vanishes beside its layer's weight in f64.
fn zero_gradient(case: &Case, output: &OutputSpec, twins: &Twins) -> Option<Rule> {
    let parameter = output.name.strip_prefix("grad/")?;
    let listed = is_listed_zero(case, output);
    let neighbour = neighbour(case, parameter, listed)?;
    let beside = Twins::of(case, neighbour, Precision::F64);
    let vanishes = twins.double().zip(beside.double()).is_some_and(|(own, beside)| {
        let rounds = twins.single().is_some_and(|single| single.max_abs() > 0.0);
        rounds && own.max_abs() <= ZERO_SHARE * beside.max_abs()
    });
    let unit = match twins.precision {
        Precision::F32 => f64::from(f32::EPSILON) / 2.0,
        Precision::F64 => f64::EPSILON / 2.0,
    };
    let scale = Twins::of(case, neighbour, twins.precision).reference.max_abs();
    (listed || vanishes).then(|| Rule::ZeroGradient {
        limit: ZERO_ROUNDINGS * unit * scale,
        neighbour: neighbour.name.clone(),
    })
}

/// Returns the gradient of the weight that belongs to a bias, or for a listed zero any largest one.
fn neighbour<'a>(case: &'a Case, parameter: &str, listed: bool) -> Option<&'a OutputSpec> {
    const PAIRS: [(&str, &str); 4] =
        [("bias", "weight"), ("biases", "weights"), ("b", "W"), ("b", "w")];
    let at = parameter.rfind(['.', '/']).map_or(0, |at| at + 1);
    let (layer, own) = parameter.split_at(at);
    let beside = PAIRS
        .iter()
        .filter(|(bias, _)| *bias == own)
        .find_map(|(_, weight)| case.output_spec(&format!("grad/{layer}{weight}")));
    let largest = || {
        let max_abs = |o: &OutputSpec| Twins::of(case, o, Precision::F32).reference.max_abs();
        let gradients = case.outputs().iter().filter(|o| o.name.starts_with("grad/"));
        gradients.max_by(|a, b| max_abs(a).total_cmp(&max_abs(b)))
    };
    if listed { beside.or_else(largest) } else { beside }
}

fn is_parameter(case: &Case, name: &str) -> bool {
    case.tensor_spec(name).is_some_and(|tensor| tensor.role == Role::Parameter)
}

/// Rules for a parameter after Adam where its gradient in the first update is an output, too.
fn updated(
    case: &Case,
    output: &OutputSpec,
    parameter: &str,
    precision: Precision,
    twins: &Twins,
) -> Option<Rule> {
    let adam = Adam::of(case)?;
    let gradient = case.output_spec(&format!("grad/{parameter}"))?;
    let gradient_twins = Twins::of(case, gradient, precision);
    if zero_gradient(case, gradient, &gradient_twins).is_some() {
        return Some(Rule::Drift { reach: adam.reach() });
    }
    let noise = gradient.noise?;
    if adam.steps != 1 || gradient.kind != output.kind || twins.precision != precision {
        return None;
    }
    let slack = match precision {
        Precision::F32 => (MULTIPLE * noise).max(FLOOR_SINGLE),
        Precision::F64 if noise >= NOISY => (SATURATED * double(noise)).max(FLOOR_DOUBLE),
        Precision::F64 => double(noise).max(FLOOR_DOUBLE),
    } * gradient_twins.reference.max_abs();
    let rounding = floor(case, output, precision) * twins.reference.max_abs();
    let limits = gradient_twins.reference.elements.iter();
    Some(Rule::FirstUpdate {
        limits: limits
            .map(|&g| adam.first_update_slack(g, slack).map(|limit| limit + rounding))
            .collect(),
        reach: adam.reach(),
    })
}

/// Bounds on the statistics of a noisy output, from how those of the original's runs differ.
fn statistics(noise: f64, twins: &Twins) -> Rule {
    let reference = &twins.reference;
    let Some(other) = &twins.other else {
        return Rule::Statistics { bounds: [CEILING; 4], relative_l2: None, noise };
    };
    let own = statistic_distances(reference, other);
    let one_element = noise * reference.max_abs()
        / ((reference.elements.len().max(1) as f64).sqrt() * reference.rms());
    let apart = relative_l2(reference, other).max(one_element.min(1.0));
    Rule::Statistics {
        bounds: own.map(|own| {
            (MULTIPLE_DOUBLE * own).max(apart).min(CEILING.max(f64::midpoint(1.0, own)))
        }),
        relative_l2: Some(MULTIPLE_DOUBLE * apart).filter(|&bound| bound < CEILING),
        noise,
    }
}

/// Largest bound on a share: a port that returns zeros has a share of 1 and must not pass.
pub(super) const CEILING: f64 = 0.9;

/// Returns how far the four statistics of two runs lie apart, as shares of the larger; the mean is
/// measured against the root mean square.
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
