//! Length of training, batches and evaluations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::data::Split;
use crate::{
    scalar::{Count, DecayRate, Epoch, Positive},
    schedule::LearningRateSchedule,
};

/// Length and batch size of training. The defaults are those of the cvae original.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingSpec {
    /// Number of epochs (`niter`). Schedules such as teacher forcing are functions of the epoch.
    pub epochs: Count,
    /// Optimizer steps per epoch (`epoch_size`), independent of the size of the data set.
    pub steps_per_epoch: Count,
    /// Sequences per training batch. `cvae` needs at least 2, because it normalizes over the batch.
    pub batch_size: Count,
    /// Batches whose gradients are averaged for one update (gradient accumulation), each of `batch_size`
    /// sequences. Not for `mocogan`, whose modules are updated in turn.
    pub accumulated_batches: Count,
    /// Limit of the gradients. Without this key, there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "GradientClipping")]
    pub gradient_clipping: Option<GradientClipping>,
    /// How the learning rate changes by epoch. Without this key, it is constant.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "LearningRateSchedule")]
    pub learning_rate_schedule: Option<LearningRateSchedule>,
    /// Moving average of the weights. Without this key, there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WeightAverage")]
    pub weight_average: Option<WeightAverage>,
    /// When training ends before its last epoch. Without this key, it never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "EarlyStopping")]
    pub early_stopping: Option<EarlyStopping>,
    /// Weights that are kept besides the best and the final ones. Changes no number of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "KeptSnapshots")]
    pub keep: Option<KeptSnapshots>,
}

/// How gradients are limited before an update.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum GradientClipping {
    /// Largest Euclidean norm of all gradients of an update together: larger gradients are scaled down
    /// (`torch.nn.utils.clip_grad_norm_`). In `mocogan`, each module has updates of its own.
    Norm(Positive),
    /// Largest absolute value of a gradient: larger values are cut off (`torch.nn.utils.clip_grad_value_`).
    Value(Positive),
}

/// Exponential moving average of the parameters, w̄ ← d w̄ + (1 − d) w after every update, from w after the first one on
/// (`torch.optim.swa_utils.AveragedModel` with `get_ema_multi_avg_fn`). It changes no number of the training. The averaged
/// weights are kept besides the best and the final ones; `[[evaluation]]` scores them with `checkpoint = "average"`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightAverage {
    /// Share d of the old average in the new one.
    #[serde(default = "usual_decay")]
    pub decay: DecayRate,
}

/// PyTorch's default of `get_ema_multi_avg_fn`.
fn usual_decay() -> DecayRate {
    DecayRate::try_from(0.999).expect("the literal is in [0, 1)")
}

/// End of training once the validation score has not become better for long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// Epochs after the best validation at which training ends, if none of the validations since then was better. Only
    /// epochs that end with a validation count (`evaluation.every_epochs`).
    pub patience_epochs: Count,
}

/// Weights of chosen epochs that are kept, to be evaluated, exported and begun from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeptSnapshots {
    /// Epochs from one snapshot to the next; the original of `rcn` keeps one every 10 epochs.
    pub every_epochs: Count,
    /// What is kept.
    #[serde(default)]
    pub state: SnapshotState,
}

/// What a snapshot contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotState {
    /// Parameters and buffers.
    #[default]
    Weights,
    /// Also all that training needs to continue (`continue_from = "RUN@EPOCH"`): moments of the optimizer, the best
    /// weights so far, the position in the journal. Takes about four times as much room.
    Full,
}

impl Default for TrainingSpec {
    fn default() -> Self {
        Self {
            epochs: Count::literal(200),
            steps_per_epoch: Count::literal(600),
            batch_size: Count::literal(24),
            accumulated_batches: Count::literal(1),
            gradient_clipping: None,
            learning_rate_schedule: None,
            weight_average: None,
            early_stopping: None,
            keep: None,
        }
    }
}

impl TrainingSpec {
    /// Returns what is kept of the weights after a number of epochs.
    pub fn snapshot(&self, epochs: Count) -> Option<SnapshotState> {
        let KeptSnapshots { every_epochs, state } = self.keep?;
        let is_kept = epochs <= self.epochs && epochs.get().is_multiple_of(every_epochs.get());
        is_kept.then_some(state)
    }

    /// Returns the sequences of one update.
    pub const fn sequences_per_update(&self) -> usize {
        self.batch_size.len() * self.accumulated_batches.len()
    }

    /// Returns whether training has ended after a number of epochs, of which the one at index `best` had the best
    /// validation.
    pub fn has_stopped(&self, best: Epoch, validated: Epoch) -> bool {
        let since_best = validated.0.saturating_sub(best.0);
        self.early_stopping.is_some_and(|it| since_best >= it.patience_epochs.get())
    }

    /// Returns the number of optimizer steps of the run.
    pub const fn total_steps(&self) -> u64 {
        self.epochs.get() * self.steps_per_epoch.get()
    }
}

/// When a run is evaluated, and on how many sequences.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationSpec {
    /// Epochs between evaluations on the validation split. The last epoch is always evaluated.
    pub every_epochs: Count,
    /// Sequences per batch in evaluations.
    pub batch_size: Count,
    /// Maximum number of validation sequences to score: the first ones in sorted order.
    pub validation_sequences: Count,
    /// Maximum number of test sequences to score: the first ones in sorted order. If it alone is changed, nothing is
    /// trained again.
    pub test_sequences: Count,
    /// Frames that are predicted and scored in evaluations. Without this key, the horizon of training
    /// is used. If arms train with different horizons, set this key; otherwise their scores are not
    /// comparable. Only for systems that predict frames.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Count")]
    pub horizon: Option<Count>,
}

impl EvaluationSpec {
    /// Returns the maximum number of sequences of a split to score.
    pub const fn sequences(&self, split: Split) -> Count {
        match split {
            Split::Train | Split::Validate => self.validation_sequences,
            Split::Test => self.test_sequences,
        }
    }
}

impl Default for EvaluationSpec {
    fn default() -> Self {
        Self {
            every_epochs: Count::literal(5),
            batch_size: Count::literal(16),
            validation_sequences: Count::literal(256),
            test_sequences: Count::literal(256),
            horizon: None,
        }
    }
}
