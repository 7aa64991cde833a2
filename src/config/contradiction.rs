//! Settings that are each valid but cannot be meant together.

use super::{
    RunSpec,
    data::{Content, DataSpec, Sampler},
    engine::{Arithmetic, Device, EngineSpec},
    model::{
        CvaeSpec, MocoganSpec, ModelSpec, PhysicalInteractionSpec, mocogan::Unfit,
        physical_interaction::Port,
    },
    optim::{AdamForm, AdamSpec, OptimizerSpec},
    run::TrainingSpec,
};
use crate::schedule::{KlWeight, TeacherForcing};

/// Two settings of a run that exclude each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// A sequence has fewer frames than a roll-out needs.
    #[error(
        "{context} context frames and a horizon of {horizon} need {} frames, \
         but sequences of `{dataset}` have {frames}", context + horizon
    )]
    SequenceTooShort {
        /// `context_frames`.
        context: u64,
        /// `horizon`.
        horizon: u64,
        /// Where the horizon is set.
        key: String,
        /// The system's name.
        system: &'static str,
        /// The dataset's name.
        dataset: &'static str,
        /// Its sequences' length.
        frames: u64,
    },
    /// A horizon is set for a system that predicts no frames.
    #[error("`{system}` predicts no frames that a horizon could number")]
    NothingPredicted {
        /// The system's name.
        system: &'static str,
    },
    /// Frames have colour where the model takes grey, or the other way round.
    #[error(
        "`{system}` takes frames of {} and `{dataset}` has frames of {}",
        channels(*takes), channels(*has)
    )]
    Channels {
        /// The system's name.
        system: &'static str,
        /// Channels of its frames.
        takes: u64,
        /// The dataset's name.
        dataset: &'static str,
        /// Channels of its frames.
        has: u64,
    },
    /// A batch of one, for a model that normalizes over the batch.
    #[error("a batch of 1 cannot be trained: BatchNorm over 1x1 maps needs two values")]
    BatchOfOne,
    /// Teacher forcing would begin to decay after the last epoch.
    #[error("teacher forcing decays from epoch {start}, but the last epoch is {last}")]
    DecayAfterEnd {
        /// `start_epoch`.
        start: u64,
        /// Index of the last epoch.
        last: u64,
        /// Key of `start_epoch`.
        key: &'static str,
    },
    /// The KL ramp has no length.
    #[error("a KL ramp of ratio 0 has no length")]
    RampWithoutLength {
        /// Key of `ratio`.
        key: &'static str,
    },
    /// A cycle would be shorter than an epoch.
    #[error("{cycles} cycles of the KL weight do not fit in {epochs} epochs")]
    CyclesBeyondEpochs {
        /// `cycles`.
        cycles: u64,
        /// `epochs`.
        epochs: u64,
    },
    /// Adam would follow another framework than the model does.
    #[error("`{port}` was trained with Adam in the form `{expected}`, not `{form}`")]
    AdamOfAnotherPort {
        /// Whose numerics the model follows.
        port: Port,
        /// The form that was chosen.
        form: AdamForm,
        /// The form of the port's framework.
        expected: AdamForm,
    },
    /// A model of keypoints without any, or pictures with keypoints for a model of frames.
    #[error("`{system}` {needs}, and `{dataset}` has none")]
    ContentMissing {
        /// The system's name.
        system: &'static str,
        /// What it learns from, as a verb with its object.
        needs: &'static str,
        /// The dataset's name.
        dataset: &'static str,
    },
    /// The sampler repeats the order of another document's script.
    #[error("the sampler `{sampler}` repeats the script of another system than `{system}`")]
    ForeignSampler {
        /// The system's name.
        system: &'static str,
        /// The sampler's name.
        sampler: &'static str,
    },
    /// The model cannot be computed in this arithmetic.
    #[error("`{system}` cannot be trained in `{arithmetic}` arithmetic")]
    NoSuchArithmetic {
        /// The system's name.
        system: &'static str,
        /// The arithmetic.
        arithmetic: Arithmetic,
    },
    /// Settings of MoCoGAN do not fit together.
    #[error(transparent)]
    Mocogan(#[from] Unfit),
    /// MoCoGAN gives each of its networks an Adam of its own.
    #[error("`mocogan` moves each of its three networks by Adam, not by `{optimizer}`")]
    NotAdam {
        /// The optimizer's name.
        optimizer: &'static str,
    },
    /// The system is trained on one device only.
    #[error("`{system}` is trained on one device, not on {devices}")]
    NotDataParallel {
        /// The system's name.
        system: &'static str,
        /// How many are listed.
        devices: u64,
    },
    /// Some devices would have nothing to do.
    #[error("{devices} devices cannot share a batch of {batch}")]
    MoreDevicesThanSequences {
        /// How many are listed.
        devices: u64,
        /// `batch_size`.
        batch: u64,
    },
    /// One device is asked for, and a list without it.
    #[error("`{device}` is not the first of the devices that share batches, `{first}`")]
    DevicesDisagree {
        /// `device`.
        device: Device,
        /// The first that is listed.
        first: Device,
    },
    /// A device that shares batches is not named.
    #[error("devices that share batches are named one by one, not `{}`", Device::Auto)]
    UnnamedDevice,
}

