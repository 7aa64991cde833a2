//! System `cvae`: the document's modules, its training step and its prediction.
//!
//! What a case asks for is read from its settings and outputs, never from its name, so cases that
//! nobody here has seen run as well.

mod component;
mod isolated;
mod rollout;
mod training;

use super::integer;
use crate::{
    config::model::{
        CvaeSpec,
        cvae::{Prior, SkipRule},
    },
    golden::{Case, Outputs, Port, PortError, Precision},
    models::cvae::{Cvae, training::SkipPolicy},
    nn::params::Params,
};

/// The conditional VAE.
pub(super) struct CvaePort;

impl Port for CvaePort {
    fn serves(&self, system: &str) -> bool {
        system == "cvae"
    }

    fn run(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        if case.config.contains("warm_steps") {
            rollout::run(case, precision)
        } else if case.config.contains("kl_anneal_idx_at_start") {
            training::run(case, precision)
        } else {
            component::run(case, precision)
        }
    }

    fn run_isolated(&self, case: &Case, precision: Precision) -> Result<Outputs, PortError> {
        if case.output_spec("h/1").is_some() {
            isolated::run(case, precision)
        } else {
            Ok(Outputs::new())
        }
    }
}

/// A model with the case's sizes and values.
struct Loaded {
    model: Cvae,
    params: Params,
    skips: SkipPolicy,
    frames: i64,
}

fn load(case: &Case, precision: Precision) -> Result<Loaded, PortError> {
    let learned = case.tensor_spec("prior.embed.weight").is_some();
    let config = &case.config;
    let prior_layers = if config.contains("prior_rnn_layers") {
        "prior_rnn_layers"
    } else {
        "posterior_rnn_layers"
    };
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
        skip: if config.bool("last_frame_skip")? {
            SkipRule::LastFrame
        } else {
            SkipRule::LastGroundTruth
        },
        ..CvaeSpec::default()
    };
    let builder = super::torch::builder(precision);
    let model = Cvae::new(&builder, &spec, config.i64("cond_dim")?);
    let mut params = builder.finish();
    super::torch::load(case, &mut params, precision)?;
    let context_frames = spec.context_frames.size();
    Ok(Loaded {
        model,
        params,
        skips: SkipPolicy { rule: spec.skip, context_frames },
        frames: context_frames + spec.horizon.size(),
    })
}
