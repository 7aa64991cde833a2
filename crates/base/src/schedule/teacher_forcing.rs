//! The probability of feeding back true frames, by epoch.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scalar::{Count, Epoch, Fraction};

/// Probability that a training step feeds back true frames, by epoch. One uniform draw decides for a
/// whole step: teacher forcing if it is below the ratio.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TeacherForcing {
    /// Every step feeds back true frames.
    Always,
    /// Every step feeds back predictions.
    Never,
    /// The same ratio in every epoch.
    Constant {
        /// The ratio.
        ratio: Fraction,
    },
    /// As in the original: the ratio is `initial` until `start_epoch`, then follows a line from 1
    /// towards `lower`. The line has two quirks, which `linear` does not have: it starts one epoch
    /// late, and it starts at 1 even if `initial` is smaller.
    Original {
        /// Ratio until the decay starts (`tfr`).
        #[serde(default = "full")]
        initial: Fraction,
        /// First epoch after which the ratio is updated (`tfr_start_decay_epoch`). This number must
        /// be below `training.epochs`.
        #[serde(default = "twenty")]
        start_epoch: u32,
        /// Lower limit of the ratio (`tfr_lower_bound`).
        #[serde(default = "none")]
        lower: Fraction,
    },
    /// The ratio follows a straight line from `initial` in `start_epoch` to `lower` in the last
    /// epoch.
    Linear {
        /// Ratio until `start_epoch`.
        #[serde(default = "full")]
        initial: Fraction,
        /// Last epoch with the initial ratio. It must be before the last epoch of training.
        #[serde(default = "twenty")]
        start_epoch: u32,
        /// Ratio in the last epoch.
        #[serde(default = "none")]
        lower: Fraction,
    },
    /// Starting with `start_epoch`, the ratio decreases by `step` after every epoch until it is 0
    /// (ericyangchen/conditional-VAE-for-video-prediction).
    StepDown {
        /// Ratio until the decay starts (`tfr`).
        #[serde(default = "full")]
        initial: Fraction,
        /// First epoch after which `step` is subtracted (`tfr_sde`). This number must be below
        /// `training.epochs`.
        #[serde(default = "ten")]
        start_epoch: u32,
        /// Decrease per epoch (`tfr_d_step`).
        #[serde(default = "tenth")]
        step: Fraction,
    },
}

impl Default for TeacherForcing {
    /// Returns the original's default: 1 until epoch 21, then down to 0.
    fn default() -> Self {
        Self::Original { initial: full(), start_epoch: twenty(), lower: none() }
    }
}

impl TeacherForcing {
    /// Returns the ratio for each of `epochs` epochs; entry `e` applies to every step of epoch `e`.
    ///
    /// `Original`, as the original's script computes it:
    /// ```text
    /// slope = (lower - initial) / (epochs - start_epoch)      once, from the initial ratio
    /// after each epoch e >= start_epoch: ratio = max(slope * (e - start_epoch) + 1, lower)
    /// ```
    /// - The update follows the epoch, so the line starts in epoch `start_epoch + 1` with the value 1. A
    ///   `start_epoch` of 20 means a ratio of 1 in epochs 0 to 21, and `lower` is not reached in the run.
    /// - The intercept is always 1: an `initial` of 0 jumps to 1 and stays.
    /// - With `lower > initial` the line rises above 1, which acts as 1.
    /// - For `start_epoch == epochs` the original divides by zero at its start. Here, as for any later
    ///   start, the ratio stays `initial`.
    ///
    /// `Linear` has neither of the first two quirks: it starts from `initial`, decreases right after
    /// `start_epoch` and is exactly `lower` in the last epoch.
    pub fn table(&self, epochs: Count) -> Vec<f64> {
        match *self {
            Self::Always => vec![1.0; epochs.len()],
            Self::Never => vec![0.0; epochs.len()],
            Self::Constant { ratio } => vec![ratio.get(); epochs.len()],
            Self::Original { initial, start_epoch, lower } => {
                original(Epoch(0), epochs, initial.get(), start_epoch, lower.get())
            }
            Self::Linear { initial, start_epoch, lower } => {
                linear(epochs, initial.get(), start_epoch, lower.get())
            }
            Self::StepDown { initial, start_epoch, step } => {
                step_down(epochs, initial.get(), start_epoch, step.get())
            }
        }
    }

