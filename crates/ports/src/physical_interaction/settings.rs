//! The settings of a case about the whole model.

use crate::{integer, number, physical_interaction::translate::Axes, refused, unsupported};
use reprise_base::{
    config::{
        model::{
            PhysicalInteractionSpec,
            physical_interaction::{Conditioning, Port, PortDifferences, Transformation, Version},
        },
        optim::{AdamForm, AdamSpec},
    },
    scalar::{Count, Positive, Step},
    schedule::ScheduledSampling,
};
use reprise_golden::{Case, PortError};
use reprise_torch::{models::physical_interaction::NetworkSizes, nn::Mode};

/// Everything that such a case states.
pub(super) struct ModelSettings {
    pub(super) spec: PhysicalInteractionSpec,
    pub(super) sizes: NetworkSizes,
    pub(super) adam: AdamSpec,
    /// Optimizer steps; 0 for a forward pass.
    pub(super) steps: usize,
    /// The original's iteration number per step; at least one.
    pub(super) iterations: Vec<Step>,
    pub(super) mode: Mode,
    /// Prefix of every parameter's name.
    pub(super) scope: String,
    pub(super) axes: Axes,
}

/// Reads a case of the TensorFlow original.
pub(super) fn tensorflow(case: &Case) -> Result<ModelSettings, PortError> {
    let scope = if case.config.contains("scope") { case.config.str("scope")? } else { "model" };
    let scope = if scope.is_empty() { String::new() } else { format!("{scope}/") };
    let steps = optional(case, "steps", 0)?;
    settings(
        case,
        &SettingNames {
            port: tensorflow_port(case)?,
            transformation: "model",
            first_layer: format!("{scope}scale1_conv1/weights"),
            first_layer_outputs: 3,
            beta1: "beta1",
            beta2: "beta2",
            epsilon: "epsilon",
            form: AdamForm::TensorFlow,
        },
        Axes::ChannelsLast,
        scope,
        steps,
    )
}

/// Reads a case of the port to Chainer.
pub(super) fn chainer(case: &Case) -> Result<ModelSettings, PortError> {
    let port = chainer_port(case)?;
    let first = match port {
        Port::ChainerStateless => "00_conv/W",
        Port::Chainer | Port::Tensorflow(_) => "enc0/W",
    };
    let steps = optional(case, "adam_steps", 0)?;
    settings(
        case,
        &SettingNames {
            port,
            transformation: "model_type",
            first_layer: first.to_owned(),
            first_layer_outputs: 0,
            beta1: "adam_beta1",
            beta2: "adam_beta2",
            epsilon: "adam_eps",
            form: AdamForm::Chainer,
        },
        Axes::ChannelsFirst,
        String::new(),
        steps,
    )
}

/// Differences between the originals' cases.
struct SettingNames {
    port: Port,
    transformation: &'static str,
    first_layer: String,
    /// Axis of the first layer's weight that counts its outputs.
    first_layer_outputs: usize,
    beta1: &'static str,
    beta2: &'static str,
    epsilon: &'static str,
    form: AdamForm,
}

fn settings(
    case: &Case,
    names: &SettingNames,
    axes: Axes,
    scope: String,
    steps: usize,
) -> Result<ModelSettings, PortError> {
    let images = shape(case, "images", 5)?;
    let (actions, states) = (shape(case, "actions", 3)?, shape(case, "states", 3)?);
    let [batch, frames, channels, height, width] = match axes {
        Axes::ChannelsLast => [0, 1, 4, 2, 3],  // [B, T, H, W, C]
        Axes::ChannelsFirst => [1, 0, 2, 3, 4], // [T, B, C, H, W]
    }
    .map(|axis: usize| images[axis]);
    let frame = [channels, height, width];
    if actions[..2] != images[..2] || states[..2] != images[..2] {
        return Err(unsupported(
            case,
            "actions or states whose batch or length differs from the images'",
        ));
    }
    if height % 8 != 0 || width % 8 != 0 {
        return Err(unsupported(case, "frames whose sides are not multiples of 8"));
    }
    let context_frames: Count = integer(case, "context_frames")?;
    if frames <= context_frames.size() {
        return Err(unsupported(case, "a sequence without frames after the context"));
    }
    let first = case.tensor_spec(&names.first_layer);
    let width = first.and_then(|spec| spec.shape.get(names.first_layer_outputs)).copied();
    let width = width.and_then(|n| i64::try_from(n).ok()).and_then(|n| Count::try_from(n).ok());
    let default = PhysicalInteractionSpec::default();
    let spec = PhysicalInteractionSpec {
        port: names.port,
        differences: PortDifferences::default(),
        state_weight: default.state_weight,
        transformation: transformation(case, case.config.str(names.transformation)?)?,
        conditioning: if flag(case, "use_state", true)? {
            Conditioning::ActionAndState
        } else {
            Conditioning::FrameOnly
        },
        context_frames,
        horizon: Count::try_from(frames - context_frames.size()).unwrap_or(default.horizon),
        width: width.unwrap_or(default.width),
        scheduled_sampling: scheduled_sampling(case)?,
        weights: default.weights,
    };
    let adam = AdamSpec {
        learning_rate: optional_number(case, "learning_rate", 1e-3)?,
        beta1: optional_number(case, names.beta1, 0.9)?,
        beta2: optional_number(case, names.beta2, 0.999)?,
        epsilon: optional_number(case, names.epsilon, 1e-8)?,
        form: names.form,
        ..AdamSpec::default()
    };
    let mode = if flag(case, "train", true)? { Mode::Train } else { Mode::Eval };
    Ok(ModelSettings {
        sizes: NetworkSizes { frame, actions: actions[2], states: states[2], batch },
        spec,
        adam,
        steps,
        iterations: iterations(case, steps)?,
        mode,
        scope,
        axes,
    })
}