impl Contradiction {
    /// Returns the dotted keys involved, the likeliest to be at fault first.
    pub fn keys(&self) -> Vec<String> {
        let keys = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect();
        match self {
            Self::SequenceTooShort { key, system, dataset, .. } => vec![
                key.clone(),
                format!("model.{system}.context_frames"),
                format!("data.dataset.{dataset}.frames"),
                "data.dataset".to_owned(),
            ],
            Self::Channels { dataset, .. } => {
                vec![format!("data.dataset.{dataset}"), "data.dataset".to_owned()]
            }
            Self::BatchOfOne => keys(&["training.batch_size"]),
            Self::DecayAfterEnd { key, .. } => keys(&[key, "training.epochs"]),
            Self::RampWithoutLength { key } => keys(&[key]),
            Self::CyclesBeyondEpochs { .. } => {
                keys(&["model.cvae.kl_weight.cyclical.cycles", "training.epochs"])
            }
            Self::AdamOfAnotherPort { .. } => {
                keys(&["optimizer.adam.form", "model.physical_interaction.port"])
            }
            Self::NothingPredicted { .. } => keys(&["evaluation.horizon"]),
            Self::ContentMissing { .. } => keys(&["data.dataset"]),
            Self::ForeignSampler { .. } => keys(&["data.sampler"]),
            Self::NoSuchArithmetic { .. } => keys(&["engine.arithmetic"]),
            Self::Mocogan(unfit) => keys(unfit.keys()),
            Self::NotAdam { .. } => keys(&["optimizer"]),
            Self::NotDataParallel { .. } | Self::UnnamedDevice => keys(&["engine.devices"]),
            Self::MoreDevicesThanSequences { .. } => {
                keys(&["engine.devices", "training.batch_size"])
            }
            Self::DevicesDisagree { .. } => keys(&["engine.device", "engine.devices"]),
        }
    }

