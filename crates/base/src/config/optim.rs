//! Which optimizer updates the parameters.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scalar::{DecayRate, NonNegative, Positive};

/// The optimizer of a run, in the arithmetic of one framework.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerSpec {
    /// Adam (Kingma & Ba 2015, arXiv:1412.6980).
    Adam(AdamSpec),
    /// Gradient descent, with or without momentum.
    GradientDescent(GradientDescentSpec),
    /// Adagrad (Duchi et al. 2011) in the arithmetic of TensorFlow 1.
    Adagrad(AdagradSpec),
    /// RMSprop (Tieleman & Hinton 2012, lecture 6.5) in the arithmetic of `torch.optim.RMSprop`.
    RmsProp(RmsPropSpec),
}

impl OptimizerSpec {
    /// Returns the optimizer's name as a sweep file spells it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Adam(_) => "adam",
            Self::GradientDescent(_) => "gradient_descent",
            Self::Adagrad(_) => "adagrad",
            Self::RmsProp(_) => "rms_prop",
        }
    }

    /// Returns the learning rate α.
    pub const fn learning_rate(&self) -> Positive {
        match self {
            Self::Adam(AdamSpec { learning_rate, .. })
            | Self::GradientDescent(GradientDescentSpec { learning_rate, .. })
            | Self::Adagrad(AdagradSpec { learning_rate, .. })
            | Self::RmsProp(RmsPropSpec { learning_rate, .. }) => *learning_rate,
        }
    }
}

impl Default for OptimizerSpec {
    fn default() -> Self {
        Self::Adam(AdamSpec::default())
    }
}

/// Adam's hyper-parameters. The defaults are those of the cvae original.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdamSpec {
    /// Learning rate α.
    pub learning_rate: Positive,
    /// Decay rate β₁ of the first moment, the running mean of gradients.
    pub beta1: DecayRate,
    /// Decay rate β₂ of the second moment, the running mean of squared gradients.
    pub beta2: DecayRate,
    /// ε in the denominator √v + ε, added outside the square root.
    pub epsilon: Positive,
    /// Factor λ of the weight decay.
    pub weight_decay: NonNegative,
    /// How weights decay.
    pub decay: WeightDecay,
    /// Framework whose arithmetic the update follows. For `physical_interaction`, this must be the
    /// framework of `model.physical_interaction.port`.
    pub form: AdamForm,
}

/// How weights decay. With moments of the gradient, the two differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum WeightDecay {
    /// By an L2 penalty λ/2 · |p|²: its gradient λp is added to the gradient of the loss before the moments are
    /// updated, as in `torch.optim.Adam`.
    #[default]
    L2,
    /// Apart from the gradient: p is multiplied by 1 − αλ first, as in `torch.optim.AdamW` (Loshchilov & Hutter 2019,
    /// arXiv:1711.05101). Only in the form `pytorch`.
    Decoupled,
}

/// A framework's Adam. The forms differ in whether ε is added before or after the bias correction of
/// the second moment, which matters where gradients are about as small as ε.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum AdamForm {
    /// `torch.optim.Adam`: ε is added after the bias correction of the second moment.
    #[default]
    PyTorch,
    /// `tf.train.AdamOptimizer` of TensorFlow 1: ε is added before the bias correction of the second
    /// moment. The learning rate, the decay rates and their powers are f32 even for f64 parameters.
    TensorFlow,
    /// `chainer.optimizers.Adam` of Chainer 2: as `tensorflow`, with f64 hyper-parameters.
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
            decay: WeightDecay::default(),
            form: AdamForm::default(),
        }
    }
}

/// Hyper-parameters of gradient descent. The defaults are those of the rcn original.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GradientDescentSpec {
    /// Learning rate α.
    pub learning_rate: Positive,
    /// Framework whose arithmetic the update follows. Momentum and weight decay need `pytorch`.
    pub form: GradientDescentForm,
    /// Momentum μ: the update is that of `torch.optim.SGD`, without dampening.
    pub momentum: DecayRate,
    /// Which momentum.
    pub momentum_kind: MomentumKind,
    /// Factor λ of the L2 penalty λ/2 · |p|².
    pub weight_decay: NonNegative,
}

/// How momentum enters an update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum MomentumKind {
    /// The update is the running sum b of gradients.
    #[default]
    Classical,
    /// Nesterov's: the update is g + μb, the gradient and the sum one update ahead.
    Nesterov,
}

/// A framework's gradient descent. The forms differ in how the step αg is rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum GradientDescentForm {
    /// `tf.train.GradientDescentOptimizer`: α is f32, and αg is rounded before it is subtracted.
    #[default]
    TensorFlow,
    /// `torch.optim.SGD`: `p.add_(g, alpha=-α)`, one operation.
    PyTorch,
}

impl Default for GradientDescentSpec {
    fn default() -> Self {
        Self {
            learning_rate: Positive::try_from(0.01).expect("the literal is positive"),
            form: GradientDescentForm::default(),
            momentum: DecayRate::try_from(0.0).expect("the literal is in [0, 1)"),
            momentum_kind: MomentumKind::default(),
            weight_decay: NonNegative::try_from(0.0).expect("the literal is not negative"),
        }
    }
}

/// Adagrad's hyper-parameters. The default learning rate is that of the repository of the rcn
/// original.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdagradSpec {
    /// Learning rate α.
    pub learning_rate: Positive,
    /// Initial value of the sum of squared gradients (`initial_accumulator_value`); the default is
    /// TensorFlow's.
    pub initial_accumulator: Positive,
}

impl Default for AdagradSpec {
    fn default() -> Self {
        let positive = |x: f64| Positive::try_from(x).expect("the literal is positive");
        Self { learning_rate: positive(0.01), initial_accumulator: positive(0.1) }
    }
}

/// RMSprop's hyper-parameters. The defaults are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RmsPropSpec {
    /// Learning rate α.
    pub learning_rate: Positive,
    /// Decay rate of the running mean of squared gradients (`alpha`).
    pub smoothing: DecayRate,
    /// ε in the denominator √v + ε.
    pub epsilon: Positive,
    /// Momentum μ.
    pub momentum: DecayRate,
    /// Factor λ of the L2 penalty λ/2 · |p|².
    pub weight_decay: NonNegative,
}

impl Default for RmsPropSpec {
    fn default() -> Self {
        let rate = |x: f64| DecayRate::try_from(x).expect("the literal is in [0, 1)");
        let positive = |x: f64| Positive::try_from(x).expect("the literal is positive");
        Self {
            learning_rate: positive(0.01),
            smoothing: rate(0.99),
            epsilon: positive(1e-8),
            momentum: rate(0.0),
            weight_decay: NonNegative::try_from(0.0).expect("the literal is not negative"),
        }
    }
}
