//! The weight of the KL term by epoch.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scalar::{Count, Epoch, Fraction, NonNegative};

/// Weight β of the KL term by epoch.
///
/// `None`, `Constant`, `Monotonic` and `Cyclical` are `kl_annealing` of the cvae original; the other
/// variants are published elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum KlWeight {
    /// No KL term: β is 0.
    None,
    /// The same β in every epoch.
    Constant {
        /// The weight β.
        #[serde(default = "one")]
        beta: NonNegative,
    },
    /// As `cyclical`, with one cycle: the weight rises linearly from 0 towards `beta` in the first
    /// epochs, then stays at `beta`. With a `beta` above 1, the ramp ends before the weight reaches
    /// 1, and the weight jumps to `beta`.
    Monotonic {
        /// Share of all epochs that the ramp takes; must be above 0. The original hard-codes 0.25.
        #[serde(default = "quarter")]
        ratio: Fraction,
        /// Weight after the ramp.
        #[serde(default = "one")]
        beta: NonNegative,
    },
    /// In every cycle the weight rises linearly from 0 towards `beta`, then stays at `beta` until the
    /// cycle ends. With a `beta` above 1, every ramp ends before the weight reaches 1, and the weight
    /// jumps to `beta`.
    Cyclical {
        /// Number of cycles, at most the number of epochs (`kl_anneal_cycle`).
        #[serde(default = "four")]
        cycles: Count,
        /// Share of a cycle that its ramp takes; must be above 0 (`kl_anneal_ratio`).
        #[serde(default = "half")]
        ratio: Fraction,
        /// Weight after every ramp.
        #[serde(default = "one")]
        beta: NonNegative,
    },
    /// `frange_cycle_linear` of Fu et al. 2019 (arXiv:1903.10145, `haofuml/cyclical_annealing`), with
    /// one value per epoch: in every cycle the weight rises linearly from `start` to `stop`, then
    /// stays at `stop` until the cycle ends. Unlike in `cyclical`, no ramp is cut off at 1.
    FrangeCycleLinear {
        /// Number of cycles (`n_cycle`).
        #[serde(default = "four")]
        cycles: Count,
        /// Share of a cycle that its ramp takes.
        #[serde(default = "half")]
        ratio: Fraction,
        /// Weight at the start of every ramp.
        #[serde(default = "zero")]
        start: NonNegative,
        /// Weight after every ramp.
        #[serde(default = "one")]
        stop: NonNegative,
    },
    /// One ramp, computed by division: the weight is `ratio` · epoch / `cycle_epochs`, at most 1,
    /// rounded to five decimals. In epoch 0 it is 0.001 (`Monotonic` of
    /// ericyangchen/conditional-VAE-for-video-prediction).
    QuotientMonotonic {
        /// Epochs from the start until the weight is `ratio` (`kl_anneal_cycle`, a length in that
        /// implementation).
        #[serde(default = "ten")]
        cycle_epochs: Count,
        /// Weight after `cycle_epochs` epochs (`kl_anneal_ratio`, a factor of the weight in that
        /// implementation).
        #[serde(default = "one")]
        ratio: NonNegative,
    },
    /// A sawtooth, computed by division: the weight is `ratio` times the elapsed share of the cycle,
    /// at most 1, rounded to five decimals. In epoch 0 it is 0.001 (`Cyclical` of
    /// ericyangchen/conditional-VAE-for-video-prediction).
    QuotientCyclical {
        /// Epochs per cycle (`kl_anneal_cycle`, a length in that implementation, not a number of
        /// cycles).
        #[serde(default = "ten")]
        cycle_epochs: Count,
        /// Weight that every ramp approaches (`kl_anneal_ratio`, a factor of the weight in that
        /// implementation).
        #[serde(default = "one")]
        ratio: NonNegative,
    },
}

/// Weight of the quotient variants in epoch 0.
const QUOTIENT_FIRST: f64 = 0.001;

impl Default for KlWeight {
    /// Returns the original's default: monotonic over a quarter of the epochs, up to 1.
    fn default() -> Self {
        Self::Monotonic { ratio: quarter(), beta: one() }
    }
}

impl KlWeight {
    /// Returns β for each of `epochs` epochs; entry `e` applies to every update of epoch `e`.
    ///
    /// The original's table, with `period = epochs / cycles` and `step = beta / (period * ratio)`
    /// in `f64`, is initialized with `beta`. Each cycle `i` then writes a ramp at the indices
    /// `trunc(j + i * period)` for `j` in `0..ceil(period * ratio)`: the sum of `j` steps, added one at a
    /// time. A ramp ends when that sum is at least 1. This threshold does not depend on `beta`, so a
    /// `beta` of 2 jumps from just under 1 to 2. With `ratio` 0 there is no ramp (the original divides by
    /// zero).
    pub fn table(&self, epochs: Count) -> Vec<f64> {
        match *self {
            Self::None => vec![0.0; epochs.len()],
            Self::Constant { beta } => vec![beta.get(); epochs.len()],
            Self::Monotonic { ratio, beta } => {
                ramps(epochs, Count::literal(1), ratio.get(), beta.get())
            }
            Self::Cyclical { cycles, ratio, beta } => {
                ramps(epochs, cycles, ratio.get(), beta.get())
            }
            Self::FrangeCycleLinear { cycles, ratio, start, stop } => {
                frange_cycle_linear(epochs, cycles, ratio.get(), (start.get(), stop.get()))
            }
            Self::QuotientMonotonic { cycle_epochs, ratio } => {
                let step = ratio.get() / cycle_epochs.get() as f64;
                quotients(epochs, |e| e as f64 * step)
            }
            Self::QuotientCyclical { cycle_epochs, ratio } => {
                let cycle = cycle_epochs.get();
                quotients(epochs, |e| (e % cycle) as f64 / cycle as f64 * ratio.get())
            }
        }
    }

