//! Scores of a model on a split.
//!
//! [`evaluate`] carries out a protocol. Systems that predict frames are scored sequence by sequence
//! ([`rollouts`]); others score the whole split at once ([`Judge`]).

use reprise_data::Pack;
use reprise_store::store::StoreError;

mod frame_metric;
pub mod rollouts;
mod samples;
mod scope;

pub use frame_metric::FrameMetric;
pub use rollouts::{PredictedRows, RolloutRequest, SampleRow, VideoPredictor};
pub use scope::{AfterBatch, Course, Evaluation, Scope};

/// How a system is scored.
#[derive(Clone, Copy)]
pub enum Scoring<'a> {
    /// By its predictions of frames.
    Frames(&'a dyn VideoPredictor),
    /// By all its outputs together.
    Whole(&'a dyn Judge),
}

/// Scores the outputs of a model and the baselines of its task as a whole.
pub trait Judge {
    /// Scores the first sequences of a split.
    fn judge(&self, pack: &Pack, scope: Scope, device: tch::Device) -> Evaluation;
}

/// Scores a model and the baselines of its task. Returns nothing if it was stopped.
///
/// # Errors
/// If the scores of a batch cannot be stored.
pub fn evaluate(
    scoring: Scoring<'_>,
    pack: &Pack,
    scope: Scope,
    device: tch::Device,
    course: Course<'_>,
) -> Result<Option<Evaluation>, StoreError> {
    match scoring {
        Scoring::Frames(predictor) => {
            rollouts::score_frames(predictor, pack, scope, device, course)
        }
        Scoring::Whole(judge) => Ok(Some(judge.judge(pack, scope, device))),
    }
}

/// Scores a model in training.
///
/// # Panics
/// Never: nothing is stored that could fail.
pub fn evaluate_in_training(
    scoring: Scoring<'_>,
    pack: &Pack,
    scope: Scope,
    device: tch::Device,
) -> Evaluation {
    let evaluation = evaluate(scoring, pack, scope, device, Course::Training);
    evaluation.expect("nothing is stored").expect("nothing stops it")
}

#[cfg(test)]
mod tests;
