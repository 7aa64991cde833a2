//! Training steps: losses, intermediates, gradients and the state after.

use super::load::{LoadedCvae, load};
use crate::{
    number, refused,
    torch::{Capture, Placement, RecordedNoise, input},
    unsupported,
};
use reprise_base::config::optim::AdamSpec;
use reprise_golden::{Case, Outputs, PortError};
use reprise_torch::{
    models::cvae::training::{ConditionedBatch, CvaeObjective, Feedback, objective},
    optim::AdamOptimizer,
};

pub(super) fn run(case: &Case, place: Placement) -> Result<Outputs, PortError> {
    let mut loaded = load(case, place)?;
    let mut optimizer = AdamOptimizer::new(adam(case)?, &loaded.params);
    let betas = case.config.f64s("beta_per_step")?;
    let frames = loaded.frames as f64;
    let (mut loss, mut mse, mut kld) = (Vec::new(), Vec::new(), Vec::new());
    let mut capture = Capture::default();
    let steps = case.config.usize("steps")?;
    if betas.len() != steps {
        return Err(unsupported(case, format!("{steps} steps with {} KL weights", betas.len())));
    }
    for (step, &beta) in betas.iter().enumerate() {
        let feedback =
            if teacher_forced(case, step)? { Feedback::TrueFrame } else { Feedback::Prediction };
        let names = StepNames { data: "", noise: "", step };
        let (objective, total) = update(case, place, &mut loaded, names, feedback, beta)?;
        loss.push(total.double_value(&[]) / frames);
        mse.push(objective.mse.double_value(&[]) / frames);
        kld.push(objective.kld.double_value(&[]) / frames);
        trace(&mut capture, &objective);
        capture.gradients(&loaded.params);
        optimizer.step(&loaded.params);
    }
    capture.after(&loaded.params);
    for (name, values) in [("loss", loss), ("mse", mse), ("kld", kld)] {
        capture.vector(case, name, values, place.precision);
    }
    Ok(capture.finish())
}

/// Takes the training steps that precede a prediction.
pub(super) fn warm_up(
    case: &Case,
    place: Placement,
    loaded: &mut LoadedCvae,
) -> Result<(), PortError> {
    let mut optimizer = AdamOptimizer::new(adam(case)?, &loaded.params);
    for step in 0..case.config.usize("warm_steps")? {
        let names = StepNames { data: "warm/", noise: "warm/", step };
        let (_objective, _loss) =
            update(case, place, loaded, names, Feedback::TrueFrame, WARM_BETA)?;
        optimizer.step(&loaded.params);
    }
    Ok(())
}

/// KL weight of warm-up steps; cases state it in words (`origin.changes`: teacher forcing on, beta 1).
const WARM_BETA: f64 = 1.0;

/// Prefixes of the names of a step's tensors.
#[derive(Clone, Copy)]
struct StepNames {
    data: &'static str,
    noise: &'static str,
    step: usize,
}

fn update(
    case: &Case,
    place: Placement,
    loaded: &mut LoadedCvae,
    names: StepNames,
    feedback: Feedback,
    beta: f64,
) -> Result<(CvaeObjective, tch::Tensor), PortError> {
    let StepNames { data, noise, step } = names;
    let batch = ConditionedBatch {
        frames: input(case, &format!("{data}x/{step}"), place)?.permute([1, 0, 2, 3, 4]),
        condition: input(case, &format!("{data}cond/{step}"), place)?.permute([1, 0, 2]),
    };
    let mut recorded = RecordedNoise::training(case, place, format!("{noise}noise/{step}"));
    recorded.check(u64::try_from(loaded.frames - 1).map_err(refused)?)?;
    loaded.params.zero_grad();
    let objective = objective(&loaded.model, &batch, feedback, loaded.skips, &mut recorded);
    let loss = objective.loss(beta);
    loss.backward();
    Ok((objective, loss))
}

/// Captures the outputs of every module in the order in which the original calls them.
fn trace(capture: &mut Capture, objective: &CvaeObjective) {
    for (t, step) in (1..).zip(&objective.steps) {
        capture.tensor(format!("h/{}", 2 * t - 1), &step.h_target);
        capture.tensor(format!("posterior/z/{t}"), &step.z);
        capture.tensor(format!("posterior/mu/{t}"), &step.posterior.mu);
        capture.tensor(format!("posterior/logvar/{t}"), &step.posterior.logvar);
        capture.tensor(format!("h/{}", 2 * t), &step.h_input);
        if let Some((prior, z)) = &step.prior {
            capture.tensor(format!("prior/z/{t}"), z);
            capture.tensor(format!("prior/mu/{t}"), &prior.mu);
            capture.tensor(format!("prior/logvar/{t}"), &prior.logvar);
        }
        capture.tensor(format!("g/{t}"), &step.g);
        capture.tensor(format!("prediction/{t}"), &step.prediction);
    }
}

fn adam(case: &Case) -> Result<AdamSpec, PortError> {
    let spec = AdamSpec {
        learning_rate: number(case, "lr")?,
        beta1: number(case, "beta1")?,
        ..AdamSpec::default()
    };
    if !case.config.contains("adam_beta2") {
        return Ok(spec);
    }
    Ok(AdamSpec { beta2: number(case, "adam_beta2")?, epsilon: number(case, "adam_eps")?, ..spec })
}

/// Returns whether a step uses teacher forcing, by the original's `random()`.
pub(super) fn teacher_forced(case: &Case, step: usize) -> Result<bool, PortError> {
    let coins = case.tensor("coin")?.data.to_f64();
    let ratios = case.config.f64s("tfr_per_step")?;
    match (coins.get(step), ratios.get(step)) {
        (Some(coin), Some(ratio)) => Ok(coin < ratio),
        _ => Err(unsupported(case, format!("step {step} without a coin and a ratio"))),
    }
}