    /// Returns β in `epoch` of a run of `epochs` epochs. It computes the whole table; in a loop, use
    /// [`KlWeight::table`].
    ///
    /// # Panics
    /// If `epoch` is not one of the epochs.
    pub fn weight(&self, epoch: Epoch, epochs: Count) -> f64 {
        assert!(epoch.0 < epochs.get(), "epoch {} is within {epochs} epochs", epoch.0);
        self.table(epochs)[usize::try_from(epoch.0).expect("an epoch below a count fits a usize")]
    }
}

/// The original's table; see [`KlWeight::table`].
fn ramps(epochs: Count, cycles: Count, ratio: f64, beta: f64) -> Vec<f64> {
    let mut table = vec![beta; epochs.len()];
    let period = epochs.get() as f64 / cycles.get() as f64;
    let ramp_epochs = (period * ratio).ceil();
    let step = beta / (period * ratio);
    for cycle in 0..cycles.get() {
        let (mut weight, mut j) = (0.0, 0.0);
        while j < ramp_epochs && weight < 1.0 {
            // The ceiling keeps the ramp inside its period, but for rounding.
            let Some(entry) = table.get_mut(index(j, cycle, period)) else { break };
            *entry = weight;
            weight += step;
            j += 1.0;
        }
    }
    table
}

/// Linear ramps as published by Fu et al. 2019: a ramp continues while `weight <= stop`, even into the
/// next cycle, which then overwrites it.
fn frange_cycle_linear(
    epochs: Count,
    cycles: Count,
    ratio: f64,
    (start, stop): (f64, f64),
) -> Vec<f64> {
    let mut table = vec![stop; epochs.len()];
    let period = epochs.get() as f64 / cycles.get() as f64;
    let step = (stop - start) / (period * ratio);
    for cycle in 0..cycles.get() {
        let (mut weight, mut j) = (start, 0.0);
        while weight <= stop {
            let Some(entry) = table.get_mut(index(j, cycle, period)) else { break };
            *entry = weight;
            weight += step;
            j += 1.0;
        }
    }
    table
}

fn quotients(epochs: Count, quotient: impl Fn(u64) -> f64) -> Vec<f64> {
    let weight = |epoch| match epoch {
        0 => QUOTIENT_FIRST,
        _ => five_decimals(quotient(epoch)).min(1.0),
    };
    (0..epochs.get()).map(weight).collect()
}

/// Python's `round(x, 5)`: rounds to a decimal number of five places, then to the nearest double. Only
/// formatting as decimal digits is exact.
fn five_decimals(x: f64) -> f64 {
    format!("{x:.5}").parse().expect("a printed number is a number")
}

/// Python's `int(j + i * period)`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "int() truncates; the sum is not negative and at most twice a count"
)]
fn index(j: f64, cycle: u64, period: f64) -> usize {
    (j + cycle as f64 * period) as usize
}

fn zero() -> NonNegative {
    NonNegative::try_from(0.0).expect("0 is not negative")
}

fn one() -> NonNegative {
    NonNegative::try_from(1.0).expect("1 is not negative")
}

fn quarter() -> Fraction {
    Fraction::try_from(0.25).expect("0.25 is a fraction")
}

fn half() -> Fraction {
    Fraction::try_from(0.5).expect("0.5 is a fraction")
}

const fn four() -> Count {
    Count::literal(4)
}

