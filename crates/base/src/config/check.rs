//! Refuses runs whose settings contradict each other.
//!
//! The rules; [`Contradiction`] holds the messages.

use super::{
    Contradiction, RunSpec,
    data::{Content, DataSpec, Dataset, Sampler},
    digits::DIGIT_SIDE,
    engine::{Arithmetic, Device, EngineSpec},
    model::{
        ConvLstmSpec, CvaeSpec, MocoganSpec, ModelSpec, PhysicalInteractionSpec, SystemFacts,
        convlstm::Connections,
    },
    optim::{
        AdamForm, AdamSpec, GradientDescentForm, GradientDescentSpec, MomentumKind, OptimizerSpec,
        WeightDecay,
    },
    training::TrainingSpec,
};
use crate::schedule::{KlWeight, TeacherForcing, WarmUp};

impl RunSpec {
    /// Checks that no settings contradict each other.
    ///
    /// # Errors
    /// Returns the first contradiction.
    pub fn check(&self) -> Result<(), Contradiction> {
        if self.continue_from.is_some() && self.initial_weights.is_some() {
            return Err(Contradiction::TwoBeginnings);
        }
        check_arithmetic(self.model.facts(), self.engine.arithmetic)?;
        check_content(&self.model, &self.data)?;
        check_sampler(&self.model, &self.data)?;
        check_seed(self)?;
        check_devices(&self.model, &self.engine, &self.training)?;
        check_frames(self)?;
        check_scene(&self.data.dataset)?;
        check_optimizer(&self.optimizer)?;
        check_warm_up(&self.training)?;
        match &self.model {
            ModelSpec::Cvae(model) => {
                check_batch(&self.training)?;
                check_teacher_forcing(model, &self.training)?;
                check_kl_weight(model, &self.training)
            }
            ModelSpec::PhysicalInteraction(model) => check_port(model, &self.optimizer),
            ModelSpec::ConvLstm(model) => check_kernel(model),
            ModelSpec::Rcn(_) => Ok(()),
            ModelSpec::Mocogan(model) => check_mocogan(model, &self.optimizer, &self.training),
        }
    }
}

fn check_arithmetic(model: &dyn SystemFacts, arithmetic: Arithmetic) -> Result<(), Contradiction> {
    if model.arithmetics().contains(&arithmetic) {
        Ok(())
    } else {
        Err(Contradiction::NoSuchArithmetic { system: model.system(), arithmetic })
    }
}

fn check_content(model: &ModelSpec, data: &DataSpec) -> Result<(), Contradiction> {
    let needed = model.facts().content();
    if data.dataset.content() == needed {
        return Ok(());
    }
    let needs = match needed {
        Content::Frames => "sequences of frames",
        Content::Keypoints => "keypoints",
    };
    let (system, dataset) = (model.system(), data.dataset.name());
    Err(Contradiction::ContentMissing { system, needs, dataset })
}

/// `minibatches` is the order of rcn's original; `original` needs sequences of frames, `fresh` a system that reads no
/// others than those of its batch, and digits.
fn check_sampler(model: &ModelSpec, data: &DataSpec) -> Result<(), Contradiction> {
    let sampler = data.sampler;
    let supported = match sampler {
        Sampler::EpochPermutation => true,
        Sampler::Original { .. } => model.facts().content() == Content::Frames,
        Sampler::Minibatches => model.facts().content() == Content::Keypoints,
        Sampler::Fresh => model.frames_used().is_some(),
    };
    if sampler == Sampler::Fresh && supported && data.dataset.scene().is_none() {
        return Err(Contradiction::NothingToDraw { dataset: data.dataset.name() });
    }
    if supported {
        Ok(())
    } else {
        Err(Contradiction::ForeignSampler { system: model.system(), sampler: sampler.name() })
    }
}

fn check_seed(spec: &RunSpec) -> Result<(), Contradiction> {
    let sampler = spec.data.sampler;
    let largest = sampler.largest_seed();
    if spec.seed <= largest {
        Ok(())
    } else {
        Err(Contradiction::SeedTooLarge { seed: spec.seed, largest, sampler: sampler.name() })
    }
}

