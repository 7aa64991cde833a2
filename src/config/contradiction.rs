//! Settings that are each valid but cannot be meant together.

use super::{
    RunSpec,
    data::{Content, DataSpec, Sampler},
    engine::Arithmetic,
    model::{
        CvaeSpec, MocoganSpec, ModelSpec, PhysicalInteractionSpec, mocogan::Unfit,
        physical_interaction::Port,
    },
    optim::{AdamForm, AdamSpec, OptimizerSpec},
    run::TrainingSpec,
};
use crate::{
    scalar::Count,
    schedule::{KlWeight, TeacherForcing},
};

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
        /// The system's name.
        system: &'static str,
        /// The dataset's name.
        dataset: &'static str,
        /// Its sequences' length.
        frames: u64,
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
    #[error("`{system}` is trained on one device, not on {replicas}")]
    NotDataParallel {
        /// The system's name.
        system: &'static str,
        /// `replicas`.
        replicas: u64,
    },
    /// Some devices would have nothing to do.
    #[error("{replicas} replicas cannot share a batch of {batch}")]
    MoreReplicasThanSequences {
        /// `replicas`.
        replicas: u64,
        /// `batch_size`.
        batch: u64,
    },
}

impl Contradiction {
    /// Returns the dotted keys involved, the likeliest to be at fault first.
    pub fn keys(&self) -> Vec<String> {
        let keys = |keys: &[&str]| keys.iter().map(|&key| key.to_owned()).collect();
        match self {
            Self::SequenceTooShort { system, dataset, .. } => vec![
                format!("model.{system}.horizon"),
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
            Self::ContentMissing { .. } => keys(&["data.dataset"]),
            Self::ForeignSampler { .. } => keys(&["data.sampler"]),
            Self::NoSuchArithmetic { .. } => keys(&["engine.arithmetic"]),
            Self::Mocogan(unfit) => keys(unfit.keys()),
            Self::NotAdam { .. } => keys(&["optimizer"]),
            Self::NotDataParallel { .. } => keys(&["engine.replicas"]),
            Self::MoreReplicasThanSequences { .. } => {
                keys(&["engine.replicas", "training.batch_size"])
            }
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
        check_replicas(&self.model, self.engine.replicas, &self.training)?;
        check_frames(&self.model, &self.data)?;
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

fn check_replicas(
    model: &ModelSpec,
    replicas: Count,
    training: &TrainingSpec,
) -> Result<(), Contradiction> {
    let (replicas, batch) = (replicas.get(), training.batch_size.get());
    if replicas > 1 && !model.is_data_parallel() {
        Err(Contradiction::NotDataParallel { system: model.system(), replicas })
    } else if replicas > batch {
        Err(Contradiction::MoreReplicasThanSequences { replicas, batch })
    } else {
        Ok(())
    }
}

fn check_frames(model: &ModelSpec, data: &DataSpec) -> Result<(), Contradiction> {
    let (Some(used), Some(frames)) = (model.frames_used(), data.dataset.frames()) else {
        return Ok(());
    };
    let (context, horizon) = (used.context.get(), used.horizon.get());
    if context + horizon > frames {
        let (system, dataset) = (model.system(), data.dataset.name());
        return Err(Contradiction::SequenceTooShort { context, horizon, system, dataset, frames });
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
mod tests {
    use super::*;

    /// Checks a run with these model and training settings, as JSON, for what it is refused with.
    #[track_caller]
    fn check(model: &str, training: &str, message: Option<&str>) {
        check_run(
            &format!(r#""model": {{ "cvae": {{ {model} }} }}, "training": {{ {training} }}"#),
            message,
        );
    }

    #[track_caller]
    fn check_run(settings: &str, message: Option<&str>) {
        let json = format!(r#"{{ "seed": 1, {settings} }}"#);
        let spec: RunSpec = serde_json::from_str(&json).expect("each setting is valid");
        let found = spec.check().err().map(|contradiction| contradiction.to_string());
        assert_eq!(found.as_deref(), message);
    }

    #[test]
    fn the_documents_configuration_has_no_contradiction() {
        check("", "", None);
    }

    #[test]
    fn the_documents_schedule_needs_an_epoch_after_its_start() {
        let start = r#""teacher_forcing": { "original": { "start_epoch": 4 } }"#;
        check(start, r#""epochs": 5"#, None);
        let message = "teacher forcing decays from epoch 4, but the last epoch is 3";
        check(start, r#""epochs": 4"#, Some(message));
    }

    #[test]
    fn a_straight_line_needs_two_different_ends() {
        let start = r#""teacher_forcing": { "linear": { "start_epoch": 4 } }"#;
        check(start, r#""epochs": 6"#, None);
        let message = "teacher forcing decays from epoch 4, but the last epoch is 4";
        check(start, r#""epochs": 5"#, Some(message));
    }

    #[test]
    fn a_ramp_of_no_length_is_refused() {
        let ratio = r#""kl_weight": { "monotonic": { "ratio": 0 } }"#;
        check(ratio, "", Some("a KL ramp of ratio 0 has no length"));
    }

    #[test]
    fn a_cycle_takes_at_least_an_epoch() {
        let cycles = r#""teacher_forcing": "always", "kl_weight": { "cyclical": { "cycles": 4 } }"#;
        check(cycles, r#""epochs": 4"#, None);
        let message = "4 cycles of the KL weight do not fit in 3 epochs";
        check(cycles, r#""epochs": 3"#, Some(message));
    }

    #[test]
    fn all_frames_of_a_sequence_may_be_used_but_no_more() {
        check(r#""horizon": 28"#, "", None);
        let message = "2 context frames and a horizon of 29 need 31 frames, \
                       but sequences of `sawyer_push` have 30";
        check(r#""horizon": 29"#, "", Some(message));
    }

    /// Checks a port with an optimizer, as JSON, for what it is refused with.
    #[track_caller]
    fn check_optimizer(port: &str, optimizer: &str, message: Option<&str>) {
        let model = format!(r#"{{ "physical_interaction": {{ "port": "{port}" }} }}"#);
        let json = format!(r#"{{ "seed": 1, "model": {model}, "optimizer": {optimizer} }}"#);
        let spec: RunSpec = serde_json::from_str(&json).expect("each setting is valid");
        let found = spec.check().err();
        assert_eq!(found.as_ref().map(ToString::to_string).as_deref(), message);
        let keys = ["optimizer.adam.form", "model.physical_interaction.port"];
        assert!(found.is_none_or(|found| found.keys() == keys && found.hint().is_some()));
    }

    #[test]
    fn a_port_takes_adam_in_its_own_form_only() {
        let adam = |form: &str| format!(r#"{{ "adam": {{ "form": "{form}" }} }}"#);
        for port in ["tensorflow", "tensorflow-fixed", "tensorflow-fixed-linear"] {
            check_optimizer(port, &adam("tensorflow"), None);
        }
        for port in ["chainer", "chainer-stateless"] {
            check_optimizer(port, &adam("chainer"), None);
        }
        let message = "`tensorflow` was trained with Adam in the form `tensorflow`, not `pytorch`";
        check_optimizer("tensorflow", r#"{ "adam": {} }"#, Some(message));
        let message =
            "`chainer-stateless` was trained with Adam in the form `chainer`, not `tensorflow`";
        check_optimizer("chainer-stateless", &adam("tensorflow"), Some(message));
    }

    #[test]
    fn an_optimizer_that_no_port_had_has_to_be_asked_for() {
        check_optimizer("chainer", r#"{ "gradient_descent": {} }"#, None);
    }

    #[test]
    fn a_model_of_grey_frames_takes_no_colour_and_has_twenty_of_them() {
        #[track_caller]
        fn check(model: &str, dataset: &str, found: Option<&str>) {
            let json = format!(
                r#"{{ "seed": 1, "model": {model}, "data": {{ "dataset": "{dataset}" }} }}"#
            );
            let spec: RunSpec = serde_json::from_str(&json).expect("each setting is valid");
            let contradiction = spec.check().err().map(|contradiction| contradiction.to_string());
            assert_eq!(contradiction.as_deref(), found);
        }
        let convlstm = r#"{ "convlstm": {} }"#;
        check(convlstm, "moving_mnist", None);
        let message =
            "`convlstm` takes frames of 1 channel and `sawyer_push` has frames of 3 channels";
        check(convlstm, "sawyer_push", Some(message));
        let message =
            "`cvae` takes frames of 3 channels and `moving_mnist` has frames of 1 channel";
        check(r#"{ "cvae": {} }"#, "moving_mnist", Some(message));
        let message = "10 context frames and a horizon of 11 need 21 frames, \
                       but sequences of `moving_mnist` have 20";
        check(r#"{ "convlstm": { "horizon": 11 } }"#, "moving_mnist", Some(message));
    }

    #[test]
    fn mocogan_needs_adam_and_settings_that_fit_together() {
        check_run(r#""model": { "mocogan": {} }"#, None);
        check_run(
            r#""model": { "mocogan": {} }, "optimizer": { "adagrad": {} }"#,
            Some("`mocogan` moves each of its three networks by Adam, not by `adagrad`"),
        );
        check_run(
            r#""model": { "mocogan": { "side": 32 } }"#,
            Some(
                "frames of side 32 are too small for a discriminator of whole frames: it needs 64",
            ),
        );
    }

    #[test]
    fn several_devices_share_a_batch_that_is_large_enough() {
        #[track_caller]
        fn check(model: &str, replicas: u32, found: Option<&str>) {
            let json = format!(
                r#"{{ "seed": 1, "model": {{ {model} }}, "data": {{ "dataset": "moving_mnist" }},
                      "training": {{ "batch_size": 3 }}, "engine": {{ "replicas": {replicas} }} }}"#
            );
            let spec: RunSpec = serde_json::from_str(&json).expect("each setting is valid");
            let contradiction = spec.check().err().map(|contradiction| contradiction.to_string());
            assert_eq!(contradiction.as_deref(), found);
        }
        check(r#""convlstm": {}"#, 3, None);
        check(r#""convlstm": {}"#, 4, Some("4 replicas cannot share a batch of 3"));
        check(r#""cvae": {}"#, 2, Some("`cvae` is trained on one device, not on 2"));
    }

    /// Checks a run of this system on this data, as JSON, for what it is refused with.
    #[track_caller]
    fn check_data(system: &str, data: &str, expected: Option<(&str, &str)>) {
        let json = format!(r#"{{ "seed": 1, "model": {{ "{system}": {{}} }}, "data": {data} }}"#);
        let spec: RunSpec = serde_json::from_str(&json).expect("each setting is valid");
        let found = spec.check().err().map(|it| (it.to_string(), it.keys().swap_remove(0)));
        let expected = expected.map(|(message, key)| (message.to_owned(), key.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn keypoints_are_learned_from_keypoints_and_frames_from_frames() {
        check_data("rcn", r#"{ "dataset": "facial_keypoints" }"#, None);
        check_data("rcn", r#"{ "dataset": { "kaggle": { "root": "x" } } }"#, None);
        let message = "`rcn` learns from keypoints, and `sawyer_push` has none";
        check_data("rcn", r#"{ "dataset": "sawyer_push" }"#, Some((message, "data.dataset")));
        let message = "`cvae` learns from frames in time, and `facial_keypoints` has none";
        check_data("cvae", r#"{ "dataset": "facial_keypoints" }"#, Some((message, "data.dataset")));
    }

    #[test]
    fn the_order_of_a_script_belongs_to_its_system() {
        let faces = r#""dataset": "facial_keypoints""#;
        check_data("rcn", &format!(r#"{{ {faces}, "sampler": "minibatches" }}"#), None);
        let message = "the sampler `original` repeats the script of another system than `rcn`";
        let original = format!(r#"{{ {faces}, "sampler": {{ "original": {{ "workers": 0 }} }} }}"#);
        check_data("rcn", &original, Some((message, "data.sampler")));
        let message = "the sampler `minibatches` repeats the script of another system than `cvae`";
        check_data("cvae", r#"{ "sampler": "minibatches" }"#, Some((message, "data.sampler")));
    }

    #[test]
    fn a_system_is_trained_only_in_arithmetics_that_it_has() {
        let exact = [Arithmetic::Exact];
        assert_eq!(check_arithmetic("it", &exact, Arithmetic::Exact), Ok(()));
        let refused = check_arithmetic("it", &exact, Arithmetic::Bf16).unwrap_err();
        assert_eq!(refused.to_string(), "`it` cannot be trained in `bf16` arithmetic");
        assert_eq!(refused.keys(), ["engine.arithmetic".to_owned()]);
    }
}
