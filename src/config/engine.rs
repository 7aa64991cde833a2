//! Where and how the arithmetic of a run is done.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::scalar::Count;

/// The device and the settings that decide the bits of a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineSpec {
    /// `auto`, `cpu`, `cuda` or `cuda:N`.
    pub device: Device,
    /// Intra-op threads of libtorch. Part of the record: another number gives other bits.
    pub threads: Count,
    /// Which operations compute what the model is.
    pub arithmetic: Arithmetic,
    /// Devices that share every batch, `["cuda:0", "cuda:1"]`; the first of them is `device`. One that
    /// stands there twice computes two parts one after the other, which saves no time.
    // Not written out if there are none: runs from before there were several keep their ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<Device>,
}

impl EngineSpec {
    /// Returns the devices that compute; the first keeps the parameters.
    pub fn all_devices(&self) -> &[Device] {
        if self.devices.is_empty() { std::slice::from_ref(&self.device) } else { &self.devices }
    }

    /// Names the device that keeps the parameters: the first that share batches, or what `auto` is.
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
/// The numbers of different arithmetics differ, so it is a part of the run's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arithmetic {
    /// The original's operations in its order: the bits of PyTorch eager.
    #[default]
    Exact,
    /// Fewer operations with the same value in real numbers; the last bits differ.
    Fast,
    /// As `fast`, with convolutions and linear maps in bfloat16: 8 bits of precision in them.
    Bf16,
}

impl Arithmetic {
    /// Returns the name as it stands in a sweep file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Fast => "fast",
            Self::Bf16 => "bf16",
        }
    }
}

impl fmt::Display for Arithmetic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A compute device as a user names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Device {
    /// CUDA where there is a usable device, otherwise the CPU. Resolved before a run is identified.
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA device with this index.
    Cuda(u32),
}

/// A device name that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown device `{0}`, expected `auto`, `cpu`, `cuda` or `cuda:N`")]
pub struct UnknownDevice(String);

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
        for arithmetic in [Arithmetic::Fast, Arithmetic::Bf16] {
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
        let refused = serde_json::from_str::<EngineSpec>(r#"{"arithmetic": "fp16"}"#).unwrap_err();
        assert!(
            refused.to_string().contains("expected one of `exact`, `fast`, `bf16`"),
            "{refused}"
        );
    }
}