    /// Returns the ratios that the original's script uses after a restart at epoch `first`: for the
    /// `epochs` epochs `first, first + 1, …`, which may exceed the planned number.
    ///
    /// The original's script uses the initial ratio for one epoch and then returns to its line. Every
    /// other schedule continues where it was and keeps its last value.
    pub fn table_after_restart(&self, first: Epoch, epochs: Count) -> Vec<f64> {
        if let Self::Original { initial, start_epoch, lower } = *self {
            return original(first, epochs, initial.get(), start_epoch, lower.get());
        }
        let table = self.table(epochs);
        let last = table.len() - 1;
        let entry = |e| usize::try_from(e).map_or(last, |e: usize| e.min(last));
        (0..epochs.get()).map(|e| table[entry(first.0.saturating_add(e))]).collect()
    }

    /// Returns the ratio in `epoch` of a run of `epochs` epochs. It computes the whole table; in a loop,
    /// use [`TeacherForcing::table`].
    ///
    /// # Panics
    /// If `epoch` is not one of the epochs.
    pub fn ratio(&self, epoch: Epoch, epochs: Count) -> f64 {
        assert!(epoch.0 < epochs.get(), "epoch {} is within {epochs} epochs", epoch.0);
        self.table(epochs)[usize::try_from(epoch.0).expect("an epoch below a count fits a usize")]
    }
}

/// The original's schedule from epoch `first` on; see [`TeacherForcing::table`].
fn original(first: Epoch, epochs: Count, initial: f64, start: u32, lower: f64) -> Vec<f64> {
    let slope = (lower - initial) / (epochs.get() as f64 - f64::from(start));
    let ratio = |e: u64| {
        let updated = e.checked_sub(1).and_then(|done| done.checked_sub(u64::from(start)));
        match updated {
            Some(since) if e > first.0 => (slope * since as f64 + 1.0).max(lower),
            _ => initial,
        }
    };
    (0..epochs.get()).map(|e| ratio(first.0.saturating_add(e))).collect()
}

fn linear(epochs: Count, initial: f64, start: u32, lower: f64) -> Vec<f64> {
    let (last, start) = (epochs.get() - 1, u64::from(start));
    let ratio = |e: u64| match e {
        e if e <= start => initial,
        e if e == last => lower,
        e => initial + (lower - initial) * ((e - start) as f64 / (last - start) as f64),
    };
    (0..epochs.get()).map(ratio).collect()
}

fn step_down(epochs: Count, initial: f64, start: u32, step: f64) -> Vec<f64> {
    let mut ratio = initial;
    let mut table = Vec::with_capacity(epochs.len());
    for epoch in 0..epochs.get() {
        table.push(ratio);
        if epoch >= u64::from(start) {
            ratio = (ratio - step).max(0.0); // subtracted one at a time, rounding included
        }
    }
    table
}

fn full() -> Fraction {
    Fraction::try_from(1.0).expect("1 is a fraction")
}

fn none() -> Fraction {
    Fraction::try_from(0.0).expect("0 is a fraction")
}

fn tenth() -> Fraction {
    Fraction::try_from(0.1).expect("0.1 is a fraction")
}

const fn ten() -> u32 {
    10
}

