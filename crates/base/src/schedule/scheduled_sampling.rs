//! The number of sequences of a batch that are fed true frames, by optimizer step.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scalar::{Count, Positive, Step};

/// Scheduled sampling (Bengio et al. 2015, arXiv:1506.03099): after the context, some sequences of
/// a batch are fed the true previous frame, the others their own prediction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ScheduledSampling {
    /// Every sequence is fed its own prediction (`schedsamp_k = -1`).
    Never,
    /// The share of true frames decays along an inverse sigmoid: k / (k + exp(step / k)).
    InverseSigmoid {
        /// Time constant of the decay, in steps (`schedsamp_k`). At step k · ln k the share of true
        /// frames is one half.
        #[serde(default = "nine_hundred")]
        k: Positive,
    },
}

impl Default for ScheduledSampling {
    /// Returns the original's default, k = 900.
    fn default() -> Self {
        Self::InverseSigmoid { k: nine_hundred() }
    }
}

/// The arithmetic in which an implementation computes and rounds the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleArithmetic {
    /// Single precision, halves to even (`tf.round` of an f32).
    Single,
    /// Double precision, halves to even (`np.round`).
    Double,
    /// Double precision, halves away from zero (`round` of Python 2).
    DoubleHalvesUp,
}

impl ScheduledSampling {
    /// Returns how many of `batch` sequences are fed true frames in update `step`, or `None` if no
    /// sequence ever is.
    ///
    /// ```text
    /// n(step) = round(batch · k / (k + exp(step / k)))
    /// ```
    /// `Step(0)` is the first update. With k = 900 it feeds true frames to the whole batch.
    pub fn true_frames(
        self,
        batch: Count,
        step: Step,
        arithmetic: ScheduleArithmetic,
    ) -> Option<u64> {
        let expected = self.expected_true_frames(batch, step, arithmetic)?;
        let rounded = match arithmetic {
            ScheduleArithmetic::Single | ScheduleArithmetic::Double => expected.round_ties_even(),
            ScheduleArithmetic::DoubleHalvesUp => expected.round(),
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "k is positive, so the number lies between 0 and the batch size"
        )]
        Some(rounded as u64)
    }

    /// Returns the number before rounding, or `None` if no sequence is ever fed true frames.
    pub fn expected_true_frames(
        self,
        batch: Count,
        step: Step,
        arithmetic: ScheduleArithmetic,
    ) -> Option<f64> {
        let Self::InverseSigmoid { k } = self else { return None };
        let (batch, step) = (batch.get() as f64, step.0 as f64);
        Some(match arithmetic {
            ScheduleArithmetic::Single => {
                let [batch, step, k] = [batch, step, k.get()].map(single);
                f64::from(batch * (k / (k + (step / k).exp())))
            }
            ScheduleArithmetic::Double | ScheduleArithmetic::DoubleHalvesUp => {
                let k = k.get();
                batch * (k / (k + (step / k).exp()))
            }
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the original computes in f32")]
const fn single(x: f64) -> f32 {
    x as f32
}

fn nine_hundred() -> Positive {
    Positive::try_from(900.0).expect("900 is positive")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: [ScheduleArithmetic; 3] = [
        ScheduleArithmetic::Single,
        ScheduleArithmetic::Double,
        ScheduleArithmetic::DoubleHalvesUp,
    ];

    fn inverse_sigmoid(k: f64) -> ScheduledSampling {
        ScheduledSampling::InverseSigmoid { k: Positive::try_from(k).expect("k is positive") }
    }

    #[track_caller]
    fn check(step: u64, batch: u32, expected: u64) {
        for arithmetic in ALL {
            let n = ScheduledSampling::default().true_frames(
                Count::literal(batch),
                Step(step),
                arithmetic,
            );
            assert_eq!(n, Some(expected), "{arithmetic:?}");
        }
    }

    #[test]
    fn the_first_update_feeds_true_frames_only() {
        check(0, 32, 32);
    }

    #[test]
    fn half_the_batch_is_true_at_k_ln_k() {
        check(6122, 32, 16);
    }

    #[test]
    fn the_end_feeds_predictions_only() {
        check(100_000, 32, 0);
    }

    #[test]
    fn never_has_no_number() {
        let never = ScheduledSampling::Never;
        assert_eq!(never.true_frames(Count::literal(2), Step(0), ALL[0]), None);
    }

    #[test]
    fn halves_are_rounded_as_in_the_implementation() {
        // exp(0 / 1) = 1, so half of a batch of one is expected.
        let [single, double, up] = ALL.map(|arithmetic| {
            inverse_sigmoid(1.0).true_frames(Count::literal(1), Step(0), arithmetic)
        });
        assert_eq!((single, double, up), (Some(0), Some(0), Some(1)));
    }

    #[test]
    fn the_default_is_nine_hundred() {
        #[derive(Deserialize)]
        struct Wire {
            sampling: ScheduledSampling,
        }
        let wire: Wire = toml::from_str("sampling.inverse_sigmoid = {}").expect("valid TOML");
        assert_eq!(wire.sampling, ScheduledSampling::default());
    }

    proptest! {
        #[test]
        fn the_number_stays_within_the_batch_and_never_rises(
            k in 0.5_f64..2000.0, batch in 1_u32..64, step in 0_u64..200_000
        ) {
            let (batch, schedule) = (Count::literal(batch), inverse_sigmoid(k));
            for arithmetic in ALL {
                let now = schedule.true_frames(batch, Step(step), arithmetic).unwrap();
                let later = schedule.true_frames(batch, Step(step + 100), arithmetic).unwrap();
                prop_assert!(later <= now && now <= batch.get());
            }
        }
    }
}
