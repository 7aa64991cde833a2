//! Small valid values for tests.

use std::collections::BTreeMap;

use safetensors::Dtype;

use super::{
    event::{EvaluationEvent, Event, Score, Scores, StepEvent},
    record::{
        Artefact, BestCheckpoint, CodeRecord, DataRecord, EngineRecord, HostRecord,
        MetricDefinition, Outcome, RECORD_FORMAT, Record, RunId, SeriesDefinition, TimingRecord,
    },
    tensors::StoredTensor,
};
use reprise_base::{
    config::{
        RunSpec,
        data::DataSpec,
        engine::{Arithmetic, EngineSpec},
        model::{CvaeSpec, ModelSpec},
        optim::OptimizerSpec,
        run::{EvaluationSpec, TrainingSpec},
    },
    scalar::{Epoch, Seed, Step},
};
use reprise_data::Split;

/// Returns a run id of one digit repeated.
pub fn id(digit: char) -> RunId {
    digit.to_string().repeat(16).parse().expect("a hexadecimal digit")
}

/// Returns a specification with all defaults.
pub fn spec() -> RunSpec {
    RunSpec {
        initial_weights: None,
        continue_from: None,
        seed: Seed(1),
        data: DataSpec::default(),
        model: ModelSpec::Cvae(CvaeSpec::default()),
        optimizer: OptimizerSpec::default(),
        training: TrainingSpec::default(),
        evaluation: EvaluationSpec::default(),
        engine: EngineSpec::default(),
    }
}

/// Returns a step event of epoch 0.
pub fn step(step: u64, scalars: &[(&str, f64)]) -> Event {
    let scalars = scalars.iter().map(|&(series, value)| (series.to_owned(), value)).collect();
    Event::Step(StepEvent { step: Step(step), epoch: Epoch(0), scalars })
}

/// Returns scores of two frames and one sequence with this mean PSNR.
pub fn scores(psnr: f64) -> Scores {
    let score = Score { mean: psnr, by_frame: vec![psnr, psnr], by_sequence: vec![psnr] };
    BTreeMap::from([("model".to_owned(), BTreeMap::from([("psnr".to_owned(), score)]))])
}

/// Returns a validation event with this mean PSNR.
pub fn evaluation(epoch: u64, psnr: f64) -> Event {
    let split = Split::Validate;
    Event::Evaluation(EvaluationEvent { epoch: Epoch(epoch), split, scores: scores(psnr) })
}

/// Returns a vector of f32.
pub fn tensor(name: &str, values: &[f32]) -> StoredTensor {
    StoredTensor {
        name: name.to_owned(),
        dtype: Dtype::F32,
        shape: vec![values.len()],
        data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
    }
}

/// Returns a completed record.
pub fn record(run: RunId) -> Record {
    let text = |text: &str| text.to_owned();
    Record {
        format: RECORD_FORMAT,
        run,
        outcome: Outcome::Completed,
        spec: spec(),
        data: DataRecord {
            name: text("moving_square"),
            pack_sha256: "1".repeat(64),
            sources_sha256: "2".repeat(64),
            source_files: 0,
            sequences: BTreeMap::from([(text("train"), 4)]),
            frames: 12,
            frame_shape: [64, 64, 3],
            origin: text("drawn"),
            facts: Vec::new(),
        },
        engine: EngineRecord {
            libtorch: text("2.13.0"),
            device: text("cpu"),
            device_name: text("a processor"),
            cuda: None,
            cpu_capability: text("AVX2"),
            threads: 1,
            arithmetic: Arithmetic::Exact,
            switches: BTreeMap::from([(text("deterministic_algorithms"), text("on"))]),
        },
        code: CodeRecord {
            version: text("0.1.0"),
            sources_sha256: "3".repeat(64),
            rustc: text("rustc 1.95.0"),
            git: None,
            git_refused: None,
        },
        host: HostRecord {
            os: text("Linux"),
            cpu: text("a processor"),
            cpu_features: vec![text("avx2")],
            cores: 2,
        },
        streams: BTreeMap::from([(text("init"), text("initial weights"))]),
        parameters: 3,
        canary: Some("4".repeat(64)),
        final_state: "5".repeat(64),
        best: Some(BestCheckpoint { epoch: Epoch(0), metric: text("psnr"), value: 19.75 }),
        validation: Some(scores(19.75)),
        test: Some(scores(19.5)),
        metrics: BTreeMap::from([(
            text("psnr"),
            MetricDefinition {
                label: text("PSNR"),
                unit: text("dB"),
                higher_is_better: true,
                definition: text("mean over frames"),
                source: text("SYSTEMS"),
            },
        )]),
        series: BTreeMap::from([(
            text("loss"),
            SeriesDefinition { label: text("Loss"), unit: text(""), definition: text("of a step") },
        )]),
        artefacts: BTreeMap::from([(
            text("journal.jsonl"),
            Artefact { bytes: 1, sha256: "6".repeat(64) },
        )]),
        timing: TimingRecord {
            started: text("2026-01-01T00:00:00Z"),
            finished: text("2026-01-01T00:01:00Z"),
            active_seconds: 60.0,
            attempts: 1,
            peak_memory_bytes: 1 << 30,
        },
    }
}