fn check_devices(
    model: &ModelSpec,
    engine: &EngineSpec,
    training: &TrainingSpec,
) -> Result<(), Contradiction> {
    let Some(&first) = engine.devices.first() else { return Ok(()) };
    let (devices, batch) = (engine.devices.len() as u64, training.batch_size.get());
    if engine.devices.contains(&Device::Auto) {
        Err(Contradiction::AutoAmongDevices)
    } else if engine.device != Device::Auto && engine.device != first {
        Err(Contradiction::DevicesDisagree { device: engine.device, first })
    } else if devices > 1 && !model.facts().is_data_parallel() {
        Err(Contradiction::NotDataParallel { system: model.system(), devices })
    } else if devices > batch {
        Err(Contradiction::MoreDevicesThanSequences { devices, batch })
    } else {
        Ok(())
    }
}

fn check_frames(spec: &RunSpec) -> Result<(), Contradiction> {
    let (system, data) = (spec.model.system(), &spec.data.dataset);
    let Some([trained, scored]) = spec.frames_used() else {
        return match spec.evaluation.horizon {
            Some(_) => Err(Contradiction::HorizonWithoutFrames { system }),
            None => Ok(()),
        };
    };
    if let Some(longest) = spec.model.facts().longest_horizon()
        && scored.horizon > longest
    {
        return Err(Contradiction::HorizonBeyondDecoder { scored: scored.horizon, longest });
    }
    let keys = [format!("model.{system}.horizon"), "evaluation.horizon".to_owned()];
    for (used, key) in [trained, scored].into_iter().zip(keys) {
        let (context, horizon) = (used.context.get(), used.horizon.get());
        if let Some(frames) = data.frames()
            && context + horizon > frames
        {
            let dataset = data.name();
            return Err(Contradiction::SequenceTooShort {
                context,
                horizon,
                key,
                system,
                dataset,
                frames,
            });
        }
    }
    Ok(())
}

/// With an even kernel, a cell's state would be larger than its input.
fn check_kernel(model: &ConvLstmSpec) -> Result<(), Contradiction> {
    match model.connections {
        Connections::Convolutional { kernel } if kernel.get() % 2 == 0 => {
            Err(Contradiction::EvenKernel { kernel })
        }
        Connections::Convolutional { .. } | Connections::Full => Ok(()),
    }
}

/// A digit that fills its frame cannot move.
fn check_scene(dataset: &Dataset) -> Result<(), Contradiction> {
    match dataset.scene() {
        Some(scene) if scene.side.len() <= DIGIT_SIDE => {
            Err(Contradiction::DigitFillsFrame { side: scene.side, dataset: dataset.name() })
        }
        _ => Ok(()),
    }
}

/// What no framework but PyTorch has is only computed in PyTorch's arithmetic.
fn check_optimizer(optimizer: &OptimizerSpec) -> Result<(), Contradiction> {
    match optimizer {
        OptimizerSpec::Adam(AdamSpec { decay: WeightDecay::Decoupled, form, .. })
            if *form != AdamForm::PyTorch =>
        {
            Err(Contradiction::NotInThisForm { key: "optimizer.adam.decay" })
        }
        OptimizerSpec::GradientDescent(GradientDescentSpec {
            form,
            momentum,
            momentum_kind,
            weight_decay,
            ..
        }) => {
            let (has_momentum, decays) = (momentum.get() > 0.0, weight_decay.get() > 0.0);
            let is_nesterov = *momentum_kind == MomentumKind::Nesterov;
            let key = match (has_momentum, is_nesterov, decays) {
                (false, true, _) => return Err(Contradiction::NesterovWithoutMomentum),
                (true, ..) => "optimizer.gradient_descent.momentum",
                (_, _, true) => "optimizer.gradient_descent.weight_decay",
                (false, false, false) => return Ok(()),
            };
            if *form == GradientDescentForm::PyTorch {
                Ok(())
            } else {
                Err(Contradiction::NotInThisForm { key })
            }
        }
        OptimizerSpec::Adam(_) | OptimizerSpec::Adagrad(_) | OptimizerSpec::RmsProp(_) => Ok(()),
    }
}

