//! Initial values, drawn on the CPU from the streams of the run.
//!
//! The stream of a tensor is named after the tensor. Two models with a parameter of the same name and
//! size therefore share its initial value.

use reprise_base::{rng::streams::Stream, scalar::Seed};

/// The distribution of a tensor's initial values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// The same value for all elements.
    Constant(f64),
    /// N(mean, std²).
    Normal { mean: f64, std: f64 },
    /// N(0, std²), redrawn beyond two standard deviations (`tf.truncated_normal`).
    TruncatedNormal {
        /// Standard deviation before truncation.
        std: f64,
    },
    /// U(−bound, bound).
    Uniform { bound: f64 },
}

impl Init {
    /// Returns `len` values for the tensor `name`, computed in f64 and rounded to f32.
    pub fn values(self, seed: Seed, name: &str, len: usize) -> Vec<f32> {
        #[expect(clippy::cast_possible_truncation, reason = "parameters are f32")]
        let narrow = |x: f64| x as f32;
        let mut stream = Stream::new(seed, &format!("init/{name}")).at(0);
        match self {
            Self::Constant(c) => vec![narrow(c); len],
            Self::Normal { mean, std } => {
                stream.normal(len).into_iter().map(|z| narrow(mean + std * f64::from(z))).collect()
            }
            Self::TruncatedNormal { std } => {
                let mut values = Vec::with_capacity(len);
                while values.len() < len {
                    // Normal values come in pairs; drawing whole pairs keeps the sequence
                    // independent of `len`.
                    let pairs = (len - values.len()).div_ceil(2);
                    let kept = stream.normal(2 * pairs).into_iter().filter(|z| z.abs() <= 2.0);
                    values.extend(kept.map(|z| narrow(std * f64::from(z))));
                }
                values.truncate(len);
                values
            }
            Self::Uniform { bound } => {
                (0..len).map(|_| narrow((2.0 * stream.next_unit() - 1.0) * bound)).collect()
            }
        }
    }
}

/// Returns the default of PyTorch's `LSTMCell` and `GRUCell` for weights and biases: U(−1/√H, 1/√H)
/// with H hidden units.
pub fn recurrent(hidden_size: i64) -> Init {
    Init::Uniform { bound: 1.0 / (hidden_size as f64).sqrt() }
}

/// Returns the default of PyTorch's convolutions and linear layers for weights and biases:
/// U(−1/√n, 1/√n) with n inputs per output (`kaiming_uniform_(a=√5)` for weights).
pub fn by_fan_in(fan_in: i64) -> Init {
    Init::Uniform { bound: 1.0 / (fan_in as f64).sqrt() }
}

/// Returns `torch.nn.init.xavier_uniform_` (Glorot & Bengio 2010, equation 16): U(−b, b) with
/// b = √(6 / (`fan_in` + `fan_out`)).
pub fn xavier_uniform(fan_in: i64, fan_out: i64) -> Init {
    Init::Uniform { bound: xavier_bound(fan_in, fan_out) }
}

/// Returns the bound b of [`xavier_uniform`].
pub fn xavier_bound(fan_in: i64, fan_out: i64) -> f64 {
    // PyTorch computes the standard deviation first and multiplies it by √3.
    3.0_f64.sqrt() * (2.0 / (fan_in + fan_out) as f64).sqrt()
}

/// Returns Chainer's default for weights, `LeCunNormal`: N(0, 1/n) with n inputs per output.
pub fn lecun_normal(fan_in: i64) -> Init {
    Init::Normal { mean: 0.0, std: (1.0 / fan_in as f64).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_normal_stays_within_two_deviations_and_begins_like_a_shorter_one() {
        let init = Init::TruncatedNormal { std: 0.1 };
        let values = init.values(Seed(1), "fc1.w", 1001);
        assert_eq!(values.len(), 1001);
        assert!(values.iter().all(|value| value.abs() <= 0.2));
        assert!(values.iter().any(|value| value.abs() > 0.19));
        for shorter in [1, 2, 500] {
            assert_eq!(init.values(Seed(1), "fc1.w", shorter), values[..shorter]);
        }
    }
}
