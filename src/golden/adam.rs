//! How far Adam can move a parameter, for any gradients.
//!
//! Adam divides the mean of the gradients by their root mean square, so an element whose gradient
//! is rounding noise moves as far as one whose gradient is large. These limits apply to the forms
//! of `PyTorch`, `TensorFlow` and Chainer alike: an epsilon only shortens the move.

use super::config::Config;

/// Adam with the settings of a case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Adam {
    lr: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    /// Updates between the parameters that go in and those that come out.
    pub(super) steps: i32,
}

impl Adam {
    /// Reads the settings of a case, under any of the originals' names; `None` if it has another
    /// optimizer, no learning rate or no number of steps.
    pub(super) fn read(config: &Config) -> Option<Self> {
        if config.str("optimizer").is_ok_and(|name| name != "adam") {
            return None;
        }
        let lr = first(config, &["lr", "learning_rate"])?;
        let steps = first(config, &["adam_steps", "steps", "train_batches"])?;
        let betas = config.f64s("betas").unwrap_or_default();
        let beta =
            |at: usize, names: &[&str]| betas.get(at).copied().or_else(|| first(config, names));
        Some(Self {
            lr,
            beta1: beta(0, &["adam_beta1", "beta1", "beta_1"])?,
            beta2: beta(1, &["adam_beta2", "beta2", "beta_2"]).unwrap_or(0.999),
            epsilon: first(config, &["adam_eps", "epsilon", "eps"]).unwrap_or(1e-8),
            steps: small_count(steps)?,
        })
    }

    /// Returns the largest distance of an element from its start after all updates.
    ///
    /// Update t moves by `lr * |sum w_i g_i| / sqrt(sum u_i g_i^2)` with the normalized weights w and
    /// u of the two moving averages, which by the Cauchy-Schwarz inequality is at most
    /// `lr * sqrt(sum w_i^2 / u_i)`: 1.0 times lr at first, 1.06 in the twelfth update.
    pub(super) fn reach(&self) -> f64 {
        (1..=self.steps).map(|t| self.lr * self.longest_step(t)).sum()
    }

    fn longest_step(&self, t: i32) -> f64 {
        let (first, second) = (1.0 - self.beta1.powi(t), 1.0 - self.beta2.powi(t));
        let terms = (0..t).map(|age| {
            let w = (1.0 - self.beta1) * self.beta1.powi(age) / first;
            let u = (1.0 - self.beta2) * self.beta2.powi(age) / second;
            w * w / u
        });
        terms.sum::<f64>().sqrt()
    }

    /// Returns how much the first update of an element can differ between two runs, if its gradient is
    /// `gradient` in one and differs by at most `slack` in the other; `None` if its sign is undecided.
    ///
    /// The update is `lr * g / (|g| + e)`, whose slope is `lr * e / (|g| + e)^2`; e is epsilon, or
    /// epsilon over sqrt(1 - beta2) if it is added before the bias correction.
    pub(super) fn first_update_slack(&self, gradient: f64, slack: f64) -> Option<f64> {
        let least = gradient.abs() - slack;
        (least > 0.0).then(|| {
            let slope = |e: f64| self.lr * e / ((least + e) * (least + e));
            let outside = self.epsilon / (1.0 - self.beta2).sqrt();
            slack * slope(self.epsilon).max(slope(outside))
        })
    }
}

fn first(config: &Config, keys: &[&str]) -> Option<f64> {
    keys.iter().find_map(|key| config.f64(key).ok())
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn small_count(steps: f64) -> Option<i32> {
    ((1.0..1e6).contains(&steps) && steps.fract() == 0.0).then_some(steps as i32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ADAM: Adam = Adam { lr: 0.002, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, steps: 1 };

    #[test]
    fn the_first_update_moves_by_the_learning_rate() {
        assert!((ADAM.reach() - 0.002).abs() < 1e-15);
    }

    #[test]
    fn a_gradient_within_its_slack_is_undecided() {
        assert_eq!(ADAM.first_update_slack(1e-7, 1e-7), None);
        assert!(ADAM.first_update_slack(1e-2, 1e-7).is_some_and(|limit| limit < 1e-9));
    }

    proptest! {
        #[test]
        fn gradients_move_an_element_at_most_by_reach(
            gradients in proptest::collection::vec(-1.0_f64..1.0, 1..30),
        ) {
            let (mut m, mut v, mut p) = (0.0, 0.0, 0.0);
            for (t, &g) in (1..).zip(&gradients) {
                m = 0.9 * m + 0.1 * g;
                v = 0.999 * v + 0.001 * g * g;
                let m_hat: f64 = m / (1.0 - 0.9_f64.powi(t));
                let v_hat: f64 = v / (1.0 - 0.999_f64.powi(t));
                p -= 0.002 * m_hat / (v_hat.sqrt() + 1e-8);
            }
            let steps = i32::try_from(gradients.len()).expect("at most 30");
            let reach = Adam { steps, ..ADAM }.reach();
            prop_assert!(f64::abs(p) <= reach * (1.0 + 1e-12));
        }

        #[test]
        fn first_updates_of_similar_gradients_differ_within_the_slack(
            exponent in -10.0_f64..0.0, share in 0.0_f64..0.99, sign in prop::bool::ANY,
        ) {
            let g = 10_f64.powf(exponent);
            let other = if sign { g * (1.0 + share) } else { g * (1.0 - share) };
            let update = |g: f64| 0.002 * g / (g.abs() + 1e-8);
            let limit = ADAM.first_update_slack(g, g * share).expect("share is below one");
            prop_assert!((update(g) - update(other)).abs() <= limit * (1.0 + 1e-9) + 1e-18);
        }
    }
}