const fn ten() -> Count {
    Count::literal(10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Parses a schedule in TOML and compares entries of its table bit for bit.
    #[track_caller]
    fn check(kl_weight: &str, epochs: u32, entries: &[(usize, f64)]) {
        #[derive(Deserialize)]
        struct Wire {
            kl_weight: KlWeight,
        }
        let wire: Wire = toml::from_str(kl_weight).expect("the schedule is valid");
        let table = wire.kl_weight.table(Count::literal(epochs));
        assert_eq!(table.len(), epochs as usize);
        for &(epoch, weight) in entries {
            assert_eq!(table[epoch].to_bits(), weight.to_bits(), "β({epoch}) = {}", table[epoch]);
        }
    }

    #[test]
    fn the_monotonic_ramp_keeps_the_rounding_of_repeated_addition() {
        check(
            "kl_weight.monotonic = {}",
            200,
            &[(0, 0.0), (6, 0.120_000_000_000_000_01), (49, 0.980_000_000_000_000_5), (50, 1.0)],
        );
        check("kl_weight.monotonic = {}", 7, &[(1, 0.571_428_571_428_571_4), (2, 1.0)]);
    }

    #[test]
    fn cycles_of_uneven_length_start_at_truncated_indices() {
        let seven = "kl_weight.cyclical = { cycles = 7 }";
        check(seven, 100, &[(1, 0.139_999_999_999_999_99), (14, 0.0), (56, 1.0), (57, 0.0)]);
        check("kl_weight.cyclical = { cycles = 3 }", 50, &[(16, 0.0), (32, 1.0), (33, 0.0)]);
        check("kl_weight.cyclical = {}", 10, &[(1, 0.8), (2, 0.0), (4, 1.0), (5, 0.0), (9, 1.0)]);
    }

    #[test]
    fn a_ramp_to_two_ends_at_one() {
        let two = "kl_weight.monotonic = { beta = 2.0 }";
        check(two, 40, &[(3, 0.600_000_000_000_000_1), (4, 0.8), (5, 2.0)]);
    }

    #[test]
    fn a_small_peak_is_reached_by_the_last_step_of_the_ramp() {
        let small = "kl_weight.monotonic = { beta = 0.0001 }";
        check(small, 50, &[(5, 3.999_999_999_999_999_6e-5), (12, 9.600_000_000_000_002e-5)]);
        check(small, 50, &[(13, 0.0001)]);
    }

    #[test]
    fn the_variants_published_elsewhere_have_their_own_names() {
        let frange = "kl_weight.frange_cycle_linear = {}";
        check(frange, 200, &[(12, 0.479_999_999_999_999_9), (25, 1.0), (50, 0.0)]);
        check("kl_weight.quotient_cyclical = {}", 70, &[(0, 0.001), (3, 0.3), (9, 0.9), (10, 0.0)]);
        check(
            "kl_weight.quotient_monotonic = {}",
            70,
            &[(0, 0.001), (3, 0.3), (10, 1.0), (69, 1.0)],
        );
    }

    #[test]
    fn quotients_have_five_decimals_and_a_height() {
        let sevenths = "kl_weight.quotient_cyclical = { cycle_epochs = 7, ratio = 0.5 }";
        check(sevenths, 20, &[(1, 0.07143), (5, 0.35714), (6, 0.42857), (7, 0.0), (19, 0.35714)]);
        let steep = "kl_weight.quotient_monotonic = { cycle_epochs = 3, ratio = 2.0 }";
        check(steep, 5, &[(0, 0.001), (1, 0.66667), (2, 1.0), (4, 1.0)]);
    }

    #[test]
    fn weights_without_a_ramp_are_flat() {
        check("kl_weight = \"none\"", 3, &[(0, 0.0), (2, 0.0)]);
        check("kl_weight.constant = {}", 3, &[(0, 1.0), (2, 1.0)]);
        check("kl_weight.monotonic = { ratio = 0.0 }", 3, &[(0, 1.0), (2, 1.0)]);
    }

    #[test]
    fn a_misspelt_setting_is_rejected() {
        let error = toml::from_str::<KlWeight>("monotonic = { ration = 0.5 }").unwrap_err();
        assert!(error.to_string().contains("ration"), "{error}");
    }

    #[test]
    fn a_monotonic_weight_by_epoch_is_its_table_entry() {
        let epochs = Count::literal(50);
        let default = KlWeight::default();
        let weights: Vec<f64> = (0..50).map(|e| default.weight(Epoch(e), epochs)).collect();
        assert_eq!(weights, default.table(epochs));
    }

    proptest! {
        #[test]
        fn a_ramp_starts_at_zero_never_falls_and_ends_at_its_peak(
            epochs in 2_u32..400, ratio in 0.01..0.9, beta in 0.0..3.0_f64
        ) {
            let schedule = KlWeight::Monotonic {
                ratio: Fraction::try_from(ratio).unwrap(),
                beta: NonNegative::try_from(beta).unwrap(),
            };
            let table = schedule.table(Count::literal(epochs));
            prop_assert!(table[0].abs() <= 0.0);
            prop_assert!(table.is_sorted());
            let last = *table.last().unwrap();
            prop_assert!(last.to_bits() == beta.to_bits() || f64::from(epochs) * (1.0 - ratio) < 1.0);
        }

        #[test]
        fn cycles_stay_between_zero_and_one(
            epochs in 1_u32..400, cycles in 1_u32..500, ratio in 0.0..=1.0
        ) {
            let ratio = Fraction::try_from(ratio).unwrap();
            let cycles = Count::literal(cycles);
            for schedule in [
                KlWeight::Cyclical { cycles, ratio, beta: one() },
                KlWeight::FrangeCycleLinear { cycles, ratio, start: zero(), stop: one() },
                KlWeight::QuotientCyclical { cycle_epochs: cycles, ratio: one() },
                KlWeight::QuotientMonotonic { cycle_epochs: cycles, ratio: one() },
            ] {
                let table = schedule.table(Count::literal(epochs));
                prop_assert!(table.iter().all(|weight| (0.0..=1.0).contains(weight)));
            }
        }
    }
}
