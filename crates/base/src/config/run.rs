//! The explicit settings of one run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::training::{EvaluationSpec, TrainingSpec};
use super::{
    data::DataSpec,
    engine::EngineSpec,
    model::{FramesUsed, ModelSpec, ScheduleTable},
    optim::OptimizerSpec,
    parent_run::ParentRun,
    weights::WeightsId,
};
use crate::scalar::Seed;

/// All settings that decide the numbers of a run. Every default is written out when it is serialized.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// Seed of every random stream of the run.
    pub seed: Seed,
    /// Data set and sampler.
    #[serde(default)]
    pub data: DataSpec,
    /// The system to train, with its settings. Required.
    pub model: ModelSpec,
    /// Id of imported weights to start training from: the SHA-256 that `reprise import` prints.
    /// Without this key, initial weights are drawn from the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "WeightsId")]
    pub initial_weights: Option<WeightsId>,
    /// Id of a finished run of the same store to train on: its parameters, buffers, optimizer moments, number of steps
    /// and streams go on. `RUN@EPOCHS` continues from a full snapshot (`training.keep`) instead of from the end.
    /// `training.epochs` counts the epochs of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ParentRun")]
    pub continue_from: Option<ParentRun>,
    /// The optimizer, in the arithmetic of one framework.
    #[serde(default)]
    pub optimizer: OptimizerSpec,
    /// Length and batch size of training. The defaults are those of the cvae original.
    #[serde(default)]
    pub training: TrainingSpec,
    /// When the run is evaluated, and on how many sequences.
    #[serde(default)]
    pub evaluation: EvaluationSpec,
    /// Device, threads and arithmetic. All of them change the last bits of a result.
    #[serde(default)]
    pub engine: EngineSpec,
}

impl RunSpec {
    /// Returns the schedules of the run.
    pub fn schedules(&self) -> Vec<ScheduleTable> {
        let mut schedules = self.model.facts().schedules(&self.training);
        let base = self.optimizer.learning_rate().get();
        schedules.extend(self.training.learning_rate_schedule.map(|schedule| ScheduleTable {
            title: "learning rate by epoch",
            values: schedule.table(base, self.training.epochs),
        }));
        schedules
    }

    /// Returns how sequences are divided in training and in evaluation, for systems that predict frames.
    pub fn frames_used(&self) -> Option<[FramesUsed; 2]> {
        let trained = self.model.facts().frames_used()?;
        let horizon = self.evaluation.horizon.unwrap_or(trained.horizon);
        Some([trained, FramesUsed { horizon, ..trained }])
    }
}
