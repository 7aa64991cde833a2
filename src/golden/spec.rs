//! What a case states: its inputs, its outputs and what each of them is, and its numerics.
//!
//! Format 1 states some of it in names (`grad/`, `after/`, `printed/`) and in keys of `[config]`.
//! [`OutputRole`] and [`Numerics`] are read from them here, once; nothing above parses a name.

use serde::Serialize;

use super::{
    adam::Adam,
    config::Config,
    tensor::ElementType,
    tolerance::RECTIFIER_MARGIN_MIN,
    wire::{OutputEntry, OutputKind, Role},
};

/// The version of the format that this reader supports.
pub const FORMAT: u32 = 1;

/// Precision in which a port computes, and of the original's run that it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision, as the original ran by default.
    F32,
    /// Double precision, the strong check.
    F64,
}

impl Precision {
    /// Returns the precision's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

/// An input tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSpec {
    /// Name in the original.
    pub name: String,
    pub role: Role,
    pub dtype: ElementType,
    /// Shape in the original's layout.
    pub shape: Vec<usize>,
    pub fill: Fill,
}

/// Where the elements of an input come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fill {
    /// Uniform in `[lo, hi)`.
    Uniform { lo: f64, hi: f64 },
    /// Bell-shaped around 0 with a standard deviation.
    Normalish { std: f64 },
    /// The same number everywhere.
    Constant { c: f64 },
    /// Uniform bytes.
    Bytes,
    /// Every index once.
    Permutation,
    /// Kept in `values.safetensors`.
    Stored,
}

/// An output tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSpec {
    /// Name, unique within the case.
    pub name: String,
    pub role: OutputRole,
    /// How much of it is stored.
    pub kind: OutputKind,
    /// Element type in the original's f32 run.
    pub dtype: ElementType,
    /// Shape in the original's layout.
    pub shape: Vec<usize>,
    /// Largest difference of the original's f32 and f64 runs over the largest f64 value.
    pub noise: Option<f64>,
    /// What a reader should know about it.
    pub note: Option<String>,
    /// Whether it has one value per update, perhaps with one more for the start or the end.
    pub(super) per_update: bool,
    /// Whether the case lists it as zero except for rounding.
    pub(super) zero: bool,
}

/// What an output is to its computation.
#[derive(Clone, Debug, PartialEq)]
pub enum OutputRole {
    /// A result of the forward pass.
    Forward,
    /// A number that the original printed to a few places (`printed/NAME`).
    Printed {
        /// Absolute tolerance: the places to which it was printed.
        tolerance: f64,
    },
    /// A loss, which depends on the whole forward pass.
    Loss,
    /// A derivative of a single formula (`d/NAME`).
    Derivative,
    /// The gradient of a parameter or an input (`grad/NAME`).
    Gradient {
        /// For a bias: the output with the gradient of its layer's weight.
        weight: Option<String>,
    },
    /// A parameter after the last update (`after/NAME`).
    Updated {
        /// The parameter.
        of: String,
        /// The output with its gradient in the first update.
        gradient: Option<String>,
    },
    /// A buffer after the last update (`after/NAME`).
    UpdatedBuffer,
}

impl OutputSpec {
    /// Returns the number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Returns whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl OutputRole {
    /// Returns the stage of the computation that gives such an output.
    pub(super) const fn stage(&self) -> u8 {
        match self {
            Self::Forward | Self::Printed { .. } => 0,
            Self::Loss => 1,
            Self::Derivative | Self::Gradient { .. } => 2,
            Self::Updated { .. } | Self::UpdatedBuffer => 3,
        }
    }

    /// Reads the role of `output` from its name.
    pub(super) fn read(
        output: &OutputEntry,
        outputs: &[OutputEntry],
        tensors: &[TensorSpec],
        config: &Config,
    ) -> Self {
        const LOSSES: [&str; 6] = ["loss", "losses", "mse", "kld", "scalar", "loss_per_step"];
        let gradient = |of: &str| {
            let name = format!("grad/{of}");
            outputs.iter().any(|output| output.name == name).then_some(name)
        };
        match output.name.split_once('/') {
            None if LOSSES.contains(&output.name.as_str()) => Self::Loss,
            Some(("d", _)) => Self::Derivative,
            Some(("grad", of)) => {
                Self::Gradient { weight: weights_of(of).find_map(|weight| gradient(&weight)) }
            }
            Some(("after", of)) => {
                let parameter = |t: &TensorSpec| t.name == of && t.role == Role::Parameter;
                if tensors.iter().any(parameter) {
                    Self::Updated { of: of.to_owned(), gradient: gradient(of) }
                } else {
                    Self::UpdatedBuffer
                }
            }
            Some(("printed", _)) if output.noise.is_none() => {
                let key = match output.dtype {
                    ElementType::F32 => "tolerance_printed_torch",
                    _ => "tolerance_printed_numpy",
                };
                config.f64(key).map_or(Self::Forward, |tolerance| Self::Printed { tolerance })
            }
            _ => Self::Forward,
        }
    }
}

/// Returns the names that the weight beside a bias may have.
fn weights_of(bias: &str) -> impl Iterator<Item = String> {
    const PAIRS: [(&str, &str); 4] =
        [("bias", "weight"), ("biases", "weights"), ("b", "W"), ("b", "w")];
    let at = bias.rfind(['.', '/']).map_or(0, |at| at + 1);
    let (layer, own) = bias.split_at(at);
    PAIRS
        .into_iter()
        .filter(move |(bias, _)| *bias == own)
        .map(move |(_, weight)| format!("{layer}{weight}"))
}

/// What a case states about its arithmetic.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Numerics {
    /// The optimizer, if it is Adam.
    pub(super) adam: Option<Adam>,
    /// Updates that an output with a value per update covers.
    pub(super) updates: usize,
    /// Whether every correct f32 run takes the same branch of every rectifier.
    pub(super) branches_fixed: bool,
    /// Whether batch normalizations may see two values per channel.
    pub(super) batch_of_two: bool,
    /// Whether outputs without noise are equal in every bit: a sequence of single operations, each
    /// correctly rounded.
    pub(super) exact: bool,
}

impl Numerics {
    /// Reads the numerics from the settings of a case; format 1 has no keys of their own for them.
    pub(super) fn read(system: &str, config: &Config, tensors: &[TensorSpec]) -> Self {
        let steps = |key| config.usize(key).ok();
        let normalized = tensors.iter().any(|tensor| tensor.name.ends_with("running_mean"));
        Self {
            adam: Adam::read(config),
            updates: steps("steps").or_else(|| steps("adam_steps")).unwrap_or(0),
            branches_fixed: config.contains("relu_margin")
                && !config.f64("relu_margin").is_ok_and(|margin| margin < RECTIFIER_MARGIN_MIN),
            batch_of_two: normalized && config.usize("batch_size") == Ok(2),
            // Generators, schedules and readers, by the names that format 1 gives them.
            exact: matches!(system, "rng" | "schedule" | "data"),
        }
    }

    /// Returns whether an output of this shape has one value per update; the port to Chainer adds
    /// one after the last.
    pub(super) fn is_per_update(&self, output: &OutputEntry, config: &Config) -> bool {
        let [length] = *output.shape.as_slice() else { return false };
        let one_more = config.contains("adam_steps") && length == self.updates + 1;
        output.kind == OutputKind::Full
            && !output.name.contains('/')
            && self.updates > 1
            && (length == self.updates || one_more)
    }
}
