//! Training steps: prediction and gradients of the first, losses of all, parameters after the last.

use super::load::LoadedConvLstm;
use crate::{
    integer, number, renamed,
    torch::{Capture, Placement, input},
    unsupported,
};
use reprise_base::{
    config::optim::AdamSpec,
    scalar::{Count, DecayRate},
};
use reprise_golden::{Case, OutputSpec, Outputs, PortError};
use reprise_torch::{
    models::convlstm::training::{FrameSplit, objective},
    optim::AdamOptimizer,
};

pub(super) fn run(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let LoadedConvLstm { model, mut params, to_case } = LoadedConvLstm::new(case, place)?;
    let horizon = FrameSplit {
        context_frames: integer::<Count>(case, "n_steps_past")?.size(),
        predicted_frames: integer::<Count>(case, "n_steps_ahead")?.size(),
    };
    let steps = case.config.usize("steps")?;
    let mut optimizer = AdamOptimizer::new(adam(case)?, &params);
    let mut capture = Capture::default();
    let mut losses = Vec::new();
    // Some cases also have the loss after the last step.
    let wanted = case.output_spec("losses").map_or(0, OutputSpec::len);
    for step in 0..=steps {
        if step == steps && wanted <= steps {
            break;
        }
        // [B, T, H, W, 1] as the data set gives it.
        let frames = input(case, &batch_name(case, step), place)?;
        let &[.., 1] = frames.size().as_slice() else {
            return Err(unsupported(case, "frames of more than one channel in training"));
        };
        params.zero_grad();
        let objective = objective(&model, &frames.permute([0, 1, 4, 2, 3]), horizon);
        losses.push(objective.loss.double_value(&[]));
        if step == steps {
            break;
        }
        objective.loss.backward();
        if step == 0 {
            capture.tensor("y_hat", &objective.prediction);
            renamed::gradients(&mut capture, &params, to_case);
        }
        optimizer.step(&params);
    }
    renamed::after(&mut capture, &params, to_case);
    losses.truncate(wanted);
    capture.vector(case, "losses", losses, place.precision);
    Ok(capture.finish())
}

/// The batch of a step: its own, where the case has several.
fn batch_name(case: &Case, step: usize) -> String {
    let own = format!("batch/{step}");
    if case.tensor_spec(&own).is_some() { own } else { "batch".to_owned() }
}

fn adam(case: &Case) -> Result<AdamSpec, PortError> {
    let given = |key: &str| case.config.contains(key);
    let defaults = AdamSpec::default();
    Ok(AdamSpec {
        learning_rate: number(case, "lr")?,
        beta1: if given("beta_1") { number(case, "beta_1")? } else { defaults.beta1 },
        beta2: if given("beta_2") { number(case, "beta_2")? } else { default_beta2() },
        epsilon: if given("adam_eps") { number(case, "adam_eps")? } else { defaults.epsilon },
        ..defaults
    })
}

/// Default of `--beta_2` in the original.
fn default_beta2() -> DecayRate {
    DecayRate::try_from(0.98).expect("the literal is in [0, 1)")
}