const fn twenty() -> u32 {
    20
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Deserialize)]
    struct Wire {
        teacher_forcing: TeacherForcing,
    }

    fn parse(teacher_forcing: &str) -> TeacherForcing {
        toml::from_str::<Wire>(teacher_forcing).expect("the schedule is valid").teacher_forcing
    }

    /// Compares entries of a table bit for bit.
    #[track_caller]
    fn check(teacher_forcing: &str, epochs: u32, entries: &[(usize, f64)]) {
        let table = parse(teacher_forcing).table(Count::literal(epochs));
        assert_eq!(table.len(), epochs as usize);
        for &(epoch, ratio) in entries {
            assert_eq!(table[epoch].to_bits(), ratio.to_bits(), "r({epoch}) = {}", table[epoch]);
        }
    }

    #[test]
    fn the_original_is_one_until_epoch_twenty_one() {
        check(
            "teacher_forcing.original = {}",
            200,
            &[(0, 1.0), (21, 1.0), (22, 0.994_444_444_444_444_5), (109, 0.511_111_111_111_111_1)],
        );
        let lower = "teacher_forcing.original = { lower = 0.3 }";
        check(lower, 200, &[(21, 1.0), (22, 0.996_111_111_111_111_1)]);
        let at_once = "teacher_forcing.original = { start_epoch = 0 }";
        check(at_once, 200, &[(0, 1.0), (1, 1.0), (2, 0.995)]);
    }

    #[test]
    fn the_original_with_an_initial_ratio_of_zero_jumps_to_one() {
        let off = "teacher_forcing.original = { initial = 0.0 }";
        check(off, 50, &[(0, 0.0), (20, 0.0), (21, 1.0), (49, 1.0)]);
        let half = "teacher_forcing.original = { initial = 0.5 }";
        check(half, 50, &[(20, 0.5), (21, 1.0), (22, 0.983_333_333_333_333_3)]);
    }

    #[test]
    fn a_constant_ratio_does_not_change() {
        check("teacher_forcing.constant = { ratio = 0.25 }", 3, &[(0, 0.25), (1, 0.25), (2, 0.25)]);
    }

    #[test]
    fn a_start_at_or_after_the_end_changes_nothing() {
        check("teacher_forcing.original = { start_epoch = 60 }", 50, &[(0, 1.0), (49, 1.0)]);
        check("teacher_forcing.original = { start_epoch = 50 }", 50, &[(0, 1.0), (49, 1.0)]);
        check("teacher_forcing.linear = { start_epoch = 50 }", 50, &[(0, 1.0), (49, 1.0)]);
    }

    #[test]
    fn a_restarted_original_spends_one_epoch_at_the_initial_ratio() {
        let default = TeacherForcing::default();
        let table = default.table_after_restart(Epoch(35), Count::literal(50));
        assert_eq!(table[..3], [1.0, 0.5, 0.466_666_666_666_666_7]);
        assert_eq!(
            (table[15].to_bits(), table[16]),
            (0.033_333_333_333_333_326_f64.to_bits(), 0.0)
        );
    }

    #[test]
    fn any_other_schedule_restarts_where_it_was() {
        let down = parse("teacher_forcing.step_down = {}");
        let table = down.table_after_restart(Epoch(12), Count::literal(30));
        assert_eq!(table[..18], down.table(Count::literal(30))[12..]);
        assert_eq!(table[29].to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn the_corrected_line_has_its_two_ends() {
        let line = "teacher_forcing.linear = { initial = 0.8, start_epoch = 2, lower = 0.2 }";
        check(line, 9, &[(0, 0.8), (2, 0.8), (5, 0.5), (8, 0.2)]);
    }

    #[test]
    fn stepping_down_keeps_the_rounding_of_repeated_subtraction() {
        check(
            "teacher_forcing.step_down = {}",
            70,
            &[
                (10, 1.0),
                (11, 0.9),
                (13, 0.700_000_000_000_000_1),
                (20, 1.387_778_780_781_445_7e-16),
            ],
        );
        check("teacher_forcing.step_down = {}", 70, &[(21, 0.0), (69, 0.0)]);
    }

    #[test]
    fn the_extremes_need_no_table() {
        check("teacher_forcing = \"always\"", 2, &[(0, 1.0), (1, 1.0)]);
        check("teacher_forcing = \"never\"", 2, &[(0, 0.0), (1, 0.0)]);
        let ratio = TeacherForcing::default().ratio(Epoch(22), Count::literal(200));
        assert_eq!(ratio.to_bits(), 0.994_444_444_444_444_5_f64.to_bits());
    }

    proptest! {
        #[test]
        fn falling_schedules_stay_within_bounds_and_never_rise(
            epochs in 1_u32..300, start_epoch in 0_u32..320, lower in 0.0..=1.0
        ) {
            let lower = Fraction::try_from(lower).unwrap();
            for schedule in [
                TeacherForcing::Original { initial: full(), start_epoch, lower },
                TeacherForcing::Linear { initial: full(), start_epoch, lower },
            ] {
                let table = schedule.table(Count::literal(epochs));
                prop_assert!(table.is_sorted_by(|a, b| a >= b), "{table:?}");
                prop_assert!(table.iter().all(|ratio| (lower.get()..=1.0).contains(ratio)));
            }
        }
    }
}