fn check_warm_up(training: &TrainingSpec) -> Result<(), Contradiction> {
    let warm_up = training.learning_rate_schedule.and_then(|schedule| schedule.warm_up);
    match warm_up {
        Some(WarmUp { epochs, .. }) if epochs >= training.epochs => {
            Err(Contradiction::WarmUpToTheEnd { warm_up: epochs, epochs: training.epochs })
        }
        _ => Ok(()),
    }
}

fn check_mocogan(
    model: &MocoganSpec,
    optimizer: &OptimizerSpec,
    training: &TrainingSpec,
) -> Result<(), Contradiction> {
    model.check()?;
    if training.accumulated_batches.get() > 1 {
        return Err(Contradiction::NotAccumulated);
    }
    match optimizer {
        OptimizerSpec::Adam(_) => Ok(()),
        OptimizerSpec::GradientDescent(_)
        | OptimizerSpec::Adagrad(_)
        | OptimizerSpec::RmsProp(_) => Err(Contradiction::NotAdam { optimizer: optimizer.name() }),
    }
}

/// The encoder ends in a 1×1 map and the frame predictor in a vector, both with BatchNorm.
fn check_batch(training: &TrainingSpec) -> Result<(), Contradiction> {
    if training.batch_size.get() == 1 {
        return Err(Contradiction::BatchOfOne);
    }
    Ok(())
}

/// The slope of `original` is divided by `epochs - start_epoch`; `linear` needs at least one epoch
/// between its two ends.
fn check_teacher_forcing(model: &CvaeSpec, training: &TrainingSpec) -> Result<(), Contradiction> {
    let (start, line_epochs, key) = match model.teacher_forcing {
        TeacherForcing::Always | TeacherForcing::Never | TeacherForcing::Constant { .. } => {
            return Ok(());
        }
        TeacherForcing::Original { start_epoch, .. } => {
            (start_epoch, 0, "model.cvae.teacher_forcing.original.start_epoch")
        }
        TeacherForcing::Linear { start_epoch, .. } => {
            (start_epoch, 1, "model.cvae.teacher_forcing.linear.start_epoch")
        }
        TeacherForcing::StepDown { start_epoch, .. } => {
            (start_epoch, 0, "model.cvae.teacher_forcing.step_down.start_epoch")
        }
    };
    let (start, last) = (u64::from(start), training.epochs.get() - 1);
    if start + line_epochs > last {
        return Err(Contradiction::DecayAfterEnd { start, last, key });
    }
    Ok(())
}

/// A port includes the numerics of its Adam. Optimizers that no port used are allowed, because they can
/// only be chosen explicitly.
fn check_port(
    model: &PhysicalInteractionSpec,
    optimizer: &OptimizerSpec,
) -> Result<(), Contradiction> {
    let OptimizerSpec::Adam(AdamSpec { form, .. }) = *optimizer else { return Ok(()) };
    if model.adam_forms().contains(&form) {
        Ok(())
    } else {
        let (port, expected) = (model.port, model.port.adam_form());
        Err(Contradiction::AdamOfAnotherPort { port, form, expected })
    }
}

fn check_kl_weight(model: &CvaeSpec, training: &TrainingSpec) -> Result<(), Contradiction> {
    let epochs = training.epochs.get();
    match model.kl_weight {
        KlWeight::Monotonic { ratio, .. } if ratio.get() <= 0.0 => {
            Err(Contradiction::RampWithoutLength { key: "model.cvae.kl_weight.monotonic.ratio" })
        }
        KlWeight::Cyclical { ratio, .. } if ratio.get() <= 0.0 => {
            Err(Contradiction::RampWithoutLength { key: "model.cvae.kl_weight.cyclical.ratio" })
        }
        KlWeight::Cyclical { cycles, .. } if cycles.get() > epochs => {
            Err(Contradiction::CyclesBeyondEpochs { cycles: cycles.get(), epochs })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