    /// Returns what to do about it, where that can be said.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::DecayAfterEnd { .. } => {
                Some("start earlier, train longer, or choose `always`".to_owned())
            }
            Self::RampWithoutLength { .. } => {
                Some("`constant = { beta = 1.0 }` is the full weight from the start".to_owned())
            }
            Self::AdamOfAnotherPort { expected, .. } => {
                Some(format!("set `optimizer.adam.form = \"{expected}\"` beside the port"))
            }
            Self::ContentMissing { .. } => {
                Some("`reprise data list` says what each data set consists of".to_owned())
            }
            Self::ForeignSampler { .. } => Some(
                "`epoch_permutation` is there for every system, `original` is cvae's, \
                 `minibatches` rcn's"
                    .to_owned(),
            ),
            Self::Channels { takes: 1, .. } => {
                Some("`data.dataset = \"moving_mnist\"` has grey frames".to_owned())
            }
            Self::NoSuchArithmetic { .. } => Some("`exact` is there for every system".to_owned()),
            Self::Mocogan(unfit) => Some(unfit.hint().to_owned()),
            Self::DevicesDisagree { .. } => Some("`engine.devices` alone is enough".to_owned()),
            Self::UnnamedDevice => {
                Some("for example `engine.devices = [\"cuda:0\", \"cuda:1\"]`".to_owned())
            }
            Self::NotAdam { .. } => Some(
                "the original's is `adam = { learning_rate = 0.0002, beta1 = 0.5, weight_decay = \
                 0.00001 }`"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

impl RunSpec {
    /// Checks that no two settings contradict each other.
    pub fn check(&self) -> Result<(), Contradiction> {
        check_arithmetic(self.model.system(), self.model.arithmetics(), self.engine.arithmetic)?;
        check_content(&self.model, &self.data)?;
        check_sampler(&self.model, self.data.sampler)?;
        check_devices(&self.model, &self.engine, &self.training)?;
        check_frames(self)?;
        check_channels(&self.model, &self.data)?;
        match &self.model {
            ModelSpec::Cvae(model) => {
                check_batch(&self.training)?;
                check_teacher_forcing(model, &self.training)?;
                check_kl_weight(model, &self.training)
            }
            ModelSpec::PhysicalInteraction(model) => check_port(model, &self.optimizer),
            ModelSpec::ConvLstm(_) | ModelSpec::Rcn(_) => Ok(()),
            ModelSpec::Mocogan(model) => check_mocogan(model, &self.optimizer),
        }
    }
}

fn check_arithmetic(
    system: &'static str,
    known: &[Arithmetic],
    arithmetic: Arithmetic,
) -> Result<(), Contradiction> {
    if known.contains(&arithmetic) {
        Ok(())
    } else {
        Err(Contradiction::NoSuchArithmetic { system, arithmetic })
    }
}

fn check_content(model: &ModelSpec, data: &DataSpec) -> Result<(), Contradiction> {
    let needed = match model {
        ModelSpec::Rcn(_) => Content::Keypoints,
        ModelSpec::Cvae(_)
        | ModelSpec::PhysicalInteraction(_)
        | ModelSpec::ConvLstm(_)
        | ModelSpec::Mocogan(_) => Content::Frames,
    };
    if data.dataset.content() == needed {
        return Ok(());
    }
    let needs = match needed {
        Content::Frames => "learns from frames in time",
        Content::Keypoints => "learns from keypoints",
    };
    let (system, dataset) = (model.system(), data.dataset.name());
    Err(Contradiction::ContentMissing { system, needs, dataset })
}

/// An order that repeats a script belongs to the system of that script.
fn check_sampler(model: &ModelSpec, sampler: Sampler) -> Result<(), Contradiction> {
    let (sampler, of_rcn) = match sampler {
        Sampler::EpochPermutation => return Ok(()),
        Sampler::Original { .. } => ("original", false),
        Sampler::Minibatches => ("minibatches", true),
    };
    if matches!(model, ModelSpec::Rcn(_)) == of_rcn {
        Ok(())
    } else {
        Err(Contradiction::ForeignSampler { system: model.system(), sampler })
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
        Err(Contradiction::UnnamedDevice)
    } else if engine.device != Device::Auto && engine.device != first {
        Err(Contradiction::DevicesDisagree { device: engine.device, first })
    } else if devices > 1 && !model.is_data_parallel() {
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
            Some(_) => Err(Contradiction::NothingPredicted { system }),
            None => Ok(()),
        };
    };
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

fn check_channels(model: &ModelSpec, data: &DataSpec) -> Result<(), Contradiction> {
    let (system, dataset, has) = (model.system(), data.dataset.name(), data.dataset.channels());
    match model.channels() {
        Some(takes) if takes != has => Err(Contradiction::Channels { system, takes, dataset, has }),
        _ => Ok(()),
    }
}

fn channels(count: u64) -> String {
    if count == 1 { "1 channel".to_owned() } else { format!("{count} channels") }
}

fn check_mocogan(model: &MocoganSpec, optimizer: &OptimizerSpec) -> Result<(), Contradiction> {
    model.check()?;
    match optimizer {
        OptimizerSpec::Adam(_) => Ok(()),
        OptimizerSpec::GradientDescent(_) | OptimizerSpec::Adagrad(_) => {
            Err(Contradiction::NotAdam { optimizer: optimizer.name() })
        }
    }
}

/// The encoder ends in a 1×1 map and the frame predictor in a vector, both batch-normalized.
fn check_batch(training: &TrainingSpec) -> Result<(), Contradiction> {
    if training.batch_size.get() == 1 {
        return Err(Contradiction::BatchOfOne);
    }
    Ok(())
}

/// The document's slope divides by `epochs - start_epoch`; the straight line of the corrected
/// schedule needs at least one epoch between its two ends.
fn check_teacher_forcing(model: &CvaeSpec, training: &TrainingSpec) -> Result<(), Contradiction> {
    let (start, line_epochs, key) = match model.teacher_forcing {
        TeacherForcing::Always | TeacherForcing::Never => return Ok(()),
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

/// A port stands for the numerics of a whole program, its optimizer's among them: Adam is the
/// port's. An optimizer that no port had is a choice that somebody wrote down, and stays one.
fn check_port(
    model: &PhysicalInteractionSpec,
    optimizer: &OptimizerSpec,
) -> Result<(), Contradiction> {
    let OptimizerSpec::Adam(AdamSpec { form, .. }) = *optimizer else { return Ok(()) };
    let (port, expected) = (model.port, model.port.adam_form());
    if form == expected {
        Ok(())
    } else {
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
