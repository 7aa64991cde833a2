//! Which optimizer moves the parameters.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::scalar::{DecayRate, NonNegative, Positive};

/// The optimizer of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerSpec {
    /// Adam (Kingma & Ba 2015) in the arithmetic of one framework.
    Adam(AdamSpec),
    /// Gradient descent without momentum, in the arithmetic of one framework.
    GradientDescent(GradientDescentSpec),
    /// Adagrad (Duchi et al. 2011) in TensorFlow's arithmetic.
    Adagrad(AdagradSpec),
}

impl OptimizerSpec {
    /// Returns the optimizer's name as a sweep file spells it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Adam(_) => "adam",
            Self::GradientDescent(_) => "gradient_descent",
            Self::Adagrad(_) => "adagrad",
        }
    }

    /// Returns the step size α.
    pub const fn learning_rate(&self) -> Positive {
        match self {
            Self::Adam(AdamSpec { learning_rate, .. })
            | Self::GradientDescent(GradientDescentSpec { learning_rate, .. })
            | Self::Adagrad(AdagradSpec { learning_rate, .. }) => *learning_rate,
        }
    }
}

impl Default for OptimizerSpec {
    fn default() -> Self {
        Self::Adam(AdamSpec::default())
    }
}

/// Hyper-parameters of Adam; defaults are the cvae document's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamSpec {
    /// Step size α.
    pub learning_rate: Positive,
    /// Decay rate β₁ of the first moment.
    pub beta1: DecayRate,
    /// Decay rate β₂ of the second moment.
    pub beta2: DecayRate,
    /// ε added to the denominator, outside the square root.
    pub epsilon: Positive,
    /// λ of the L2 penalty λ/2 · |p|², whose gradient λ p is added to the loss's.
    pub weight_decay: NonNegative,
    /// Whose arithmetic the update follows.
    pub form: AdamForm,
}

/// Whose Adam it is. The forms differ in where ε stands beside the bias correction of the second
/// moment, so that they part where gradients are about as small as ε.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum AdamForm {
    /// `torch.optim.Adam`: ε is added to the corrected second moment.
    #[default]
    PyTorch,
    /// `tf.train.AdamOptimizer` of TensorFlow 1: ε is added to the uncorrected second moment;
    /// learning rate, decay rates and their powers are f32 whatever the parameters are.
    TensorFlow,
    /// `chainer.optimizers.Adam` of Chainer 2: as TensorFlow's, with f64 hyper-parameters.
    Chainer,
}

impl fmt::Display for AdamForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PyTorch => "pytorch",
            Self::TensorFlow => "tensorflow",
            Self::Chainer => "chainer",
        })
    }
}

impl Default for AdamSpec {
    fn default() -> Self {
        let rate = |x: f64| DecayRate::try_from(x).expect("the literal is in [0, 1)");
        let positive = |x: f64| Positive::try_from(x).expect("the literal is positive");
        Self {
            learning_rate: positive(0.002),
            beta1: rate(0.9),
            beta2: rate(0.999),
            epsilon: positive(1e-8),
            weight_decay: NonNegative::try_from(0.0).expect("the literal is not negative"),
            form: AdamForm::default(),
        }
    }
}

/// Hyper-parameters of plain gradient descent; the default is the rcn document's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GradientDescentSpec {
    /// Step size α.
    pub learning_rate: Positive,
    /// Whose arithmetic the update follows.
    pub form: GradientDescentForm,
}

/// Whose gradient descent it is. The forms differ in what is rounded: the step, or the sum only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum GradientDescentForm {
    /// `tf.train.GradientDescentOptimizer`: α is f32, and α g is rounded before it is subtracted.
    #[default]
    TensorFlow,
    /// `torch.optim.SGD`: one multiplication and addition.
    PyTorch,
}

impl Default for GradientDescentSpec {
    fn default() -> Self {
        Self {
            learning_rate: Positive::try_from(0.01).expect("the literal is positive"),
            form: GradientDescentForm::default(),
        }
    }
}

/// Hyper-parameters of Adagrad; defaults are those of the rcn repository and of TensorFlow 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdagradSpec {
    /// Step size α.
    pub learning_rate: Positive,
    /// What the sum of squared gradients starts from (`initial_accumulator_value`).
    pub initial_accumulator: Positive,
}

impl Default for AdagradSpec {
    fn default() -> Self {
        let positive = |x: f64| Positive::try_from(x).expect("the literal is positive");
        Self { learning_rate: positive(0.01), initial_accumulator: positive(0.1) }
    }
}
