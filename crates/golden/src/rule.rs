//! The rules by which an output is compared, with their tolerances.

use super::tolerance::KINK_TOLERANCE;

/// How one output is compared.
///
/// A relative tolerance is a share of the largest absolute value of the output.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Equal in every bit: integers, and what is defined to the last bit.
    Exact,
    /// Every element within a relative tolerance, every statistic accordingly.
    Within { tolerance: f64, from: ToleranceSource },
    /// An f32 gradient behind rectifiers, or a statistic of what followed such gradients: as
    /// [`Rule::Within`], or statistics and relative L2 within 1e-2, since an input of a rectifier may
    /// lie so near zero that correct runs take different branches.
    Kinked { tolerance: f64 },
    /// Every element within an absolute tolerance: numbers printed to a few places.
    Printed { tolerance: f64 },
    /// One value per training step, each with its own relative tolerance.
    Trajectory { tolerances: Vec<f64> },
    /// A parameter after one Adam update: tight where the gradient's sign is decided, within reach
    /// of the start where it is not.
    FirstUpdate {
        /// Absolute tolerance of each compared element, or `None` where the sign is undecided.
        limits: Vec<Option<f64>>,
        /// Largest distance from the start.
        reach: f64,
    },
    /// A parameter after several Adam updates: as [`Rule::Within`], except for elements whose gradient
    /// may have changed its sign, which lie within twice the reach of each other; either a few such
    /// elements, or a root mean square of the error below a 16th of the reach.
    Updates {
        tolerance: f64,
        /// How many of the compared elements may exceed the tolerance.
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
    /// Noisy: mean, deviation, norm and largest value, and where it has a meaning the relative L2,
    /// each as a share of the larger of both runs.
    Statistics {
        /// Tolerances of the four statistics.
        tolerances: [f64; 4],
        /// Tolerance of the relative L2 distance of the compared elements.
        relative_l2: Option<f64>,
        /// The original's noise.
        noise: f64,
    },
}

/// Where the tolerance of [`Rule::Within`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToleranceSource {
    /// A multiple of the original's noise.
    Noise,
    /// The floor of the element type; the multiple of the noise is smaller.
    Floor,
    /// A multiple of the floor; no noise was measured.
    Unmeasured,
    /// A multiple of the spread that was measured with the port.
    Spread,
    /// The noise was measured, but no f64 run is stored: the f32 run is the reference.
    SingleOnly,
}

impl Rule {
    /// Returns the rule as one sentence without its period.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Exact => "equal in every bit".to_owned(),
            Self::Within { tolerance, from } => {
                let from = match from {
                    ToleranceSource::Noise => "a multiple of the original's noise",
                    ToleranceSource::Floor => {
                        "the smallest tolerance of the element type; the noise is below it"
                    }
                    ToleranceSource::Unmeasured => {
                        "32 times the smallest tolerance of the element type; no noise was measured"
                    }
                    ToleranceSource::Spread => {
                        "a multiple of the spread of runs with parameters moved by a unit in the last \
                         place"
                    }
                    ToleranceSource::SingleOnly => {
                        "compared with the f32 run; the original has no f64 run"
                    }
                };
                format!("largest error / largest value at most {tolerance:.1e}: {from}")
            }
            Self::Kinked { tolerance } => format!(
                "largest error / largest value at most {tolerance:.1e}; or errors of statistics and \
                 relative L2 at most {KINK_TOLERANCE:.0e}, since a ReLU may have switched"
            ),
            Self::Printed { tolerance } => {
                format!(
                    "errors at most {tolerance:.1e}, because the original printed no more digits"
                )
            }
            Self::Trajectory { tolerances } => format!(
                "error of each step at most a multiple of the difference between the original's f32 \
                 and f64 runs up to the next step; the tolerances are {:.1e} to {:.1e}",
                tolerances.first().copied().unwrap_or(0.0),
                tolerances.last().copied().unwrap_or(0.0),
            ),
            Self::FirstUpdate { limits, reach } => format!(
                "after one Adam update: a small tolerance where the sign of the gradient is certain; at \
                 most {reach:.1e} from the start for the {} of {} compared elements whose gradient is \
                 rounding noise; in f32, a small root mean square of the error also passes",
                limits.iter().filter(|limit| limit.is_none()).count(),
                limits.len(),
            ),
            Self::Updates { tolerance, strays, reach } => format!(
                "after several Adam updates: error / largest value at most {tolerance:.1e} for all but \
                 {strays} elements, or root mean square of the error below 1/16 of {reach:.1e}, the \
                 distance that the updates can move an element; no error above twice this distance"
            ),
            Self::ZeroGradient { limit, neighbour } => format!(
                "zero by construction, so every value is rounding noise: values at most {limit:.1e}, \
                 which is 1024 roundings of `{neighbour}`"
            ),
            Self::Drift { reach } => format!(
                "Adam follows the noise of a gradient that is zero by construction: values move at most \
                 {reach:.1e} from their start"
            ),
            Self::Statistics { noise, relative_l2, .. } => format!(
                "the original's noise is {noise:.1e}, so statistics{} are compared instead of elements",
                if relative_l2.is_some() { " and relative L2" } else { "" },
            ),
        }
    }
}
