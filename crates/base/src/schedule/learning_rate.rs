//! The learning rate by epoch.
//!
//! The values are those of `torch.optim.lr_scheduler`, which computes most of them from the value of the epoch before:
//! `LinearLR` for the warm-up, then `StepLR`, `ExponentialLR` or `CosineAnnealingLR`, joined by `SequentialLR`. They are
//! equal to the bit, except for the cosine, which here does not depend on the C library.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scalar::{Count, NonNegative, Positive, UnitFactor};

/// How the learning rate changes from epoch to epoch. It begins with that of the optimizer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LearningRateSchedule {
    /// Rise over the first epochs. Without this key, there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WarmUp")]
    pub warm_up: Option<WarmUp>,
    /// Decay after the warm-up.
    pub decay: LearningRateDecay,
}

/// A linear rise of the learning rate (`LinearLR`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// Epochs until the optimizer's learning rate is reached.
    pub epochs: Count,
    /// Factor of the learning rate in the first epoch (`start_factor`).
    #[serde(default = "first")]
    pub start: UnitFactor,
}

/// How the learning rate falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LearningRateDecay {
    /// Not at all.
    #[default]
    None,
    /// By a factor every few epochs (`StepLR`).
    Step {
        /// Epochs from one step to the next (`step_size`).
        every_epochs: Count,
        /// Factor at every step (`gamma`).
        #[serde(default = "tenth")]
        factor: Positive,
    },
    /// By a factor every epoch (`ExponentialLR`).
    Exponential {
        /// Factor per epoch (`gamma`).
        factor: Positive,
    },
    /// As half a cosine over all epochs after the warm-up (`CosineAnnealingLR` with `T_max` epochs; Loshchilov & Hutter
    /// 2017, arXiv:1608.03983, eq. 5, without restarts).
    Cosine {
        /// Learning rate towards which it falls (`eta_min`).
        #[serde(default = "zero")]
        minimum: NonNegative,
    },
}

fn tenth() -> Positive {
    Positive::try_from(0.1).expect("the literal is positive")
}

fn first() -> UnitFactor {
    UnitFactor::try_from(0.1).expect("the literal is in (0, 1]")
}

fn zero() -> NonNegative {
    NonNegative::try_from(0.0).expect("the literal is not negative")
}

impl LearningRateSchedule {
    /// Returns the learning rate of each of `epochs` epochs; `base` is that of the optimizer.
    pub fn table(&self, base: f64, epochs: Count) -> Vec<f64> {
        let warm_up = self.warm_up.map_or(0, |warm_up| warm_up.epochs.len());
        let decaying = epochs.len().saturating_sub(warm_up);
        let mut rates = Vec::with_capacity(epochs.len());
        let mut rate = base;
        for epoch in 0..epochs.len() {
            rate = match self.warm_up {
                Some(WarmUp { start, .. }) if epoch < warm_up || self.decay_is_none() => {
                    warmed(base, rate, start.get(), [epoch, warm_up])
                }
                _ => self.decay.next(base, rate, [epoch - warm_up, decaying], warm_up > 0),
            };
            rates.push(rate);
        }
        rates
    }

    fn decay_is_none(&self) -> bool {
        self.decay == LearningRateDecay::None
    }
}

/// Returns the rate of an epoch of `LinearLR` after that of the epoch before.
fn warmed(base: f64, rate: f64, start: f64, [epoch, epochs]: [usize; 2]) -> f64 {
    if epoch == 0 {
        base * start
    } else if epoch > epochs {
        rate
    } else {
        let (epoch, epochs) = (epoch as f64, epochs as f64);
        rate * (1.0 + (1.0 - start) / (epochs * start + (epoch - 1.0) * (1.0 - start)))
    }
}

impl LearningRateDecay {
    /// Returns the rate of an epoch after that of the epoch before. `SequentialLR` begins a schedule that follows another
    /// one with the value of its closed form.
    fn next(self, base: f64, rate: f64, [epoch, epochs]: [usize; 2], follows: bool) -> f64 {
        match self {
            Self::Cosine { minimum } if epoch == 0 && follows => {
                minimum.get() + (base - minimum.get()) * (1.0 + 1.0) / 2.0
            }
            _ if epoch == 0 => base,
            Self::None => rate,
            Self::Step { every_epochs, factor } => {
                if epoch.is_multiple_of(every_epochs.len()) {
                    rate * factor.get()
                } else {
                    rate
                }
            }
            Self::Exponential { factor } => rate * factor.get(),
            Self::Cosine { minimum } => {
                let cosine = |epoch: usize| 1.0 + libm::cos(PI * epoch as f64 / epochs as f64);
                cosine(epoch) / cosine(epoch - 1) * (rate - minimum.get()) + minimum.get()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Schedules with the rates that PyTorch gives them (`tests/fixtures/optimizers/make.py`).
    #[derive(Deserialize)]
    struct Rates {
        base: f64,
        schedules: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        schedule: LearningRateSchedule,
        rates: Vec<f64>,
    }

    #[test]
    fn rates_are_those_of_pytorch() {
        let text = include_str!("../../../../tests/fixtures/optimizers/rates.json");
        let Rates { base, schedules } = serde_json::from_str(text).unwrap();
        assert_eq!(schedules.len(), 7);
        for Case { schedule, rates } in schedules {
            let ours =
                schedule.table(base, Count::try_from(i64::try_from(rates.len()).unwrap()).unwrap());
            if matches!(schedule.decay, LearningRateDecay::Cosine { .. }) {
                // PyTorch takes the cosine of the C library, whose last bit may be another one.
                for (ours, theirs) in ours.iter().zip(&rates) {
                    assert!((ours - theirs).abs() <= 4.0 * f64::EPSILON * theirs, "{schedule:?}");
                }
            } else {
                assert_eq!(ours, rates, "{schedule:?}");
            }
        }
    }

    #[test]
    fn without_keys_the_rate_is_constant() {
        let schedule: LearningRateSchedule = serde_json::from_str("{}").unwrap();
        assert_eq!(schedule.table(0.3, Count::literal(3)), [0.3; 3]);
    }
}
