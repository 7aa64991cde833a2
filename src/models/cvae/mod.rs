//! Conditional VAE for video prediction (seed document 001), after SVG
//! (Denton & Fergus 2018, arXiv:1802.07687; edenton/svg at 3f19f0b).
//!
//! ```text
//! h_t = enc(x_t)                          z_t ~ posterior(h_t)
//! h_{t-1}, skip = enc(x̂_{t-1})            g_t = predictor(cond_{t-1} ⊕ h_{t-1} ⊕ z_t)
//! x̂_t = dec(g_t, skip)
//! ```
//!
//! Deviations of the document from SVG, all kept: the frame predictor's output has a BatchNorm, the
//! skip is refreshed at `t <= context_frames` (SVG: `<`), and teacher forcing is one coin a step.
//! Parameter names are the document's, module by module, so its checkpoints load unchanged.
//!
//! [`Cvae`] is the type to start from; [`training`] holds the objective, [`rollout`] prediction.

pub mod fast;
pub mod gaussian_lstm;
pub mod predictor;
pub mod rollout;
pub mod training;
pub mod vgg;

use crate::{
    config::model::{CvaeSpec, cvae::Prior},
    nn::{init::Init, layers::AffineInit, params::Builder},
};

pub use gaussian_lstm::GaussianLstm;
pub use predictor::FramePredictor;
pub use vgg::{VggDecoder, VggEncoder};

/// Convolutions and linear layers start at N(0, 0.02), biases at 0 (SVG `utils.py:init_weights`).
const AFFINE_INIT: AffineInit =
    AffineInit { weight: Init::Normal { mean: 0.0, std: 0.02 }, bias: Init::Constant(0.0) };

/// BatchNorm starts at γ ~ N(1, 0.02), β = 0 (SVG `utils.py:init_weights`).
const BATCH_NORM_INIT: AffineInit =
    AffineInit { weight: Init::Normal { mean: 1.0, std: 0.02 }, bias: Init::Constant(0.0) };

/// The modules of the conditional VAE, in the order in which the document's optimizer lists them.
#[derive(Debug)]
pub struct Cvae {
    /// Predicts the code of the next frame.
    pub frame_predictor: FramePredictor,
    /// `q(z_t | x_{1:t})`.
    pub posterior: GaussianLstm,
    /// `p(z_t | x_{1:t-1})`, where it is learned.
    pub prior: Option<GaussianLstm>,
    /// Encodes a frame.
    pub encoder: VggEncoder,
    /// Decodes a code with skip connections.
    pub decoder: VggDecoder,
}

impl Cvae {
    /// Makes all modules; `condition_size` is the length of action ⊕ position.
    pub fn new(builder: &Builder, spec: &CvaeSpec, condition_size: i64) -> Self {
        let (g, z, rnn) = (spec.g_dim.size(), spec.z_dim.size(), spec.rnn_size.size());
        let gaussian = |name: &str, layers: i64| {
            GaussianLstm::new(
                &builder.module(name),
                gaussian_lstm::GaussianLstmSizes { inputs: g, z, rnn, layers },
            )
        };
        Self {
            frame_predictor: FramePredictor::new(
                &builder.module("frame_predictor"),
                predictor::FramePredictorSizes {
                    inputs: condition_size + g + z,
                    outputs: g,
                    rnn,
                    layers: spec.predictor_layers.size(),
                },
            ),
            posterior: gaussian("posterior", spec.posterior_layers.size()),
            prior: match spec.prior {
                Prior::Fixed => None,
                Prior::Learned { layers } => Some(gaussian("prior", layers.size())),
            },
            encoder: VggEncoder::new(&builder.module("encoder"), spec.width.size(), g),
            decoder: VggDecoder::new(&builder.module("decoder"), spec.width.size(), g),
        }
    }
}
