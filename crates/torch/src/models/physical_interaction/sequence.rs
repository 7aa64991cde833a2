//! Unrolling of the network over a batch of sequences.

use tch::Tensor;

use super::{
    network::{Network, NetworkStep},
    sampling::{ScheduledFeedback, ShuffleSource, mix},
};
use reprise_base::config::{model::physical_interaction::Topic, protocol::RolloutFeedback};

/// A batch of sequences, time first.
#[derive(Debug)]
pub struct Sequences {
    /// Frames `[T, B, C, H, W]` in [0, 1].
    pub images: Tensor,
    /// Actions `[T, B, A]`.
    pub actions: Tensor,
    /// States of the end effector `[T, B, S]`.
    pub states: Tensor,
}

/// Predicted frames and states; entry t is the prediction for time t + 1.
#[derive(Debug, Default)]
pub struct Prediction {
    /// Frames `[B, C, H, W]`.
    pub images: Vec<Tensor>,
    /// States `[B, S]`.
    pub states: Vec<Tensor>,
}

/// The frames that the network reads.
#[derive(Clone, Copy, Debug)]
pub struct Feeding {
    /// Number of leading true frames.
    pub context_frames: usize,
    /// The frames after them.
    pub feedback: ScheduledFeedback,
}

/// Runs the network over a batch and passes each step with its time t = 0 … T − 2 to `each`.
///
/// The input frame is true for t < `context_frames` and given by `feedback` afterwards. The input
/// state is true for t = 0 and predicted afterwards. T is the length of `actions`; `images` needs
/// only the frames that are read.
pub fn unroll(
    network: &Network,
    batch: &Sequences,
    feeding: Feeding,
    shuffle: &mut dyn ShuffleSource,
    mut each: impl FnMut(usize, NetworkStep),
) {
    let Feeding { context_frames, feedback } = feeding;
    let steps = batch.actions.size()[0] - 1;
    let mut state = batch.states.get(0);
    let mut generated: Option<Tensor> = None;
    let sampling = network.numerics().of(Topic::ScheduledSampling);
    let mut cells = network.zero_states(&batch.images.get(0));
    for (time, t) in (0..steps).enumerate() {
        let previous = match &generated {
            Some(generated) if time >= context_frames => match feedback {
                ScheduledFeedback::Prediction => generated.shallow_clone(),
                ScheduledFeedback::Mixture { true_frames } => {
                    let truth = batch.images.get(t);
                    let order =
                        shuffle.permutation((time - context_frames) as u64, truth.size()[0]);
                    mix(&truth, generated, &order, true_frames, sampling)
                }
            },
            _ => batch.images.get(t),
        };
        let step = network.step(&previous, &batch.actions.get(t), &state, &mut cells);
        generated = Some(step.image.shallow_clone());
        state = step.state.shallow_clone();
        each(time, step);
    }
}

/// A roll-out over T frames.
#[derive(Debug)]
pub struct Rollout {
    /// Context frames followed by predicted ones, `[T, B, C, H, W]`.
    pub frames: Tensor,
    /// Predicted states `[T − context_frames, B, S]`.
    pub states: Tensor,
}

/// Rolls the network out without gradient.
///
/// The network runs on the context to advance its cells; its predictions there are dropped.
/// With teacher forcing the network reads every true frame, but still its own states.
/// `batch.images` needs only the frames that are read and `batch.states` only the first state, since T is the
/// length of `batch.actions`.
pub fn rollout(
    network: &Network,
    batch: &Sequences,
    context_frames: usize,
    feedback: RolloutFeedback,
) -> Rollout {
    let read_frames = match feedback {
        RolloutFeedback::FreeRunning => context_frames,
        RolloutFeedback::TeacherForced => usize::MAX,
    };
    let mut frames: Vec<Tensor> = (0..).take(context_frames).map(|t| batch.images.get(t)).collect();
    let mut states = Vec::new();
    predict(network, batch, read_frames, |t, step| {
        if t + 1 >= context_frames {
            frames.push(step.image);
            states.push(step.state);
        }
    });
    Rollout { frames: Tensor::stack(&frames, 0), states: Tensor::stack(&states, 0) }
}

/// A predicted frame and its parts.
#[derive(Debug)]
pub struct Inspection {
    /// The predicted frame `[B, C, H, W]`.
    pub image: Tensor,
    /// Masks `[B, M + 1, H, W]`, the previous frame's first.
    pub masks: Tensor,
    /// Transformed frames `[B, C, H, W]`, in the order of the other masks.
    pub transformed: Vec<Tensor>,
    /// CDNA kernels `[B, M, 5, 5]`.
    pub kernels: Option<Tensor>,
}

/// Rolls the network out without gradient and returns the parts of each of the T − 1 predictions,
/// those within the context included.
pub fn inspect(network: &Network, batch: &Sequences, context_frames: usize) -> Vec<Inspection> {
    let mut inspections = Vec::new();
    predict(network, batch, context_frames, |_, step| {
        let NetworkStep { image, masks, transformed, .. } = step;
        let (transformed, kernels) = (transformed.images, transformed.kernels);
        inspections.push(Inspection { image, masks, transformed, kernels });
    });
    inspections
}

/// Unrolls without gradient, feeding back predictions after the context.
fn predict(
    network: &Network,
    batch: &Sequences,
    context_frames: usize,
    each: impl FnMut(usize, NetworkStep),
) {
    let feeding = Feeding { context_frames, feedback: ScheduledFeedback::Prediction };
    tch::no_grad(|| unroll(network, batch, feeding, &mut NoShuffle, each));
}

/// The identity permutation, for roll-outs without scheduled sampling.
#[derive(Clone, Copy, Debug)]
pub struct NoShuffle;

impl ShuffleSource for NoShuffle {
    fn permutation(&mut self, _: u64, batch: i64) -> Vec<i64> {
        (0..batch).collect()
    }
}
