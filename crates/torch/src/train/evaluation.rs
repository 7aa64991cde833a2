//! Evaluations of finished runs: scored from their stored weights, and recorded beside them.

use std::{
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::json;

use super::{
    error::TrainError,
    evaluate::{Course, Evaluation, Networks, Scope, Scoring, evaluate},
    record::{data_record, engine_record, timing_record},
    run::EPOCH,
    systems::{build, check_protocol},
};
use reprise_base::{
    config::{
        RunSpec,
        feature_network::{FeatureNetworks, NetworkFile},
        protocol::Protocol,
    },
    metrics,
    scalar::{Epoch, Step},
    vocabulary::rollouts::{CONTEXT_FRAMES, SEQUENCES},
};
use reprise_data::Pack;
use reprise_store::{
    provenance::{Stopwatch, host_record, now_rfc3339},
    store::{
        FinishedRun, RunFile, StoreError,
        evaluation::{
            EVALUATION_FORMAT, EvaluationDir, EvaluationFile, EvaluationRecord, ScoreLog,
            SequenceScores,
        },
        event::score_values,
        progress::WorkerProgress,
        record::CodeRecord,
        tensors::write_tensors,
        timing::{TimingEvent, TimingLog},
    },
};

/// Least time between syncs of the scores.
const SYNC_SECONDS: f64 = 15.0;

/// An evaluation to be carried out, with its inputs.
#[derive(Debug)]
pub struct EvaluationJob<'a> {
    pub spec: &'a RunSpec,
    pub protocol: Protocol,
    /// The feature networks of the protocol.
    pub networks: &'a FeatureNetworks<NetworkFile>,
    pub pack: &'a Pack,
    /// The run; the caller holds its lease.
    pub run: &'a FinishedRun,
    pub dir: &'a EvaluationDir,
    pub device: tch::Device,
    /// The code that scores.
    pub code: &'a CodeRecord,
    /// When set, the evaluation stops after the current batch.
    pub stop: &'a AtomicBool,
}

/// How an evaluation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvaluationEnd {
    /// The record is written.
    Finished,
    /// It was interrupted after `done` sequences, whose scores are stored.
    Stopped { done: u64 },
}

/// Carries out an evaluation, from its first sequence or from where it was interrupted, and writes its record.
///
/// # Errors
/// If the weights, the data or a feature network do not fit, a score is not finite, or a file cannot be read or written.
pub fn carry_out(
    job: &EvaluationJob<'_>,
    watch: &mut dyn FnMut(WorkerProgress),
) -> Result<EvaluationEnd, TrainError> {
    let EvaluationJob { spec, protocol, networks, pack, run, dir, device, code, stop } = *job;
    check_protocol(spec, &protocol, pack)?;
    let networks = Networks::load(networks, device)?;
    assert_eq!(
        networks.digests(),
        protocol.feature_network,
        "the networks are those of the protocol"
    );
    let checkpoint = protocol.checkpoint;
    let stored = run.tensors(RunFile::of(checkpoint))?;
    let (Some((tensors, metadata)), Some(weights)) = (stored, run.weights(checkpoint)) else {
        return Err(TrainError::NoCheckpoint { checkpoint });
    };
    let mut system = build(spec, pack, device);
    system.state_mut().load_model(&tensors)?;

    dir.prepare()?;
    let scope = Scope::new(protocol, spec);
    let scores = dir.path(EvaluationFile::Scores);
    let (mut log, known) = match system.scoring() {
        Scoring::Frames(_) => {
            let batch = scope.sequences_per_batch();
            let (log, known) = ScoreLog::open(&scores, batch, &code.sources_sha256)?;
            (Some(log), known)
        }
        Scoring::Whole(_) => (None, Vec::new()),
    };
    let total = scope.sequences(pack) as u64;
    let mut done = known.len() as u64;
    let mut timing = TimingLog::open(&dir.path(EvaluationFile::Timing))?;
    timing.append(&TimingEvent::Started { at: now_rfc3339(), first_step: Step(done) })?;
    let clock = Stopwatch::start();
    let mut synced = 0.0;
    watch(WorkerProgress::Scoring { done, total });
    let mut after_batch = |batch: &[SequenceScores]| {
        done += batch.len() as u64;
        if let Some(log) = &mut log {
            log.append(batch)?;
            let elapsed_seconds = clock.seconds();
            if elapsed_seconds - synced >= SYNC_SECONDS || stop.load(Ordering::Relaxed) {
                log.sync()?;
                timing.append(&TimingEvent::Steps { next_step: Step(done), elapsed_seconds })?;
                synced = elapsed_seconds;
            }
        }
        watch(WorkerProgress::Scoring { done, total });
        let stops = stop.load(Ordering::Relaxed);
        Ok(if stops { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    };
    let course = Course::Recorded { known, networks: &networks, after_batch: &mut after_batch };
    let evaluation = evaluate(system.scoring(), pack, scope, device, course)?;
    if let Some(log) = &log {
        log.sync()?;
    }
    timing.append(&TimingEvent::Ended { at: now_rfc3339(), elapsed_seconds: clock.seconds() })?;
    timing.sync()?;
    let Some(Evaluation { scores, tensors, names }) = evaluation else {
        return Ok(EvaluationEnd::Stopped { done });
    };
    let values = score_values(&scores);
    if let Some((series, value)) = values.into_iter().find(|(_, value)| !value.is_finite()) {
        return Err(StoreError::NonFinite { series, value }.into());
    }
    let context = protocol.rollout.map_or(0, |rollout| rollout.context.len());
    let shown = [
        (SEQUENCES.to_owned(), json!(names).to_string()),
        (CONTEXT_FRAMES.to_owned(), context.to_string()),
    ];
    write_tensors(&dir.path(EvaluationFile::Rollouts), &tensors, &shown.into())?;
    let host = host_record();
    let mut definitions = metrics::definitions();
    definitions.extend(metrics::network_definitions(&protocol.feature_network));
    dir.write_record(&EvaluationRecord {
        format: EVALUATION_FORMAT,
        run: run.record().run.clone(),
        evaluation: dir.id().clone(),
        protocol,
        weights: weights.to_owned(),
        epoch: metadata.get(EPOCH).and_then(|epoch| epoch.parse().ok()).map(Epoch),
        data: data_record(pack),
        engine: engine_record(&spec.engine, &host.cpu),
        code: code.clone(),
        host,
        scores,
        metrics: definitions,
        artefacts: dir.artefacts()?,
        timing: timing_record(&dir.path(EvaluationFile::Timing))?,
    })?;
    Ok(EvaluationEnd::Finished)
}
