//! Initial values, drawn on the CPU from the run's own streams.
//!
//! The stream of a tensor is named after the tensor, so two models that share a parameter name
//! share its initial value, whatever else they contain.

use crate::{rng::streams::Stream, scalar::Seed};

/// The distribution of a tensor's initial values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Every element is the same.
    Constant(f64),
    /// N(mean, std²).
    Normal {
        /// Mean μ.
        mean: f64,
        /// Standard deviation σ.
        std: f64,
    },
    /// N(0, std²) without what lies beyond two standard deviations, which is drawn again
    /// (`tf.truncated_normal`).
    TruncatedNormal {
        /// Standard deviation σ before truncation.
        std: f64,
    },
    /// U(−bound, bound).
    Uniform {
        /// Half the width of the interval.
        bound: f64,
    },
}

impl Init {
    /// Returns `len` values for the tensor `name`, rounded to f32 once.
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
                    // Whole pairs, so that it does not matter how many are drawn at once.
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

/// PyTorch's `LSTMCell` and `GRUCell`: U(−1/√H, 1/√H) for weights and biases alike.
pub fn recurrent(hidden_size: i64) -> Init {
    Init::Uniform { bound: 1.0 / (hidden_size as f64).sqrt() }
}

/// PyTorch's convolutions and linear layers: U(−1/√n, 1/√n) with n inputs to each output.
pub fn by_fan_in(fan_in: i64) -> Init {
    Init::Uniform { bound: 1.0 / (fan_in as f64).sqrt() }
}

/// `torch.nn.init.xavier_uniform_` for a matrix (Glorot & Bengio 2010).
///
/// ```text
/// U(−b, b),  b = √(6 / (fan_in + fan_out))
/// ```
pub fn xavier_uniform(fan_in: i64, fan_out: i64) -> Init {
    Init::Uniform { bound: xavier_bound(fan_in, fan_out) }
}

/// Returns the bound b of [`xavier_uniform`].
pub fn xavier_bound(fan_in: i64, fan_out: i64) -> f64 {
    // The order of PyTorch: the standard deviation first, then √3 of it.
    3.0_f64.sqrt() * (2.0 / (fan_in + fan_out) as f64).sqrt()
}

/// Chainer's default for weights, `LeCunNormal`: N(0, 1/n) for n inputs of a unit.
pub fn lecun_normal(fan_in: i64) -> Init {
    Init::Normal { mean: 0.0, std: (1.0 / fan_in as f64).sqrt() }
}
