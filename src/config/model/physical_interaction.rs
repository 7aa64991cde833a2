//! Settings of the physical-interaction model (seed document 000; Finn, Goodfellow & Levine 2016,
//! arXiv:1605.07157).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    config::optim::AdamForm,
    scalar::Count,
    schedule::{ScheduleArithmetic, ScheduledSampling},
};

mod differences;

pub use differences::{DIFFERENCES, Difference};

/// Architecture and objective; defaults are the flags of the TensorFlow original.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhysicalInteractionSpec {
    /// Whose numerics the model follows.
    pub port: Port,
    /// How the previous frame is transformed (`model`).
    pub transformation: Transformation,
    /// What the bottleneck sees besides the frame (`use_state`).
    pub conditioning: Conditioning,
    /// Ground-truth frames before predictions are fed back (`context_frames`).
    pub context_frames: Count,
    /// Frames predicted after the context; `sequence_length` is the sum of both.
    pub horizon: Count,
    /// Channels of the first layer; 32 is the original, smaller values scale every layer.
    pub width: Count,
    /// How many sequences of a batch see true frames after the context (`schedsamp_k`).
    pub scheduled_sampling: ScheduledSampling,
}

impl Default for PhysicalInteractionSpec {
    fn default() -> Self {
        Self {
            port: Port::default(),
            transformation: Transformation::default(),
            conditioning: Conditioning::default(),
            context_frames: Count::literal(2),
            horizon: Count::literal(8),
            width: Count::literal(32),
            scheduled_sampling: ScheduledSampling::default(),
        }
    }
}

/// Whose numerics the model follows: the TensorFlow original's or its port's to Chainer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PortName", into = "PortName")]
pub enum Port {
    /// tensorflow/models, `video_prediction`.
    Tensorflow(Version),
    /// kristofbc/physical-interaction-video-prediction at 8452866, its last commit, whose cells
    /// keep their state.
    Chainer,
    /// The same repository at ef96aa7, the code that the seed document prints. It makes its layers
    /// anew at every call, so the original cannot learn; here a layer keeps its weights.
    ChainerStateless,
}

/// Versions of the TensorFlow original.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// 052e5e8, the code of the seed document: CDNA mixes colours and masks.
    #[default]
    V1,
    /// From 69cc9e9 on: CDNA applies every kernel to all colours.
    Fixed,
    /// From 8699e3b on: moreover the last three layers have no rectifier.
    FixedLinear,
}

impl Default for Port {
    fn default() -> Self {
        Self::Tensorflow(Version::V1)
    }
}

impl Port {
    /// All ports in the order in which they were written, framework by framework.
    pub const ALL: [Self; 5] = [
        Self::Tensorflow(Version::V1),
        Self::Tensorflow(Version::Fixed),
        Self::Tensorflow(Version::FixedLinear),
        Self::Chainer,
        Self::ChainerStateless,
    ];

    /// Returns the arithmetic in which the implementation evaluates its schedule.
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

/// [`Port`] as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PortName {
    Tensorflow,
    TensorflowFixed,
    TensorflowFixedLinear,
    Chainer,
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

/// How the previous frame is transformed, and by how many masks the results are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Transformation {
    /// Convolutional dynamic neural advection: predicted kernels for the whole frame.
    Cdna {
        /// Kernels, and masks beside the background's (`num_masks`).
        #[serde(default = "ten")]
        masks: Count,
    },
    /// Dynamic neural advection: a predicted kernel for every pixel; one mask.
    Dna,
    /// Spatial transformer predictors: affine maps, one fewer than masks.
    Stp {
        /// Masks beside the background's (`num_masks`).
        #[serde(default = "ten")]
        masks: Count,
    },
}

impl Default for Transformation {
    fn default() -> Self {
        Self::Cdna { masks: ten() }
    }
}

impl Transformation {
    /// Returns the number of masks beside the background's (`num_masks`).
    pub const fn masks(self) -> Count {
        match self {
            Self::Cdna { masks } | Self::Stp { masks } => masks,
            Self::Dna => Count::literal(1),
        }
    }
}

/// What the bottleneck sees besides the frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conditioning {
    /// Action ⊕ state, repeated over the map (`use_state = 1`).
    #[default]
    ActionAndState,
    /// Nothing (`use_state = 0`); states are predicted nevertheless.
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
    fn dna_has_one_mask_and_no_other_number_can_be_asked_for() {
        let dna = PhysicalInteractionSpec {
            transformation: Transformation::Dna,
            ..PhysicalInteractionSpec::default()
        };
        check("transformation = \"dna\"", &dna);
        let more = toml::from_str::<PhysicalInteractionSpec>("transformation.dna = { masks = 2 }");
        assert!(more.is_err());
    }
}
