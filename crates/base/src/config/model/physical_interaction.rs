//! Settings of the physical-interaction model (originals: tensorflow/models `video_prediction` and its
//! Chainer port, see docs/sources.md; Finn, Goodfellow & Levine 2016, arXiv:1605.07157).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::facts::{FramesUsed, ScheduleTable, SystemFacts};
use crate::{
    config::{data::Content, engine::Arithmetic, optim::AdamForm, training::TrainingSpec},
    scalar::{Count, NonNegative, Step},
    schedule::{ScheduleArithmetic, ScheduledSampling},
};

mod differences;

pub use differences::{DIFFERENCES, Difference, FollowedPorts, PortDifferences, Topic};

/// Architecture and objective of the physical-interaction model. The defaults are those of the
/// TensorFlow original's flags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PhysicalInteractionSpec {
    /// Implementation whose numerics the model follows. `optimizer.adam.form` must name the framework
    /// of this implementation.
    pub port: Port,
    /// Implementations to follow in single respects, instead of `port`. `optimizer.adam.form` may then
    /// name the framework of any of them.
    pub differences: PortDifferences,
    /// Transformation of the previous frame into the next one (`model`).
    pub transformation: Transformation,
    /// Inputs of the bottleneck besides the frame (`use_state`).
    pub conditioning: Conditioning,
    /// True frames given before predictions are fed back (`context_frames`).
    pub context_frames: Count,
    /// Frames predicted after the context (`sequence_length` − `context_frames`).
    pub horizon: Count,
    /// Channels of the first layer. The original has 32; other values scale the channels of every layer.
    pub width: Count,
    /// Weight of the squared error of the state in the loss (1e-4 in both originals).
    pub state_weight: NonNegative,
    /// Number of sequences per batch that are fed true frames after the context, by step
    /// (`schedsamp_k`).
    pub scheduled_sampling: ScheduledSampling,
    /// Whether an update changes the weights of the next one.
    pub weights: WeightLifetime,
}

impl Default for PhysicalInteractionSpec {
    fn default() -> Self {
        Self {
            port: Port::default(),
            differences: PortDifferences::default(),
            transformation: Transformation::default(),
            conditioning: Conditioning::default(),
            context_frames: Count::literal(2),
            horizon: Count::literal(8),
            width: Count::literal(32),
            state_weight: NonNegative::try_from(1e-4).expect("the literal is not negative"),
            scheduled_sampling: ScheduledSampling::default(),
            weights: WeightLifetime::default(),
        }
    }
}

/// How long the weights of the model last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WeightLifetime {
    /// As long as the run.
    #[default]
    Kept,
    /// One update. All weights are drawn again before the next one, so the model cannot learn. The stateless Chainer port
    /// does this by accident: it creates its layers at every call, even for every frame.
    Redrawn,
}

impl SystemFacts for PhysicalInteractionSpec {
    fn system(&self) -> &'static str {
        "physical_interaction"
    }

    fn arithmetics(&self) -> &'static [Arithmetic] {
        &[Arithmetic::Exact]
    }

    fn is_data_parallel(&self) -> bool {
        false
    }

    fn content(&self) -> Content {
        Content::Frames
    }

    fn frames_used(&self) -> Option<FramesUsed> {
        Some(FramesUsed { context: self.context_frames, horizon: self.horizon })
    }

    fn has_latent(&self) -> bool {
        false
    }

    fn reads_frames_after_context(&self) -> bool {
        true
    }

    fn size(&self) -> Option<String> {
        Some(format!("width {}", self.width))
    }

    fn schedules(&self, training: &TrainingSpec) -> Vec<ScheduleTable> {
        let sampling = self.numerics().of(Topic::ScheduledSampling);
        let (batch, arithmetic) = (training.batch_size, sampling.schedule_arithmetic());
        let at_first_step_of = |epoch: u64| {
            let step = Step(epoch * training.steps_per_epoch.get());
            let true_frames = self.scheduled_sampling.true_frames(batch, step, arithmetic);
            true_frames.unwrap_or(0) as f64 / batch.get() as f64
        };
        vec![ScheduleTable {
            title: "true-frame share by epoch",
            values: (0..training.epochs.get()).map(at_first_step_of).collect(),
        }]
    }

    fn reset_schedules(&mut self) {
        self.scheduled_sampling = ScheduledSampling::default();
    }
}

