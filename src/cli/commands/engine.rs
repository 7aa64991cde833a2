//! What `doctor` reports about libtorch.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::Failure;
use reprise_base::{
    config::engine::{Device, EngineSpec},
    fs,
    scalar::Count,
};
use reprise_store::{provenance::nvidia_device, store::record::CudaRecord};
use reprise_torch::{
    libtorch::{
        self,
        device::{self, cuda},
    },
    train,
};

/// Limit on the list of the memory areas of a process.
const MAPS_BYTES_MAX: u64 = 1 << 26;

/// The engine, set up as for a run.
#[derive(Debug, Serialize)]
pub struct EngineFindings {
    libtorch: String,
    library: Option<String>,
    cuda: Result<CudaRecord, String>,
    cuda_devices: Vec<CudaDevice>,
    cpu_capability: String,
    default_threads: u64,
    switches: BTreeMap<String, String>,
}

/// A CUDA device of this machine.
#[derive(Debug, Serialize)]
struct CudaDevice {
    device: Device,
    name: String,
}

/// Sets the engine up with default settings and inspects it.
pub fn findings() -> Result<EngineFindings, Failure> {
    let spec = EngineSpec::default();
    libtorch::prepare(&spec)?;
    let cuda = cuda().map(|()| train::record::cuda_record()).map_err(|error| error.to_string());
    let indices = 0..if cuda.is_ok() { device::count() } else { 0 };
    let cuda_device =
        |index| CudaDevice { device: Device::Cuda(index), name: nvidia_device(index) };
    Ok(EngineFindings {
        libtorch: libtorch::version(),
        library: library(),
        cuda,
        cuda_devices: indices.map(cuda_device).collect(),
        cpu_capability: libtorch::cpu_capability(),
        default_threads: spec.threads.get(),
        switches: libtorch::switches(),
    })
}

/// Sets libtorch up as for a run, and opens the device.
pub fn prepare(threads: Count, device: Device) -> Result<tch::Device, Failure> {
    let engine = libtorch::prepare(&EngineSpec { threads, device, ..EngineSpec::default() })?;
    Ok(engine.device)
}

impl EngineFindings {
    /// Returns names and values for a table.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let library = self.library.as_deref().unwrap_or("unknown path");
        let switches: Vec<_> =
            self.switches.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let mut rows = vec![
            ("libtorch", format!("{}, `{library}`", self.libtorch)),
            (
                "CUDA",
                match &self.cuda {
                    Ok(CudaRecord { runtime, driver, cudnn }) => {
                        format!("yes, runtime {runtime}, driver {driver}, cuDNN {cudnn}")
                    }
                    Err(why) => format!("no: {why}"),
                },
            ),
        ];
        rows.extend(
            self.cuda_devices.iter().map(|it| ("device", format!("{}, {}", it.device, it.name))),
        );
        rows.extend([
            ("kernels", self.cpu_capability.clone()),
            ("threads", format!("{} per run, unless a sweep sets more", self.default_threads)),
            ("switches", switches.join(", ")),
        ]);
        rows
    }
}

/// Returns the path of the loaded libtorch.
fn library() -> Option<String> {
    let maps = fs::read_text("/proc/self/maps".as_ref(), MAPS_BYTES_MAX).ok()?;
    let line = maps.lines().find(|line| line.contains("/libtorch_cpu."))?;
    line.find('/').map(|start| line[start..].to_owned())
}
