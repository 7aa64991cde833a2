//! Results of an evaluation besides frames: errors of the state, masks, kernels, transformed frames.

use tch::{Kind, Tensor};

use crate::{
    libtorch::convert::{to_host, to_stored},
    models::physical_interaction::{
        Network, Sequences,
        sequence::{Inspection, inspect},
    },
    train::{
        batch::{size, to_bytes},
        evaluate::rollouts::FrameScores,
    },
};
use reprise_base::{
    metrics,
    vocabulary::{
        MetricName, Predictor,
        rollouts::{INSPECTED_FRAMES, KERNELS, MASKS, PREVIOUS, TRANSFORMED},
    },
};
use reprise_store::store::tensors::StoredTensor;

/// Returns the squared errors of predicted states `[T − context, B, S]` against true ones `[T, B, S]`, of the model and
/// of the last state of the context, by row.
pub(super) fn state_errors(truth: &Tensor, predicted: &Tensor, context: usize) -> Vec<FrameScores> {
    let extents = truth.size();
    let [batch, states] = [extents[1], extents[2]].map(|n| usize::try_from(n).unwrap_or(0));
    let (truth, predicted) = (to_host::<f32>(truth), to_host::<f32>(predicted));
    let frames = predicted.len() / (batch * states).max(1);
    let row = |b: usize| {
        let at = |values: &[f32], t: usize| {
            let start = (t * batch + b) * states;
            values[start..start + states].to_vec()
        };
        let last = at(&truth, context - 1);
        let errors = |of: &dyn Fn(usize) -> Vec<f32>| -> Vec<f64> {
            (0..frames).map(|t| metrics::mse(&at(&truth, context + t), &of(t))).collect()
        };
        let scores = [
            (Predictor::Model, errors(&|t| at(&predicted, t))),
            (Predictor::CopyLastFrame, errors(&|_| last.clone())),
        ];
        let named = |errors| [(MetricName::StateMse.as_str().to_owned(), errors)].into();
        scores.map(|(predictor, errors)| (predictor.as_str().to_owned(), named(errors))).into()
    };
    (0..batch).map(row).collect()
}

/// Returns masks, kernels and transformed frames of the first, the middle and the last predicted
/// frame of each sequence: the tensors from [`INSPECTED_FRAMES`] to [`KERNELS`] of
/// [`rollouts`](reprise_base::vocabulary::rollouts). `batch` holds `context` given frames and those after
/// them.
pub(super) fn inspected(network: &Network, batch: &Sequences, context: usize) -> Vec<StoredTensor> {
    // Entry t is frame t + 1.
    let steps = inspect(network, batch, context);
    let shown = spread(context, steps.len());

    let previous = |frame: usize| {
        if frame <= context {
            batch.images.get(size(frame - 1))
        } else {
            steps[frame - 2].image.shallow_clone()
        }
    };
    let made = |frame: usize| &steps[frame - 1];
    let transformed = |step: &Inspection| Tensor::stack(&step.transformed, 1);
    let colour_last = |frames: Tensor| to_bytes(&frames.movedim_int(-3, -1));
    let stacked = |of: &dyn Fn(usize) -> Tensor| {
        Tensor::stack(&shown.iter().map(|&frame| of(frame)).collect::<Vec<_>>(), 1)
    };
    let places: Vec<f32> =
        shown.iter().filter_map(|&frame| u16::try_from(frame).ok().map(f32::from)).collect();
    let mut kept = vec![
        (INSPECTED_FRAMES, Tensor::from_slice(&places)),
        (PREVIOUS, colour_last(stacked(&previous))),
        (TRANSFORMED, colour_last(stacked(&|frame| transformed(made(frame))))),
        (MASKS, to_bytes(&stacked(&|frame| made(frame).masks.shallow_clone()))),
    ];
    if steps.iter().all(|step| step.kernels.is_some()) {
        let kernels = |frame| made(frame).kernels.as_ref().map(Tensor::shallow_clone);
        let all: Vec<Tensor> = shown.iter().filter_map(|&frame| kernels(frame)).collect();
        kept.push((KERNELS, Tensor::stack(&all, 1).to_kind(Kind::Float)));
    }
    kept.into_iter().map(|(name, tensor)| to_stored(name.to_owned(), &tensor)).collect()
}

/// Returns the first, the middle and the last number of a range, without repetition.
fn spread(first: usize, last: usize) -> Vec<usize> {
    let mut frames = vec![first, usize::midpoint(first, last), last];
    frames.dedup();
    frames
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
        let errors = state_errors(&truth.view([2, 2, 2]), &predicted.view([1, 2, 2]), 1);
        let of = |predictor: &str| -> Vec<f64> {
            errors.iter().flat_map(|row| row[predictor]["state_mse"].clone()).collect()
        };
        assert_eq!(of("model"), [0.5, 0.0]);
        assert_eq!(of("copy_last_frame"), [5.0, 4.0]);
    }
}
