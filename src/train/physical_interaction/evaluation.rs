//! What an evaluation keeps beside frames: errors of the state, and what frames were made of.

use tch::{Kind, Tensor};

use super::PhysicalInteractionSystem;
use crate::{
    data::Pack,
    libtorch::convert::to_stored,
    metrics,
    models::physical_interaction::sequence::{Inspection, inspect},
    store::{event::Scores, tensors::StoredTensor},
    train::{
        batch::{self, Examples},
        evaluate::{COPY_LAST_FRAME, MODEL, Scope, host, score},
    },
};

/// The metric's name in [`metrics::definitions`].
const STATE_MSE: &str = "state_mse";
/// Sequences of which it is kept how their frames were made.
const INSPECTED_SEQUENCES: usize = 2;

/// Squared errors of predicted states, by sequence and predicted frame.
#[derive(Debug, Default)]
pub(super) struct StateErrors {
    model: Vec<Vec<f64>>,
    copied: Vec<Vec<f64>>,
}

impl StateErrors {
    /// Compares true states `[T, B, S]` with predicted ones `[T - context, B, S]`.
    pub(super) fn add(&mut self, truth: &Tensor, predicted: &Tensor, context: usize) {
        let size = truth.size();
        let [batch, states] = [size[1], size[2]].map(|n| usize::try_from(n).unwrap_or(0));
        let (truth, predicted) = (host(truth), host(predicted));
        for b in 0..batch {
            let at = |values: &[f32], t: usize| {
                let start = (t * batch + b) * states;
                values[start..start + states].to_vec()
            };
            let last = at(&truth, context - 1);
            let frames = 0..predicted.len() / (batch * states);
            let errors = |of: &dyn Fn(usize) -> Vec<f32>| {
                frames.clone().map(|t| metrics::mse(&at(&truth, context + t), &of(t))).collect()
            };
            self.model.push(errors(&|t| at(&predicted, t)));
            self.copied.push(errors(&|_| last.clone()));
        }
    }

    /// Adds the errors to the scores of model and baseline.
    pub(super) fn into_scores(self, scores: &mut Scores) {
        for (predictor, errors) in [(MODEL, self.model), (COPY_LAST_FRAME, self.copied)] {
            scores
                .entry(predictor.to_owned())
                .or_default()
                .insert(STATE_MSE.to_owned(), score(&errors));
        }
    }
}

impl PhysicalInteractionSystem {
    /// Returns what some predicted frames of a split's first sequences were made of, with N sequences,
    /// K frames, M masks beside the background's and J transformed frames:
    ///
    /// ```text
    /// inspected_frames  f32 [K]                  their places in the sequence: first, middle, last
    /// previous          u8  [N, K, H, W, C]      the frame that was transformed
    /// transformed       u8  [N, K, J, H, W, C]
    /// masks             u8  [N, K, M + 1, H, W]  the first is the previous frame's
    /// kernels           f32 [N, K, M, 5, 5]      with CDNA
    /// ```
    pub(super) fn anatomy(
        &self,
        pack: &Pack,
        scope: Scope,
        device: tch::Device,
    ) -> Vec<StoredTensor> {
        let Scope { split, sequences, .. } = scope;
        let count = INSPECTED_SEQUENCES.min(sequences).min(pack.sequences(split));
        if count == 0 {
            return Vec::new();
        }
        let indices: Vec<usize> = (0..count).collect();
        let examples = Examples { pack, split, indices: &indices, device };
        let batch = self.sequences(&batch::load(&examples, self.horizon));
        let context = self.horizon.context;
        // Entry t made frame t + 1.
        let steps = inspect(&self.network, &batch, context);
        let shown = spread(context, steps.len());

        let previous = |frame: usize| {
            if frame <= context {
                batch.images.get(super::size(frame - 1))
            } else {
                steps[frame - 2].image.shallow_clone()
            }
        };
        let made = |frame: usize| &steps[frame - 1];
        let transformed = |step: &Inspection| Tensor::stack(&step.transformed, 1);
        let colour_last = |frames: Tensor| bytes(&frames.movedim_int(-3, -1));
        let stacked = |of: &dyn Fn(usize) -> Tensor| {
            Tensor::stack(&shown.iter().map(|&frame| of(frame)).collect::<Vec<_>>(), 1)
        };
        let places: Vec<f32> =
            shown.iter().filter_map(|&frame| u16::try_from(frame).ok().map(f32::from)).collect();
        let mut kept = vec![
            ("inspected_frames", Tensor::from_slice(&places)),
            ("previous", colour_last(stacked(&previous))),
            ("transformed", colour_last(stacked(&|frame| transformed(made(frame))))),
            ("masks", bytes(&stacked(&|frame| made(frame).masks.shallow_clone()))),
        ];
        if steps.iter().all(|step| step.kernels.is_some()) {
            let kernels = |frame| made(frame).kernels.as_ref().map(Tensor::shallow_clone);
            let all: Vec<Tensor> = shown.iter().filter_map(|&frame| kernels(frame)).collect();
            kept.push(("kernels", Tensor::stack(&all, 1).to_kind(Kind::Float)));
        }
        kept.into_iter().map(|(name, tensor)| to_stored(name.to_owned(), &tensor)).collect()
    }
}

/// Returns the first, the middle and the last predicted frame, each once.
fn spread(first: usize, last: usize) -> Vec<usize> {
    let mut frames = vec![first, usize::midpoint(first, last), last];
    frames.dedup();
    frames
}

/// Turns [0, 1] into bytes, as roll-outs are kept.
fn bytes(values: &Tensor) -> Tensor {
    (values * 255.0).round().clamp(0.0, 255.0).to_kind(Kind::Uint8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_spread_from_the_first_predicted_to_the_last() {
        assert_eq!(spread(2, 9), [2, 5, 9]);
        assert_eq!(spread(2, 3), [2, 3]);
        assert_eq!(spread(2, 2), [2]);
    }

    #[test]
    fn the_state_error_is_a_mean_over_numbers_frames_and_sequences() {
        // Two frames of context one, two sequences, two numbers; the second sequence is exact.
        let truth = Tensor::from_slice(&[0.0_f32, 0.0, 5.0, 5.0, 1.0, 3.0, 7.0, 7.0]);
        let predicted = Tensor::from_slice(&[2.0_f32, 3.0, 7.0, 7.0]);
        let mut errors = StateErrors::default();
        errors.add(&truth.view([2, 2, 2]), &predicted.view([1, 2, 2]), 1);
        let mut scores = Scores::new();
        errors.into_scores(&mut scores);
        let model = &scores[MODEL][STATE_MSE];
        assert_eq!(model.by_sequence, [0.5, 0.0]);
        assert_eq!(model.by_frame, [0.25]);
        let copied = &scores[COPY_LAST_FRAME][STATE_MSE];
        assert_eq!(copied.by_sequence, [5.0, 4.0]);
    }
}
