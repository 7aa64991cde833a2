//! Settings of the Recombinator Network (original: the article *Recombinator Networks in TensorFlow* and
//! its repository, preddy5/tensorflow-recombinator-networks; Honari et al. 2016, arXiv:1511.07356).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::facts::{FramesUsed, ScheduleTable, SystemFacts};
use crate::{
    config::{data::Content, engine::Arithmetic, training::TrainingSpec},
    scalar::{Count, KeepProbability},
};

/// Half the side of an image in pixels: a coordinate p is learned as (p − 48) / 48.
pub const HALF_SIDE: f64 = 48.0;

/// Architecture of the Recombinator Network. The defaults are the original's.
///
/// The original's article trains with gradient descent, its repository with Adagrad. Both use a
/// learning rate of 0.01 and batches of 100.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RcnSpec {
    /// How the up-sampled coarse features are combined with the finer branch.
    pub recombination: Recombination,
    /// Units of the first fully connected layer, which has nearly all parameters: 46,080 weights per
    /// unit.
    pub hidden_units: Count,
    /// Initial weights of the two fully connected layers.
    pub dense_weights: DenseWeights,
    /// Dropout in training.
    pub dropout: Dropout,
    /// Dropout in prediction.
    pub prediction: PredictionDropout,
    /// Activation function of every layer, including the last.
    pub activation: Activation,
}

impl Default for RcnSpec {
    fn default() -> Self {
        Self {
            recombination: Recombination::default(),
            hidden_units: Count::literal(500),
            dense_weights: DenseWeights::default(),
            dropout: Dropout::default(),
            prediction: PredictionDropout::default(),
            activation: Activation::default(),
        }
    }
}

impl SystemFacts for RcnSpec {
    fn system(&self) -> &'static str {
        "rcn"
    }

    fn arithmetics(&self) -> &'static [Arithmetic] {
        &[Arithmetic::Exact]
    }

    fn is_data_parallel(&self) -> bool {
        false
    }

    fn content(&self) -> Content {
        Content::Keypoints
    }

    fn frames_used(&self) -> Option<FramesUsed> {
        None
    }

    fn has_latent(&self) -> bool {
        false
    }

    fn reads_frames_after_context(&self) -> bool {
        false
    }

    fn size(&self) -> Option<String> {
        None
    }

    fn schedules(&self, _: &TrainingSpec) -> Vec<ScheduleTable> {
        Vec::new()
    }

    fn reset_schedules(&mut self) {}
}

/// How coarse features reach finer resolutions. f₁ … f₄ are the branches from fine to coarse, U is
/// up-sampling, C a convolution, ⊕ concatenation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Recombination {
    /// As in the original: the coarser features are up-sampled (U), concatenated (⊕) with the finer branch
    /// and convolved twice (C): m₃ = C C (U f₄ ⊕ f₃), m₂ = C C (U m₃ ⊕ f₂), m₁ = C C (U m₂ ⊕ f₁), where fᵢ
    /// are the features of branch i and mᵢ the merged ones.
    #[default]
    Concatenate,
    /// SumNet, the baseline of Honari et al. 2016: summation in place of concatenation,
    /// m₃ = C C (U f₄ + f₃), m₂ = C C (U m₃ + f₂), m₁ = C C (U m₂ + f₁). The numbers of channels fit.
    Sum,
    /// Ablation: the finer branches are not used, m₃ = C C U f₄, m₂ = C C U m₃, m₁ = C C U m₂. The
    /// depth is the same; only the first convolution of each pair has fewer input channels. Details
    /// that pooling removes are lost.
    None,
}

/// Initial weights of a fully connected layer: normal, truncated at two standard deviations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DenseWeights {
    /// As in the original: truncated normal with σ = 0.1 in both layers. The first layer sums 46,080
    /// inputs, so nearly all of its units start saturated and pass almost no gradient.
    #[default]
    Fixed,
    /// Truncated normal with σ = 1/√(inputs), which avoids the saturation (equation 16 of "Efficient
    /// backprop", 1998).
    ByInputs,
}

/// Dropout in training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Dropout {
    /// No dropout.
    Off,
    /// Dropout before and after the first fully connected layer. Kept activations are divided by the
    /// probability of keeping them.
    Keep(Keep),
}

impl Default for Dropout {
    fn default() -> Self {
        Self::Keep(Keep::default())
    }
}

/// Probabilities of keeping an activation. Kept activations are divided by this probability.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Keep {
    /// Probability of keeping an input of the first fully connected layer (`dropout_keep_prob`).
    pub flat: KeepProbability,
    /// Probability of keeping an output of the first fully connected layer. The original hard-codes 0.9.
    pub hidden: KeepProbability,
}

impl Default for Keep {
    fn default() -> Self {
        let keep = |x: f64| KeepProbability::try_from(x).expect("the literal is in (0, 1]");
        Self { flat: keep(0.75), hidden: keep(0.9) }
    }
}

/// Dropout in prediction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PredictionDropout {
    /// The same dropout as in training: the original builds one graph for both, so its predictions are
    /// random.
    #[default]
    AsInTraining,
    /// No dropout, as is usual.
    Off,
}

/// An activation function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Activation {
    /// The hyperbolic tangent.
    #[default]
    Tanh,
    /// max(x, 0). Outputs cannot be negative, but targets are in [−1, 1]; the original warns against
    /// this choice.
    Relu,
}
