//! Motion codes: the part of the latent code that changes from frame to frame.

use tch::{Kind, Tensor};

use crate::{
    config::model::mocogan::Motion,
    models::{ChoicePurpose, IndexChoice, NoisePurpose, RandomSource},
    nn::{Mode, gru::GruCell, lstm::RepeatedInputLstm, params::Path},
};

/// What makes the motion codes of a video.
#[derive(Debug)]
pub enum MotionNetwork {
    /// MoCoGAN's recurrent cell (`recurrent`).
    Gru {
        /// The cell; its hidden state is the motion code.
        cell: GruCell,
        /// Length of a motion code.
        size: i64,
    },
    /// The document's layer (`lstm`).
    Lstm {
        /// The layer.
        layer: RepeatedInputLstm,
        /// Length of a motion code.
        size: i64,
        /// Frames of motion of which the video is cut.
        frames: i64,
    },
}

/// Returns the name of the module that makes motion.
pub(super) const fn module(motion: &Motion) -> &'static str {
    match motion {
        Motion::Gru => "recurrent",
        Motion::Lstm { .. } => "lstm",
    }
}

impl MotionNetwork {
    /// Makes the network; a motion code has `size` elements.
    pub fn new(path: &Path<'_>, motion: &Motion, size: i64) -> Self {
        match motion {
            Motion::Gru => Self::Gru { cell: GruCell::new(path, size, size), size },
            Motion::Lstm { hidden_size, forget_bias, frames } => {
                let hidden = hidden_size.size();
                let layer = RepeatedInputLstm::new(path, size, hidden, forget_bias.get());
                Self::Lstm { layer, size, frames: frames.size() }
            }
        }
    }

    /// Makes the motion of `samples` videos of `frames` frames: `[N, T, motion]`.
    ///
    /// ```text
    /// GRU    h_0 ~ N(0, I), e_t ~ N(0, I):  h_t = cell(e_t, h_{t-1}),  z_t = h_t
    /// LSTM   e ~ N(0, I):  z = layer(e) over F frames, of which T are taken from a random start
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
                let shape = [samples, *size];
                let mut h = random.standard_normal(NoisePurpose::MotionStart, 0, &shape, like);
                let mut codes = Vec::new();
                for t in 0..frames.unsigned_abs() {
                    let e = random.standard_normal(NoisePurpose::Motion, t, &shape, like);
                    h = cell.step(&e, &h);
                    codes.push(h.shallow_clone());
                }
                Tensor::stack(&codes, 1)
            }
            Self::Lstm { layer, size, frames: unrolled } => {
                let shape = [samples, *size];
                let e = random.standard_normal(NoisePurpose::Motion, 0, &shape, like);
                let mut state = layer.zero_state(&e);
                let codes = layer.forward(&e, *unrolled, &mut state, mode); // [F, N, motion]
                // `randint(0, F - (T + 1))`: the last two starts are never drawn.
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

    /// Joins the parts of a latent code, `[R, …]` each, in the original's order.
    pub(super) fn join(
        &self,
        content: &Tensor,
        category: Option<&Tensor>,
        motion: &Tensor,
    ) -> Tensor {
        let parts = match (self, category) {
            (Self::Gru { .. }, Some(category)) => vec![content, category, motion],
            (Self::Gru { .. }, None) => vec![content, motion],
            // The document has no categories; ours stand last.
            (Self::Lstm { .. }, Some(category)) => vec![motion, content, category],
            (Self::Lstm { .. }, None) => vec![motion, content],
        };
        Tensor::cat(&parts, 1)
    }
}

/// Repeats each row of `[N, D]` for every frame: `[N·T, D]`, video by video.
pub(super) fn at_every_frame(rows: &Tensor, frames: i64) -> Tensor {
    rows.repeat_interleave_self_int(frames, 0, None)
}

/// Turns categories `[N]` into indicator vectors `[N, K]` in the kind of `like`.
pub(super) fn one_hot(categories: &Tensor, count: i64, like: &Tensor) -> Tensor {
    debug_assert_eq!(categories.kind(), Kind::Int64, "categories are indices");
    categories.one_hot(count).to_kind(like.kind())
}
