//! Constants of the rules. METHODOLOGY.md gives the reasons.
//!
//! Unless stated otherwise a tolerance is a share of the largest absolute value of the output.

use reprise_store::store::diff::{NOISE_MULTIPLE, TOLERANCE_MAX};

/// Tolerance of a port in f32 over the original's noise.
///
/// The noise is one draw. If one element decides it, the ratio of two draws exceeds m with a
/// probability of 2/(π m): 8 would fail one correct output in 13, 32 fails one in 50.
pub(super) const NOISE_MULTIPLE_F32: f64 = NOISE_MULTIPLE;

/// The same for a port in f64, where rounding hardly shows, and for statistics.
pub(super) const NOISE_MULTIPLE_F64: f64 = 8.0;

/// Tolerance from which a comparison of single elements has no meaning.
pub(super) const ELEMENT_TOLERANCE_MAX: f64 = TOLERANCE_MAX;

/// Noise from which a comparison of single f32 elements has little meaning: statistics are compared.
pub(super) const ELEMENT_NOISE_MAX: f64 = 1e-2;

/// Tolerance of what depends on the branch that a rectifier takes.
pub(super) const KINK_TOLERANCE: f64 = 1e-2;

/// Smallest distance of all rectifier inputs from zero at which every f32 run takes the same
/// branches: 64 roundings.
pub(super) const RECTIFIER_MARGIN_MIN: f64 = 1.0 / 131_072.0; // 2^-17

/// Share of the reach of the updates that the root mean square of a parameter's error may have.
pub(super) const RMS_SHARE_OF_REACH: f64 = 1.0 / 16.0;

/// Fewer elements than this have no meaningful root mean square.
pub(super) const RMS_ELEMENTS_MIN: usize = 16;

/// Smallest tolerance of an f32 output: 32 roundings.
pub(super) const FLOOR_F32: f64 = 1.0 / 524_288.0; // 2^-19

/// Smallest tolerance of an f64 output that the original computes from f32 intermediates: NumPy,
/// `PyTorch` and this program reduce in different orders.
pub(super) const FLOOR_F64_OF_F32: f64 = 1.0 / 1_073_741_824.0; // 2^-30

/// Smallest tolerance of an output of an f64 run: 8192 roundings, for sums of a million terms.
pub(super) const FLOOR_F64: f64 = 1.0 / 1_099_511_627_776.0; // 2^-40

/// Smallest tolerance of an f64 output after several updates: an update divides by the size of its
/// gradient, which amplifies the rounding of small gradients.
pub(super) const FLOOR_F64_TRAINED: f64 = FLOOR_F64_OF_F32;

/// The rounding unit of f64 over that of f32.
const F64_OVER_F32: f64 = 1.0 / 536_870_912.0; // 2^-29

/// How far the noise of an f32 run that left the linear range may understate the spread of errors.
pub(super) const SATURATION: f64 = 32.0;

/// Growth of a difference per chaotic training step, rounded up from about 300.
pub(super) const CHAOTIC_GROWTH: f64 = 1024.0;

/// Difference of a loss from which the original's f32 run has separated from its f64 run.
pub(super) const SEPARATED: f64 = 1e-3;

/// Roundings of the largest neighbouring gradient that a gradient which is zero by construction may
/// reach; the originals themselves reach about 250.
pub(super) const ZERO_ROUNDINGS: f64 = 1024.0;

/// Share of its neighbour below which a gradient of an f64 run is zero by construction; true
/// gradients lie above 1e-3, the zeros below 1e-13.
pub(super) const ZERO_SHARE: f64 = 1e-10;

/// One element per this many, and one more, may have had gradients of opposite signs in two runs.
pub(super) const ELEMENTS_PER_STRAY: usize = 64;

/// By how much the tolerance is widened for an output in the tail of the noise.
pub(super) const TAIL_FACTOR: f64 = 8.0;

/// One output of a case per this many, and one more, may lie in the tail.
pub(super) const OUTPUTS_PER_TAIL: usize = 16;

/// Runs with moved parameters that measure a spread.
pub(super) const SPREAD_RUNS: u64 = 4;

/// Ratio of error to tolerance from which more runs would not widen the spread enough.
pub(super) const SPREAD_HOPELESS: f64 = 1024.0;

/// Largest tolerance of a statistic, as a share of it: a port that returns zeros has an error of 1
/// and must fail.
pub(super) const STATISTIC_TOLERANCE_MAX: f64 = 0.9;

/// Returns the tolerance of an f64 run whose noise in f32 grew linearly.
pub(super) fn f64_multiple(noise: f64) -> f64 {
    NOISE_MULTIPLE_F64 * noise * F64_OVER_F32
}
