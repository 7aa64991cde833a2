//! Scores of a model on a split.
//!
//! [`evaluate`] carries out a protocol. Systems that predict frames are scored sequence by sequence
//! ([`rollouts`]); others score the whole split at once ([`Judge`]).

use reprise_data::Pack;
mod frame_metric;
mod networks;
pub mod rollouts;
mod samples;
mod scope;

pub use frame_metric::{FrameMetric, of_set};
pub use networks::{Fvd, NetworkError, Networks, identify};
pub use rollouts::{PredictedRows, RolloutRequest, SampleRow, VideoPredictor};
pub use scope::{AfterBatch, Course, EvaluateError, Evaluation, Scope};

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
    ///
    /// # Errors
    /// If a feature network cannot be used.
    fn judge(
        &self,
        pack: &Pack,
        scope: Scope,
        networks: &Networks,
        device: tch::Device,
    ) -> Result<Evaluation, NetworkError>;
}

/// Scores a model and the baselines of its task. Returns nothing if it was stopped.
///
/// # Errors
/// If the scores of a batch cannot be stored, or a feature network cannot be used.
pub fn evaluate(
    scoring: Scoring<'_>,
    pack: &Pack,
    scope: Scope,
    device: tch::Device,
    course: Course<'_>,
) -> Result<Option<Evaluation>, EvaluateError> {
    match scoring {
        Scoring::Frames(predictor) => {
            rollouts::score_frames(predictor, pack, scope, device, course)
        }
        Scoring::Whole(judge) => {
            let none = Networks::default();
            let networks = match &course {
                Course::Training => &none,
                Course::Recorded { networks, .. } => networks,
            };
            Ok(Some(judge.judge(pack, scope, networks, device)?))
        }
    }
}

/// Scores a model in training.
///
/// # Panics
/// Never: nothing is stored, and no feature network is used, that could fail.
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
