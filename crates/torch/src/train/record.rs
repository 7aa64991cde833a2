//! Assembly of `record.json`.

use std::{collections::BTreeMap, path::Path};

use super::{
    run::{Finished, Job},
    system::System,
};
use crate::libtorch;
use reprise_base::{
    config::{
        data::Sampler,
        engine::{Device, EngineSpec},
    },
    metrics,
    vocabulary::SeriesName,
};
use reprise_data::{Pack, Split, moving_mnist::FRESH_STREAM, sampler::ORDER_STREAM};
use reprise_store::{
    provenance::{host_record, now_rfc3339, nvidia_device, nvidia_driver, peak_memory_bytes},
    store::{
        RunFile, StoreError,
        record::{
            BestCheckpoint, CodeRecord, CudaRecord, DataRecord, EngineRecord, RECORD_FORMAT,
            Record, SeriesDefinition, TimingRecord,
        },
        timing::{read_timing, summarize},
    },
};

/// Assembles the record of a finished run, whose other files are all written.
///
/// # Errors
/// If a file of the run cannot be read or hashed.
pub fn assemble(job: &Job<'_>, finished: Finished, code: CodeRecord) -> Result<Record, StoreError> {
    let Finished { outcome, bookkeeping, test, final_state, parameters, system } = finished;
    let host = host_record();
    let best = bookkeeping.best.as_ref().map(|best| BestCheckpoint {
        epoch: best.epoch,
        metric: system.choosing_metric().as_str().to_owned(),
        value: best.value,
    });
    Ok(Record {
        format: RECORD_FORMAT,
        run: job.dir.id().clone(),
        outcome,
        spec: job.spec.clone(),
        data: data_record(job.pack),
        engine: engine_record(&job.spec.engine, &host.cpu),
        code,
        host,
        streams: streams(job, &*system),
        parameters,
        canary: bookkeeping.canary,
        final_state,
        best,
        validation: bookkeeping.best.map(|best| best.scores),
        test,
        metrics: metrics::definitions(),
        series: series(&*system),
        artefacts: job.dir.artefacts()?,
        timing: timing_record(&job.dir.path(RunFile::Timing))?,
    })
}

/// Returns the definition of each scalar of the journal.
fn series(system: &dyn System) -> BTreeMap<String, SeriesDefinition> {
    let learning_rate =
        SeriesDefinition::new("learning rate", "", "step size of every optimizer of the system");
    let own = system.series().into_iter();
    let loss_scale = SeriesDefinition::new(
        "loss scale",
        "",
        "factor of the next loss before it is differentiated in float16; a step that halves it updates nothing",
    );
    let scaled = system.state().loss_scale().map(|_| (SeriesName::LossScale, loss_scale));
    let all = own.chain([(SeriesName::LearningRate, learning_rate)]).chain(scaled);
    all.map(|(name, definition)| (name.as_str().to_owned(), definition)).collect()
}

/// Returns the random streams of the run, each with its use.
fn streams(job: &Job<'_>, system: &dyn System) -> BTreeMap<String, String> {
    let initial = Some(("init/NAME".to_owned(), "initial values of the parameter NAME"));
    let order = match job.spec.data.sampler {
        Sampler::EpochPermutation => Some((ORDER_STREAM.to_owned(), "order of training sequences")),
        Sampler::Fresh => Some((FRESH_STREAM.to_owned(), "training sequences")),
        // These draw the order from generators of their own.
        Sampler::Original { .. } | Sampler::Minibatches => None,
    };
    let all = initial.into_iter().chain(order).chain(system.streams());
    all.map(|(name, use_)| (name, use_.to_owned())).collect()
}

pub(super) fn data_record(pack: &Pack) -> DataRecord {
    let count = |split| pack.sequences(split) as u64;
    DataRecord {
        name: pack.name().to_owned(),
        pack_sha256: pack.payload_sha256().to_owned(),
        sources_sha256: pack.sources_sha256().to_owned(),
        source_files: pack.source_files(),
        sequences: Split::ALL.map(|split| (split.name().to_owned(), count(split))).into(),
        frames: pack.frames() as u64,
        frame_shape: pack.frame_shape().map(|extent| extent as u64),
        origin: pack.origin().to_owned(),
        facts: pack.summary().facts,
    }
}

pub(super) fn engine_record(engine: &EngineSpec, cpu: &str) -> EngineRecord {
    let list = |name: fn(&Device, &str) -> String| {
        let mut names: Vec<String> =
            engine.all_devices().iter().map(|device| name(device, cpu)).collect();
        names.dedup();
        names.join(", ")
    };
    let switches: BTreeMap<String, String> = libtorch::switches();
    EngineRecord {
        libtorch: libtorch::version(),
        device: list(|device, _| device.to_string()),
        device_name: list(|&device, cpu| match device {
            Device::Auto | Device::Cpu => cpu.to_owned(),
            Device::Cuda(index) => nvidia_device(index),
        }),
        cuda: match engine.device {
            Device::Auto | Device::Cpu => None,
            Device::Cuda(_) => Some(cuda_record()),
        },
        cpu_capability: libtorch::cpu_capability(),
        threads: engine.threads.get(),
        arithmetic: engine.arithmetic,
        switches,
    }
}

/// Returns the versions of CUDA, which must have been loaded.
pub fn cuda_record() -> CudaRecord {
    CudaRecord {
        runtime: libtorch::cuda_runtime(),
        driver: nvidia_driver(),
        cudnn: libtorch::cudnn(),
    }
}

/// Sums up a timing log.
pub(super) fn timing_record(log: &Path) -> Result<TimingRecord, StoreError> {
    let summary = summarize(&read_timing(log)?);
    let finished = now_rfc3339();
    Ok(TimingRecord {
        started: summary.started.unwrap_or_else(|| finished.clone()),
        finished,
        active_seconds: summary.active_seconds,
        attempts: summary.attempts,
        peak_memory_bytes: peak_memory_bytes(),
    })
}