impl PhysicalInteractionSpec {
    /// Returns the implementation to follow in every respect.
    pub fn numerics(&self) -> FollowedPorts {
        (self.port, self.differences).into()
    }

    /// Returns the forms of Adam of the implementations that the model follows, that of `port` first.
    pub fn adam_forms(&self) -> Vec<AdamForm> {
        let mut forms = vec![self.port.adam_form()];
        for (_, port) in self.differences.named() {
            if !forms.contains(&port.adam_form()) {
                forms.push(port.adam_form());
            }
        }
        forms
    }
}

/// Implementation whose numerics the model follows: the TensorFlow original or its Chainer port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "PortName", into = "PortName")]
pub enum Port {
    Tensorflow(Version),
    Chainer,
    ChainerStateless,
}

/// Versions of the TensorFlow original.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    #[default]
    V1,
    Fixed,
    FixedLinear,
}

impl Default for Port {
    fn default() -> Self {
        Self::Tensorflow(Version::V1)
    }
}

impl Port {
    /// All ports by framework, oldest first.
    pub const ALL: [Self; 5] = [
        Self::Tensorflow(Version::V1),
        Self::Tensorflow(Version::Fixed),
        Self::Tensorflow(Version::FixedLinear),
        Self::Chainer,
        Self::ChainerStateless,
    ];

    /// Returns the arithmetic in which the implementation evaluates scheduled sampling.
    pub const fn schedule_arithmetic(self) -> ScheduleArithmetic {
        match self {
            Self::Tensorflow(_) => ScheduleArithmetic::Single,
            Self::Chainer => ScheduleArithmetic::Double,
            Self::ChainerStateless => ScheduleArithmetic::DoubleHalvesUp,
        }
    }

    /// Returns the form of Adam that the implementation was trained with.
    pub const fn adam_form(self) -> AdamForm {
        match self {
            Self::Tensorflow(_) => AdamForm::TensorFlow,
            Self::Chainer | Self::ChainerStateless => AdamForm::Chainer,
        }
    }

