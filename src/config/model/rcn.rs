//! Settings of the Recombinator Network (seed document 004; Honari et al. 2016, arXiv:1511.07356).

use serde::{Deserialize, Serialize};

use crate::scalar::{Count, KeepProbability};

/// Half the side of a picture in pixels: a coordinate p is learned as (p − 48) / 48.
pub const HALF_SIDE: f64 = 48.0;

/// Architecture and objective of the Recombinator Network; defaults are the document's.
///
/// The document trains it by gradient descent at a learning rate of 0.01, the repository's script by
/// Adagrad at the same rate, both in batches of 100.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RcnSpec {
    /// What goes on beside the up-sampled coarse map at each resolution.
    pub recombination: Recombination,
    /// Units of the first fully connected layer (500 in the document). It holds nearly all
    /// parameters, 46,080 for each unit.
    pub hidden_units: Count,
    /// How the weights of the two fully connected layers are drawn.
    pub dense_weights: DenseWeights,
    /// Dropout in training.
    pub dropout: Dropout,
    /// Dropout in prediction.
    pub prediction: PredictionDropout,
    /// Non-linearity of every layer, the last one included.
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

/// How coarse features reach finer resolutions; f₁ … f₄ are the branches, fine to coarse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Recombination {
    /// The document's: the up-sampled coarse map is concatenated with the branch of the finer
    /// resolution, m₃ = C C (U f₄ ⊕ f₃), m₂ = C C (U m₃ ⊕ f₂), m₁ = C C (U m₂ ⊕ f₁).
    #[default]
    Concatenate,
    /// The up-sampled coarse map goes on alone, m₃ = C C U f₄, m₂ = C C U m₃, m₁ = C C U m₂. The same
    /// layers in the same depth; only the first convolution of each pair has fewer input channels.
    /// What pooling has thrown away of a finer resolution is then lost.
    None,
}

/// How the weights of a fully connected layer are drawn: normal, redrawn beyond two standard deviations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum DenseWeights {
    /// The document's: σ = 0.1 whatever the layer is. The first one sums 46,080 inputs, so that nearly
    /// all of its units begin saturated and gradients hardly pass.
    #[default]
    Fixed,
    /// σ = 1/√(inputs), which keeps a unit in the range of its inputs (formula 16 of "Efficient
    /// backprop", 1998).
    ByInputs,
}

/// Whether and how strongly activations are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Dropout {
    /// Nothing is dropped.
    Off,
    /// Activations are kept with these probabilities.
    Keep(Keep),
}

impl Default for Dropout {
    fn default() -> Self {
        Self::Keep(Keep::default())
    }
}

/// Probabilities with which activations are kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Keep {
    /// In front of the first fully connected layer (`dropout_keep_prob`).
    pub flat: KeepProbability,
    /// Behind it; a literal in the original, so its argument does not reach it.
    pub hidden: KeepProbability,
}

impl Default for Keep {
    fn default() -> Self {
        let keep = |x: f64| KeepProbability::try_from(x).expect("the literal is in (0, 1]");
        Self { flat: keep(0.75), hidden: keep(0.9) }
    }
}

/// Whether a prediction drops activations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PredictionDropout {
    /// As in training: the original builds one graph for both, so its predictions are random.
    #[default]
    AsInTraining,
    /// Never, as dropout is meant.
    Off,
}

/// A non-linearity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Activation {
    /// The hyperbolic tangent.
    #[default]
    Tanh,
    /// max(x, 0), of which the document says that it cannot work, as targets lie in [−1, 1].
    Relu,
}
