//! Motion codes, the part of the latent code that differs between frames.

use tch::{Kind, Tensor};

use crate::{
    models::{ChoicePurpose, IndexChoice, NoisePurpose, RandomSource},
    nn::{
        Mode,
        gru::GruCell,
        layers::{LstmCell, LstmState},
        lstm::RepeatedInputLstm,
        params::Path,
    },
};
use reprise_base::config::model::mocogan::Motion;

/// The network that computes motion codes; `size` is the length of a code.
#[derive(Debug)]
pub enum MotionNetwork {
    /// MoCoGAN's cell (`recurrent`), whose hidden state is the motion code.
    Gru { cell: GruCell, size: i64 },
    /// An LSTM cell in its place, whose hidden state is the motion code.
    LstmCell { cell: LstmCell, size: i64 },
    /// The assignment's layer (`lstm`). It computes `frames` codes, of which those of the video are
    /// cut.
    Lstm { layer: RepeatedInputLstm, size: i64, frames: i64 },
}

/// Returns the name of the motion network's module.
pub(super) const fn module(motion: &Motion) -> &'static str {
    match motion {
        Motion::Gru | Motion::LstmCell => "recurrent",
        Motion::Lstm { .. } => "lstm",
    }
}

impl MotionNetwork {
    /// Creates the network; a motion code has `size` elements.
    pub fn new(path: &Path<'_>, motion: &Motion, size: i64) -> Self {
        match motion {
            Motion::Gru => Self::Gru { cell: GruCell::new(path, size, size), size },
            Motion::LstmCell => Self::LstmCell { cell: LstmCell::new(path, size, size), size },
            Motion::Lstm { hidden_size, forget_bias, frames } => {
                let hidden = hidden_size.size();
                let layer = RepeatedInputLstm::new(path, size, hidden, forget_bias.get());
                Self::Lstm { layer, size, frames: frames.size() }
            }
        }
    }

    /// Returns the largest number of frames of a video, if there is one.
    pub(super) const fn frames_max(&self) -> Option<i64> {
        match self {
            Self::Gru { .. } | Self::LstmCell { .. } => None,
            // One start must be possible; see `sample`.
            Self::Lstm { frames, .. } => Some(*frames - 2),
        }
    }

    /// Computes motion codes z of N = `samples` videos of T = `frames` frames: `[N, T, motion]`.
    ///
    /// ```text
    /// GRU         h_0 ~ N(0, I), e_t ~ N(0, I):  h_t = cell(e_t, h_{t−1}),  z_t = h_t
    /// LSTM cell   the same, and c_0 = 0:  h_t, c_t = cell(e_t, h_{t−1}, c_{t−1}),  z_t = h_t
    /// LSTM        e ~ N(0, I):  z = layer(e) over F frames, of which T are taken from a random start
    /// ```
    pub fn sample(
        &self,
        samples: i64,
        frames: i64,
        mode: Mode,
        like: &Tensor,
        random: &mut dyn RandomSource,
    ) -> Tensor {
        match self {
            Self::Gru { cell, size } => {
                let (mut h, noise) = drawn([samples, *size], frames, like, random);
                let codes = noise.iter().map(|e| {
                    h = cell.step(e, &h);
                    h.shallow_clone()
                });
                Tensor::stack(&codes.collect::<Vec<_>>(), 1)
            }
            Self::LstmCell { cell, size } => {
                let (h, noise) = drawn([samples, *size], frames, like, random);
                let mut state = LstmState { c: h.zeros_like(), h };
                let codes = noise.iter().map(|e| {
                    state = cell.step(e, &state);
                    state.h.shallow_clone()
                });
                Tensor::stack(&codes.collect::<Vec<_>>(), 1)
            }
            Self::Lstm { layer, size, frames: unrolled } => {
                let shape = [samples, *size];
                let e = random.standard_normal(NoisePurpose::Motion, 0, &shape, like);
                let mut state = layer.zero_state(&e);
                let codes = layer.forward(&e, *unrolled, &mut state, mode); // [F, N, motion]
                // The original's `randint(0, F - (T + 1))` never draws the last two possible starts.
                let below = unrolled - (frames + 1);
                let start = random
                    .choose(ChoicePurpose::Start, IndexChoice::Independent { count: 1, below })
                    .first()
                    .copied()
                    .unwrap_or(0);
                codes.transpose(1, 0).narrow(1, start, frames)
            }
        }
    }

    /// Concatenates the parts of a latent code, `[R, …]` each, in the original's order.
    pub(super) fn join(
        &self,
        content: &Tensor,
        category: Option<&Tensor>,
        motion: &Tensor,
    ) -> Tensor {
        let parts = match (self, category) {
            (Self::Gru { .. } | Self::LstmCell { .. }, Some(category)) => {
                vec![content, category, motion]
            }
            (Self::Gru { .. } | Self::LstmCell { .. }, None) => vec![content, motion],
            // The assignment has no categories; we append them.
            (Self::Lstm { .. }, Some(category)) => vec![motion, content, category],
            (Self::Lstm { .. }, None) => vec![motion, content],
        };
        Tensor::cat(&parts, 1)
    }
}

/// Draws the first hidden state and the noise of every frame, `shape` each.
fn drawn(
    shape: [i64; 2],
    frames: i64,
    like: &Tensor,
    random: &mut dyn RandomSource,
) -> (Tensor, Vec<Tensor>) {
    let start = random.standard_normal(NoisePurpose::MotionStart, 0, &shape, like);
    let frames = frames.unsigned_abs();
    (start, random.standard_normals(NoisePurpose::Motion, frames, &shape, like))
}

/// Repeats each row of `[N, D]` for every frame: `[N·T, D]`, video by video.
pub(super) fn at_every_frame(rows: &Tensor, frames: i64) -> Tensor {
    rows.repeat_interleave_self_int(frames, 0, None)
}

/// Encodes categories `[N]` as one-hot vectors `[N, K]` with the kind of `like`.
pub(super) fn one_hot(categories: &Tensor, count: i64, like: &Tensor) -> Tensor {
    debug_assert_eq!(categories.kind(), Kind::Int64, "categories are indices");
    categories.one_hot(count).to_kind(like.kind())
}
