//! The first steps of a run, taken without writing any file: its canary, the batch that fits, its noise.

use tch::Tensor;

use super::{
    error::TrainError,
    state::TrainState,
    system::{At, Scalars, System},
    systems::build,
    updates::Updates,
};
use reprise_base::{
    config::RunSpec,
    rng::streams::Stream,
    scalar::{Epoch, Seed, Step},
};
use reprise_data::Pack;
use reprise_store::store::{
    diff::{MeasuredNoise, StepScalars},
    tensors::{StoredTensor, state_digest},
};

/// Steps before the canary digest.
pub(super) const CANARY_STEPS: u64 = 2;
/// Runs with moved parameters that measure noise.
const NOISE_RUNS: u64 = 4;

/// Takes the first steps of a run without writing any file and returns the digest after them, or
/// `None` if they diverge.
///
/// # Errors
/// If the training split cannot be put in order or the initial weights do not fit the model.
pub fn canary(
    spec: &RunSpec,
    pack: &Pack,
    initial: Option<&[StoredTensor]>,
    device: tch::Device,
) -> Result<Option<String>, TrainError> {
    let steps = CANARY_STEPS.min(spec.training.total_steps());
    let mut system = begin(spec, pack, initial, device)?;
    let taken = take_first_steps(&mut *system, spec, pack, device, steps)?;
    let is_whole = taken.len() as u64 == steps;
    Ok(is_whole.then(|| state_digest(&system.state().model_tensors())))
}

/// Repeats the first steps of a run without writing any file: once as it is, and several times with parameters that
/// are moved before every step by as much as rounding moves a sum of as many terms. A run that diverges ends early.
///
/// Only the watched series is returned. A loss is a sum of terms of one sign, so its own rounding is small. Other
/// series can be differences of nearly equal numbers, whose rounding moved parameters do not show.
///
/// # Errors
/// As [`canary`].
pub fn measure_noise(
    spec: &RunSpec,
    pack: &Pack,
    initial: Option<&[StoredTensor]>,
    device: tch::Device,
    steps: u64,
) -> Result<MeasuredNoise, TrainError> {
    let steps = steps.min(spec.training.total_steps());
    let repeat = |draw: Option<u64>| {
        let mut system = begin(spec, pack, initial, device)?;
        let mut before = |system: &mut dyn System, step: Step| {
            if let Some(draw) = draw {
                move_parameters(system.state_mut(), draw, step);
            }
        };
        let taken = steps_after(&mut *system, spec, pack, device, steps, &mut before)?;
        let watched = system.watched_series();
        let loss = |scalars: Scalars| [(watched.as_str().to_owned(), scalars[&watched])].into();
        Ok::<Vec<StepScalars>, TrainError>(taken.into_iter().map(loss).collect())
    };
    let moved = (0..NOISE_RUNS).map(|draw| repeat(Some(draw)));
    Ok(MeasuredNoise { base: repeat(None)?, moved: moved.collect::<Result<_, _>>()? })
}

/// Multiplies every parameter by 1 + √n u or 1 - √n u, where u is the unit in the last place of f32 and n the number
/// of terms of a sum in which the parameter is a factor. The rounding of such a sum is about √n u (Higham & Mary 2019,
/// doi:10.1137/18M1226312).
fn move_parameters(state: &mut TrainState, draw: u64, step: Step) {
    tch::no_grad(|| {
        for entry in state.params.trained() {
            let mut signs = Stream::new(Seed(draw), &format!("moved/{}", entry.name)).at(step.0);
            let outputs = entry.tensor.size().first().map_or(1, |&outputs| outputs.max(1));
            let terms = entry.tensor.numel() as f32 / outputs as f32;
            let unit = terms.sqrt() * f32::EPSILON;
            let factor = |up: bool| if up { 1.0 + unit } else { 1.0 - unit };
            let factors: Vec<f32> = (0..entry.tensor.numel())
                .map(|_| factor(signs.next_u64().is_multiple_of(2)))
                .collect();
            let factors = Tensor::from_slice(&factors).to_device(entry.tensor.device());
            drop(entry.tensor.shallow_clone().g_mul_(&factors.view_as(&entry.tensor)));
        }
    });
}

/// Takes the first steps of a run and returns their scalars, up to the first that diverges.
pub(super) fn take_first_steps(
    system: &mut dyn System,
    spec: &RunSpec,
    pack: &Pack,
    device: tch::Device,
    steps: u64,
) -> Result<Vec<Scalars>, TrainError> {
    steps_after(system, spec, pack, device, steps, &mut |_, _| {})
}

/// Takes the first steps of a run, each after a change.
fn steps_after(
    system: &mut dyn System,
    spec: &RunSpec,
    pack: &Pack,
    device: tch::Device,
    steps: u64,
    before: &mut dyn FnMut(&mut dyn System, Step),
) -> Result<Vec<Scalars>, TrainError> {
    let mut taken = Vec::new();
    for (step, update) in (0..).zip(Updates::new(spec, pack, device)?.first(steps)) {
        let epoch = Epoch(step / spec.training.steps_per_epoch.get());
        before(system, Step(step));
        match system.take_step(&update.examples(), At::update(Step(step), epoch)) {
            Ok(scalars) => taken.push(scalars),
            Err(_) => break,
        }
    }
    Ok(taken)
}

/// Builds the system of a run with its initial weights, drawn or imported.
pub(super) fn begin(
    spec: &RunSpec,
    pack: &Pack,
    initial: Option<&[StoredTensor]>,
    device: tch::Device,
) -> Result<Box<dyn System>, TrainError> {
    let mut system = build(spec, pack, device);
    if let Some(weights) = initial {
        system.state_mut().load_model(weights)?;
    }
    Ok(system)
}