/// `variant` of the TensorFlow original.
pub(super) fn tensorflow_port(case: &Case) -> Result<Port, PortError> {
    let version = if case.config.contains("variant") { case.config.str("variant")? } else { "v1" };
    Ok(Port::Tensorflow(match version {
        "v1" => Version::V1,
        "v2" | "fixed" => Version::Fixed,
        "v3" | "fixed_linear" => Version::FixedLinear,
        other => return Err(unsupported(case, format!("variant `{other}`"))),
    }))
}

/// `variant` of the port to Chainer; if missing, it follows from the names of the links.
pub(super) fn chainer_port(case: &Case) -> Result<Port, PortError> {
    if !case.config.contains("variant") {
        let stateless = case.tensor_spec("00_conv/W").is_some();
        return Ok(if stateless { Port::ChainerStateless } else { Port::Chainer });
    }
    match case.config.str("variant")? {
        "stateful" => Ok(Port::Chainer),
        "stateless" => Ok(Port::ChainerStateless),
        other => Err(unsupported(case, format!("variant `{other}`"))),
    }
}

/// Reads the name of a model and its number of masks.
pub(super) fn transformation(case: &Case, name: &str) -> Result<Transformation, PortError> {
    let masks: Count = integer(case, "num_masks")?;
    match name {
        "CDNA" => Ok(Transformation::Cdna { masks }),
        "STP" => Ok(Transformation::Stp { masks }),
        "DNA" if masks.get() == 1 => Ok(Transformation::Dna),
        "DNA" => Err(unsupported(case, "DNA with more than one mask")),
        other => Err(unsupported(case, format!("model `{other}`"))),
    }
}

fn scheduled_sampling(case: &Case) -> Result<ScheduledSampling, PortError> {
    let k = case.config.f64("schedsamp_k")?;
    #[expect(clippy::float_cmp, reason = "-1 means no schedule, as in the originals")]
    if k == -1.0 {
        return Ok(ScheduledSampling::Never);
    }
    Ok(ScheduledSampling::InverseSigmoid { k: number::<Positive>(case, "schedsamp_k")? })
}

/// `iter_num`, one number for all steps or one per step.
fn iterations(case: &Case, steps: usize) -> Result<Vec<Step>, PortError> {
    let given = match case.config.i64("iter_num") {
        Ok(one) => vec![one],
        Err(_) if case.config.contains("iter_num") => case.config.i64s("iter_num")?,
        Err(_) => vec![0],
    };
    let last = given.last().copied().unwrap_or(0);
    let all = (0..steps.max(1)).map(|step| given.get(step).copied().unwrap_or(last));
    all.map(|n| u64::try_from(n).map(Step))
        .collect::<Result<_, _>>()
        .map_err(|_| unsupported(case, "a negative `iter_num`"))
}

/// A boolean that the originals write as 0 or 1.
fn flag(case: &Case, key: &str, default: bool) -> Result<bool, PortError> {
    if !case.config.contains(key) {
        return Ok(default);
    }
    match case.config.i64(key) {
        Ok(number) => Ok(number != 0),
        Err(_) => Ok(case.config.bool(key)?),
    }
}

fn optional(case: &Case, key: &str, default: usize) -> Result<usize, PortError> {
    if case.config.contains(key) { Ok(case.config.usize(key)?) } else { Ok(default) }
}

fn optional_number<T>(case: &Case, key: &str, default: f64) -> Result<T, PortError>
where
    T: TryFrom<f64, Error = reprise_base::scalar::ScalarError>,
{
    if case.config.contains(key) {
        return number(case, key);
    }
    T::try_from(default).map_err(refused)
}

fn shape(case: &Case, name: &str, rank: usize) -> Result<Vec<i64>, PortError> {
    let spec = case.tensor_spec(name);
    let shape = spec.map(|spec| spec.shape.clone()).unwrap_or_default();
    if shape.len() != rank {
        return Err(unsupported(case, format!("`{name}` of rank {}", shape.len())));
    }
    Ok(shape.into_iter().map(|n| i64::try_from(n).unwrap_or(i64::MAX)).collect())
}
