//! Conditional VAE for video prediction (the original is a report on Deep Learning Lab 5), after SVG
//! (Denton & Fergus 2018, arXiv:1802.07687; edenton/svg at 3f19f0b).
//!
//! `x_t` is a frame, `x̂_t` its prediction, h its code, `z_t` the latent variable, `c_t` the
//! condition (action ⊕ position), `g_t` the predicted code; ⊕ is concatenation. A step in training:
//! ```text
//! h_t = enc(x_t)                          z_t ~ posterior(h_t)
//! h_{t−1}, skip = enc(x̂_{t−1})            g_t = predictor(c_{t−1} ⊕ h_{t−1} ⊕ z_t)
//! x̂_t = dec(g_t, skip)
//! ```
//! With teacher forcing x_{t−1} takes the place of x̂_{t−1}.
//!
//! Deviations of the original from SVG, which we keep: the output of the frame predictor has a
//! BatchNorm, the skip connections are refreshed at `t <= context_frames` (SVG: `<`), and teacher
//! forcing is decided once per optimizer step. Parameters have the original's names, so its
//! checkpoints load unchanged.
//!
//! Start from [`Cvae`]; [`training`] defines the objective, [`rollout`] the prediction.

pub mod fast;
pub mod gaussian_lstm;
mod init;
pub mod predictor;
pub mod rollout;
pub mod training;
pub mod vgg;

use crate::nn::params::Builder;
use reprise_base::config::model::{CvaeSpec, cvae::Prior};

pub use gaussian_lstm::{GaussianLstm, GaussianLstmSizes};
pub use predictor::{FramePredictor, FramePredictorSizes};
pub use vgg::{VggDecoder, VggEncoder, VggSizes};

/// Sizes of the model that the data decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CvaeDataSizes {
    /// Height and width of a frame, one of [`vgg::VGG_SIDES`]: 64 in the original.
    pub side: i64,
    /// Channels of a frame: 3 in the original.
    pub channels: i64,
    /// Length of action ⊕ position; 0 if the data have neither.
    pub condition_size: i64,
}

/// The modules of the conditional VAE, in the order of the original's optimizer.
#[derive(Debug)]
pub struct Cvae {
    pub frame_predictor: FramePredictor,
    /// `q(z_t | x_{1:t})`.
    pub posterior: GaussianLstm,
    /// `p(z_t | x_{1:t−1})`; N(0, I) if absent.
    pub prior: Option<GaussianLstm>,
    pub encoder: VggEncoder,
    pub decoder: VggDecoder,
}

impl Cvae {
    /// Creates all modules.
    pub fn new(builder: &Builder, spec: &CvaeSpec, data: CvaeDataSizes) -> Self {
        let CvaeDataSizes { side, channels, condition_size } = data;
        let (g, z, rnn) = (spec.g_dim.size(), spec.z_dim.size(), spec.rnn_size.size());
        let vgg = VggSizes { side, channels, width: spec.width.size(), g_dim: g };
        let gaussian = |name: &str, layers: i64| {
            GaussianLstm::new(
                &builder.module(name),
                GaussianLstmSizes { inputs: g, z, rnn, layers },
            )
        };
        Self {
            frame_predictor: FramePredictor::new(
                &builder.module("frame_predictor"),
                FramePredictorSizes {
                    inputs: condition_size + g + z,
                    outputs: g,
                    rnn,
                    layers: spec.predictor_layers.size(),
                    recurrence: spec.predictor_recurrence,
                },
            ),
            posterior: gaussian("posterior", spec.posterior_layers.size()),
            prior: match spec.prior {
                Prior::Fixed => None,
                Prior::Learned { layers } => Some(gaussian("prior", layers.size())),
            },
            encoder: VggEncoder::new(&builder.module("encoder"), vgg),
            decoder: VggDecoder::new(&builder.module("decoder"), vgg, spec.skip),
        }
    }
}