    /// Returns the name as a sweep file spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tensorflow(Version::V1) => "tensorflow",
            Self::Tensorflow(Version::Fixed) => "tensorflow-fixed",
            Self::Tensorflow(Version::FixedLinear) => "tensorflow-fixed-linear",
            Self::Chainer => "chainer",
            Self::ChainerStateless => "chainer-stateless",
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A [`Port`] as files spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum PortName {
    /// `video_prediction` of tensorflow/models at commit 052e5e8: CDNA mixes colours and kernels.
    Tensorflow,
    /// `video_prediction` from commit 69cc9e9 on: CDNA applies every kernel to all colours.
    TensorflowFixed,
    /// `video_prediction` from commit 8699e3b on: as `tensorflow-fixed`, but the last three layers
    /// have no rectifier.
    TensorflowFixedLinear,
    /// kristofbc/physical-interaction-video-prediction at its last commit, 8452866: cells keep their
    /// state.
    Chainer,
    /// The repository of `chainer` at commit ef96aa7, which its notebook prints. That code creates
    /// its layers at every call and so cannot learn; here the layers keep their weights.
    ChainerStateless,
}

impl From<PortName> for Port {
    fn from(name: PortName) -> Self {
        match name {
            PortName::Tensorflow => Self::Tensorflow(Version::V1),
            PortName::TensorflowFixed => Self::Tensorflow(Version::Fixed),
            PortName::TensorflowFixedLinear => Self::Tensorflow(Version::FixedLinear),
            PortName::Chainer => Self::Chainer,
            PortName::ChainerStateless => Self::ChainerStateless,
        }
    }
}

impl From<Port> for PortName {
    fn from(port: Port) -> Self {
        match port {
            Port::Tensorflow(Version::V1) => Self::Tensorflow,
            Port::Tensorflow(Version::Fixed) => Self::TensorflowFixed,
            Port::Tensorflow(Version::FixedLinear) => Self::TensorflowFixedLinear,
            Port::Chainer => Self::Chainer,
            Port::ChainerStateless => Self::ChainerStateless,
        }
    }
}

/// Transformation of the previous frame, and the number of masks that merge the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Transformation {
    /// Convolutional dynamic neural advection: predicted kernels that are applied to the whole frame.
    Cdna {
        /// Number of kernels, which is also the number of masks besides that of the background
        /// (`num_masks`).
        #[serde(default = "ten")]
        masks: Count,
    },
    /// Dynamic neural advection: one predicted kernel per pixel, and one mask.
    Dna,
    /// Spatial transformer predictors: predicted affine maps of the whole frame, one fewer than
    /// masks.
    Stp {
        /// Number of masks besides that of the background (`num_masks`).
        #[serde(default = "ten")]
        masks: Count,
    },
    /// None: the frame is predicted pixel by pixel from the features, without the previous frame and masks.
    /// The baseline of the paper (Finn et al. 2016), which neither original contains.
    Direct,
}

impl Default for Transformation {
    fn default() -> Self {
        Self::Cdna { masks: ten() }
    }
}

impl Transformation {
    /// Returns the number of masks besides the background's (`num_masks`).
    pub const fn masks(self) -> Count {
        match self {
            Self::Cdna { masks } | Self::Stp { masks } => masks,
            Self::Dna | Self::Direct => Count::literal(1),
        }
    }
}

/// Inputs of the bottleneck besides the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Conditioning {
    /// Action and state, concatenated and repeated at every pixel of the feature map (`use_state =
    /// 1`).
    #[default]
    ActionAndState,
    /// No further input (`use_state = 0`). States are still predicted.
    FrameOnly,
}

const fn ten() -> Count {
    Count::literal(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &PhysicalInteractionSpec) {
        let spec: PhysicalInteractionSpec = toml::from_str(text).expect("the settings are valid");
        assert_eq!(&spec, expected);
        let written = toml::to_string(&spec).expect("settings have a TOML form");
        assert_eq!(toml::from_str::<PhysicalInteractionSpec>(&written).as_ref(), Ok(expected));
    }

    #[test]
    fn the_default_is_the_original() {
        let spec = PhysicalInteractionSpec::default();
        assert_eq!(spec.port, Port::Tensorflow(Version::V1));
        check("", &spec);
    }

    #[test]
    fn a_port_is_one_word() {
        for (name, port) in [
            ("tensorflow", Port::Tensorflow(Version::V1)),
            ("tensorflow-fixed", Port::Tensorflow(Version::Fixed)),
            ("tensorflow-fixed-linear", Port::Tensorflow(Version::FixedLinear)),
            ("chainer", Port::Chainer),
            ("chainer-stateless", Port::ChainerStateless),
        ] {
            let spec = PhysicalInteractionSpec { port, ..PhysicalInteractionSpec::default() };
            check(&format!("port = \"{name}\""), &spec);
            assert_eq!(port.to_string(), name);
        }
    }

    #[test]
    fn dna_has_one_mask_and_accepts_no_other_number() {
        let dna = PhysicalInteractionSpec {
            transformation: Transformation::Dna,
            ..PhysicalInteractionSpec::default()
        };
        check("transformation = \"dna\"", &dna);
        let more = toml::from_str::<PhysicalInteractionSpec>("transformation.dna = { masks = 2 }");
        assert!(more.is_err());
    }
}
