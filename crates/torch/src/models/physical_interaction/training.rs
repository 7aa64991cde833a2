//! A forward pass in training or validation: scheduled sampling, network, loss.
//!
//! An update is [`pass`] with [`Mode::Train`], `objective.loss.backward()`, and a step of Adam in
//! the form of the port.

use super::{
    network::{Network, NetworkStep},
    objective::{Objective, objective},
    sampling::{ScheduledFeedback, ShuffleSource},
    sequence::{Feeding, Prediction, Sequences, unroll},
};
use crate::nn::Mode;
use reprise_base::{
    config::model::{PhysicalInteractionSpec, physical_interaction::Topic},
    scalar::{Count, Step},
};

/// The results of a forward pass, with gradient.
#[derive(Debug)]
pub struct Pass {
    pub feedback: ScheduledFeedback,
    pub prediction: Prediction,
    pub objective: Objective,
}

/// What the schedule of a pass depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassTime {
    /// The optimizer step, which determines the number of true frames.
    pub step: Step,
    pub mode: Mode,
}

/// Runs the network over a batch `[T, B, …]` and computes the loss; `each` gets every time step.
///
/// `shuffle` is called once per time step after the context if the feedback is a mixture.
///
/// # Panics
/// If the batch is empty or has no frame after the context.
pub fn pass(
    network: &Network,
    spec: &PhysicalInteractionSpec,
    batch: &Sequences,
    at: PassTime,
    shuffle: &mut dyn ShuffleSource,
    mut each: impl FnMut(usize, &NetworkStep),
) -> Pass {
    let feedback = feedback(spec, batch, at);
    let context_frames = spec.context_frames.len();
    let mut prediction = Prediction::default();
    unroll(network, batch, Feeding { context_frames, feedback }, shuffle, |t, step| {
        each(t, &step);
        prediction.images.push(step.image);
        prediction.states.push(step.state);
    });
    let objective = objective(batch, &prediction, context_frames, spec.state_weight.get());
    Pass { feedback, prediction, objective }
}

/// Returns the feedback that [`pass`] uses for this batch.
///
/// # Panics
/// If the batch is empty.
pub fn feedback(
    spec: &PhysicalInteractionSpec,
    batch: &Sequences,
    at: PassTime,
) -> ScheduledFeedback {
    let sequences = batch.actions.size()[1];
    let sequences = Count::try_from(sequences).expect("a batch has at least one sequence");
    let port = spec.numerics().of(Topic::ScheduledSampling);
    ScheduledFeedback::at(spec.scheduled_sampling, port, sequences, at.step, at.mode)
}
