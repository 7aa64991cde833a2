//! The fully explicit configuration of one run.

use serde::{Deserialize, Serialize};

use super::{
    data::DataSpec,
    engine::EngineSpec,
    model::{FramesUsed, ModelSpec},
    optim::OptimizerSpec,
    weights::WeightsId,
};
use crate::scalar::{Count, Seed};

/// Everything that decides the numbers of a run. Serialized with every default written out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// The seed of every random stream of the run.
    pub seed: Seed,
    /// What the run learns from.
    #[serde(default)]
    pub data: DataSpec,
    /// What the run trains.
    pub model: ModelSpec,
    /// The imported weights that the run begins with; drawn from the seed if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_weights: Option<WeightsId>,
    /// How parameters move.
    #[serde(default)]
    pub optimizer: OptimizerSpec,
    /// How long and in which portions.
    #[serde(default)]
    pub training: TrainingSpec,
    /// When and on what the run is evaluated.
    #[serde(default)]
    pub evaluation: EvaluationSpec,
    /// Where the arithmetic is done.
    #[serde(default)]
    pub engine: EngineSpec,
}

impl RunSpec {
    /// Returns how sequences are divided in training and where they are scored, for systems that
    /// predict frames.
    pub fn frames_used(&self) -> Option<[FramesUsed; 2]> {
        let trained = self.model.frames_used()?;
        let horizon = self.evaluation.horizon.unwrap_or(trained.horizon);
        Some([trained, FramesUsed { horizon, ..trained }])
    }
}

/// Length and portions of training; defaults are the cvae document's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingSpec {
    /// Epochs (`niter`).
    pub epochs: Count,
    /// Optimizer steps of an epoch (`epoch_size`).
    pub steps_per_epoch: Count,
    /// Sequences of a batch.
    pub batch_size: Count,
}

impl Default for TrainingSpec {
    fn default() -> Self {
        Self {
            epochs: Count::literal(200),
            steps_per_epoch: Count::literal(600),
            batch_size: Count::literal(24),
        }
    }
}

impl TrainingSpec {
    /// Returns the number of optimizer steps of the whole run.
    pub const fn total_steps(&self) -> u64 {
        self.epochs.get() * self.steps_per_epoch.get()
    }
}

/// When and on how many sequences a run is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationSpec {
    /// Epochs between validation roll-outs; the last epoch is always validated.
    pub every_epochs: Count,
    /// Sequences of a roll-out batch.
    pub batch_size: Count,
    /// At most this many validation sequences, in sorted order.
    pub validation_sequences: Count,
    /// At most this many test sequences, in sorted order.
    pub test_sequences: Count,
    /// Frames that are predicted to be scored; as many as in training if not given. Arms that train
    /// with different horizons are comparable only if this is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub horizon: Option<Count>,
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
