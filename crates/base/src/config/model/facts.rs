//! What the rest of the program needs to know of every system.

use crate::{
    config::{data::Content, engine::Arithmetic, training::TrainingSpec},
    scalar::Count,
};

/// Facts about a system with its settings. A new system must answer all of them.
pub trait SystemFacts {
    /// Returns the system's name as sweep files and `golden/` spell it.
    fn system(&self) -> &'static str;

    /// Returns the arithmetics in which the system can be trained. `exact` is always one of them.
    fn arithmetics(&self) -> &'static [Arithmetic];

    /// Returns whether several devices can split a batch.
    fn is_data_parallel(&self) -> bool;

    /// Returns what the system learns from.
    fn content(&self) -> Content;

    /// Returns how a sequence is divided, if the system predicts frames.
    fn frames_used(&self) -> Option<FramesUsed>;

    /// Returns the longest horizon that a trained model can predict, if there is one.
    fn longest_horizon(&self) -> Option<Count> {
        None
    }

    /// Returns whether predictions depend on a latent variable, so that a model makes several of one sequence.
    fn has_latent(&self) -> bool;

    /// Returns whether the model can read true frames after the context.
    fn reads_frames_after_context(&self) -> bool;

    /// Describes the size of the model in a few words, e.g. `width 64`.
    fn size(&self) -> Option<String>;

    /// Returns the tables of the schedules by epoch.
    fn schedules(&self, training: &TrainingSpec) -> Vec<ScheduleTable>;

    /// Resets the schedules to their defaults: they do not change the cost of a step.
    fn reset_schedules(&mut self);
}

/// How a predictor of frames divides a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramesUsed {
    /// Frames given (`context_frames`).
    pub context: Count,
    /// Frames predicted (`horizon`).
    pub horizon: Count,
}

/// A schedule of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleTable {
    /// Quantity and axis, e.g. `KL weight by epoch`.
    pub title: &'static str,
    /// One value per epoch.
    pub values: Vec<f64>,
}
