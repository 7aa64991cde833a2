//! The conditional VAE with the sizes and values of a case.

use crate::torch::Placement;
use crate::{integer, torch};
use reprise_base::config::model::{
    CvaeSpec,
    cvae::{Prior, SkipRule},
};
use reprise_golden::{Case, PortError};
use reprise_torch::{
    models::cvae::{Cvae, CvaeDataSizes, training::SkipPolicy},
    nn::params::Params,
};

/// A model with the case's sizes and values.
pub(super) struct LoadedCvae {
    pub(super) model: Cvae,
    pub(super) params: Params,
    pub(super) skips: SkipPolicy,
    /// Context and horizon.
    pub(super) frames: i64,
}

pub(super) fn load(case: &Case, place: Placement) -> Result<LoadedCvae, PortError> {
    let learned = case.tensor_spec("prior.embed.weight").is_some();
    let config = &case.config;
    let has = |key: &str| config.contains(key);
    let prior_layers =
        if has("prior_rnn_layers") { "prior_rnn_layers" } else { "posterior_rnn_layers" };
    let spec = CvaeSpec {
        context_frames: integer(case, "n_past")?,
        horizon: integer(case, "n_future")?,
        width: integer(case, "width")?,
        g_dim: integer(case, "g_dim")?,
        z_dim: integer(case, "z_dim")?,
        rnn_size: integer(case, "rnn_size")?,
        predictor_layers: integer(case, "predictor_rnn_layers")?,
        posterior_layers: integer(case, "posterior_rnn_layers")?,
        prior: if learned {
            Prior::Learned { layers: integer(case, prior_layers)? }
        } else {
            Prior::Fixed
        },
        skip: if has("skip_connections") && !config.bool("skip_connections")? {
            SkipRule::None
        } else if config.bool("last_frame_skip")? {
            SkipRule::LastFrame
        } else {
            SkipRule::LastGroundTruth
        },
        ..CvaeSpec::default()
    };
    // Cases of the original have neither key: it knows VGG-64 with skip connections alone.
    let side = if has("side") { config.i64("side")? } else { 64 };
    let builder = torch::builder(place);
    let model = Cvae::new(
        &builder,
        &spec,
        CvaeDataSizes { side, channels: 3, condition_size: config.i64("cond_dim")? },
    );
    let mut params = builder.finish();
    torch::load(case, &mut params, place)?;
    let context_frames = spec.context_frames.size();
    Ok(LoadedCvae {
        model,
        params,
        skips: SkipPolicy { rule: spec.skip, context_frames },
        frames: context_frames + spec.horizon.size(),
    })
}
