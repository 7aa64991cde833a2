//! Device, threads and arithmetic of a run.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::scalar::Count;

/// Device, threads and arithmetic. All of them change the last bits of a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EngineSpec {
    /// Device that trains the run: `auto`, `cpu`, `cuda` (same as `cuda:0`) or `cuda:N`. `auto` is
    /// replaced by the first CUDA device, or by `cpu` if there is none, before the run's id is computed.
    pub device: Device,
    /// Threads that libtorch uses within one operation. Another number of threads changes the order
    /// of sums, and so the last bits of results. The number is part of the run's id.
    pub threads: Count,
    /// How closely the operations of a training step follow those of the original. Only `exact` is
    /// supported by every system; roll-outs always use the original's operations.
    pub arithmetic: Arithmetic,
    /// Devices between which every batch is divided, e.g. `["cuda:0", "cuda:1"]`. The first device
    /// keeps the parameters. Only `convlstm` can be trained on more than one device. A device that is
    /// listed twice computes two parts of the batch, one after the other.
    // Not serialized if empty, so that older runs keep their ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
}

impl EngineSpec {
    /// Returns the devices that split a batch; the first keeps the parameters.
    pub fn all_devices(&self) -> &[Device] {
        if self.devices.is_empty() { std::slice::from_ref(&self.device) } else { &self.devices }
    }

    /// Replaces `auto` by the first of several devices, or by what `auto` returns.
    pub fn resolve(&mut self, auto: impl FnOnce() -> Device) {
        if self.device == Device::Auto {
            self.device = self.devices.first().copied().unwrap_or_else(auto);
        }
    }
}

impl Default for EngineSpec {
    fn default() -> Self {
        Self {
            device: Device::Auto,
            threads: Count::literal(1),
            arithmetic: Arithmetic::Exact,
            devices: Vec::new(),
        }
    }
}

/// How closely the operations of a training step follow those of the original.
///
/// Results depend on it, so it is part of the run's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arithmetic {
    /// The original's operations in the original's order.
    #[default]
    Exact,
    /// Fewer operations that are mathematically equal; the last bits differ. Only `cvae`.
    Fast,
    /// Convolutions and linear layers in bfloat16 (8 bits of precision); for `cvae`, otherwise as
    /// `fast`. Only `cvae` and `convlstm`.
    Bf16,
    /// As `bf16`, in float16 (11 bits of precision, numbers up to 65504), with dynamic loss scaling
    /// as `torch.amp.GradScaler`. Meant for GPUs. Only `cvae` and `convlstm`.
    Fp16,
}

impl Arithmetic {
    /// Returns the name as a sweep file spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Fast => "fast",
            Self::Bf16 => "bf16",
            Self::Fp16 => "fp16",
        }
    }
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A compute device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Device {
    /// The first usable CUDA device, or the CPU if there is none.
    Auto,
    Cpu,
    /// The CUDA device with this index.
    Cuda(u32),
}

/// Text that names no device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown device `{0}`, expected `auto`, `cpu`, `cuda` or `cuda:N`")]
pub struct UnknownDevice(String);

impl JsonSchema for Device {
    fn schema_name() -> Cow<'static, str> {
        "Device".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^(auto|cpu|cuda|cuda:[0-9]+)$" })
    }
}

impl FromStr for Device {
    type Err = UnknownDevice;

    fn from_str(text: &str) -> Result<Self, UnknownDevice> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|index| index.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| UnknownDevice(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Device {
    type Error = UnknownDevice;

    fn try_from(text: String) -> Result<Self, UnknownDevice> {
        text.parse()
    }
}

impl From<Device> for String {
    fn from(device: Device) -> Self {
        device.to_string()
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, arithmetic: Arithmetic, written: &str) {
        let spec: EngineSpec = serde_json::from_str(json).unwrap();
        assert_eq!(spec.arithmetic, arithmetic);
        assert_eq!(serde_json::to_string(&spec).unwrap(), written);
    }

    #[test]
    fn the_arithmetic_is_written_out() {
        check("{}", Arithmetic::Exact, r#"{"device":"auto","threads":1,"arithmetic":"exact"}"#);
        for arithmetic in [Arithmetic::Fast, Arithmetic::Bf16, Arithmetic::Fp16] {
            let written = format!(r#"{{"device":"auto","threads":1,"arithmetic":"{arithmetic}"}}"#);
            check(&written, arithmetic, &written);
        }
    }

    #[test]
    fn the_first_of_several_devices_keeps_the_parameters() {
        #[track_caller]
        fn check(json: &str, device: Device, all: &[Device]) {
            let mut spec: EngineSpec = serde_json::from_str(json).unwrap();
            spec.resolve(|| Device::Cpu);
            assert_eq!((spec.device, spec.all_devices()), (device, all));
        }
        let [one, two] = [1, 2].map(Device::Cuda);
        check("{}", Device::Cpu, &[Device::Cpu]);
        check(r#"{"device": "cuda:1"}"#, one, &[one]);
        check(r#"{"devices": ["cuda:1", "cuda:2"]}"#, one, &[one, two]);
    }

    #[test]
    fn an_unknown_arithmetic_is_refused() {
        let refused = serde_json::from_str::<EngineSpec>(r#"{"arithmetic": "fp8"}"#).unwrap_err();
        assert!(
            refused.to_string().contains("expected one of `exact`, `fast`, `bf16`, `fp16`"),
            "{refused}"
        );
    }
}
