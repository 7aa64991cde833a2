//! Roll-outs of a split, scored frame by frame together with the copy-last-frame baseline.
//!
//! The noise of a prediction depends on its sequence and sample alone, and averages are taken over sequences, so
//! scores do not depend on the batch size, except for the rounding of libtorch's kernels.

use std::{collections::BTreeMap, ops::ControlFlow};

use tch::Tensor;

use super::{
    frame_metric::{FrameMetric, mean, score},
    samples::{SampleCurves, statistics},
    scope::{Course, Evaluation, Scope},
};
use crate::{
    libtorch::convert::{to_host, to_stored},
    train::batch::{self, Batch, Examples, FrameCounts},
};
use reprise_base::{
    config::protocol::{Protocol, RolloutProtocol},
    metrics::FrameShape,
    vocabulary::{
        MetricName, Predictor,
        rollouts::{BEST_SAMPLE, PREDICTION, SAMPLES, TRUTH},
    },
};
use reprise_data::Pack;
use reprise_store::store::{
    StoreError, evaluation::SequenceScores, event::Scores, tensors::StoredTensor,
};

/// Leading sequences whose frames are saved for the report.
const KEPT_SEQUENCES: usize = 4;
/// Samples of a sequence whose frames are saved for the report.
const KEPT_SAMPLES: usize = 4;

/// A system that predicts frames.
pub trait VideoPredictor {
    /// Returns the metrics of its frames.
    fn metrics(&self) -> &'static [FrameMetric] {
        &FrameMetric::STANDARD
    }

    /// Predicts the frames after the context.
    fn predict(&self, request: &RolloutRequest<'_>) -> PredictedRows;

    /// Returns what else the report shows of the first sequences: tensors of
    /// [`rollouts`](reprise_base::vocabulary::rollouts).
    fn pictures(&self, _pack: &Pack, _scope: Scope, _device: tch::Device) -> Vec<StoredTensor> {
        Vec::new()
    }
}

/// One prediction of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleRow {
    /// Index of the sequence within its split.
    pub sequence: usize,
    /// Number of the sample, the first is 0.
    pub sample: usize,
}

/// What is to be predicted.
#[derive(Debug)]
pub struct RolloutRequest<'a> {
    /// All frames of the sequences, one per row.
    pub batch: &'a Batch,
    pub rows: &'a [SampleRow],
    pub protocol: Protocol,
    pub rollout: RolloutProtocol,
}

/// Predictions of a batch.
#[derive(Debug)]
pub struct PredictedRows {
    /// The context frames followed by the predicted ones, `[T, B, C, H, W]`.
    pub frames: Tensor,
    /// What the system scores besides frames, by row; empty for most systems.
    pub others: Vec<FrameScores>,
}

/// One value per predicted frame, by predictor and metric.
pub type FrameScores = BTreeMap<String, BTreeMap<String, Vec<f64>>>;

/// Scores roll-outs; the protocol says how.
pub(super) fn score_frames(
    predictor: &dyn VideoPredictor,
    pack: &Pack,
    scope: Scope,
    device: tch::Device,
    course: Course<'_>,
) -> Result<Option<Evaluation>, StoreError> {
    let rollout = scope.protocol.rollout.expect("the protocol says how frames are predicted");
    let counts = FrameCounts::new(rollout.context, rollout.horizon);
    let scorer = Scorer { predictor, pack, scope, rollout, counts, device };
    let total = scope.sequences(pack);
    let first: Vec<usize> = (0..total.min(KEPT_SEQUENCES)).collect();
    let mut shown = BTreeMap::new();
    let (mut all, mut after_batch) = match course {
        Course::Training => (Vec::new(), None),
        Course::Recorded { known, after_batch } => (known, Some(after_batch)),
    };
    while all.len() < total {
        let scored = scorer.batch_from(all.len(), total, &first, &mut shown);
        let flow = after_batch.as_mut().map(|after_batch| after_batch(&scored)).transpose()?;
        all.extend(scored);
        if flow == Some(ControlFlow::Break(())) && all.len() < total {
            return Ok(None);
        }
    }
    let mut selected: Vec<(usize, String)> =
        first.iter().map(|&index| (index, all[index].name.clone())).collect();
    if after_batch.is_some() {
        selected.extend(ranked(&all));
    }
    let indices: Vec<usize> = selected.iter().map(|(index, _)| *index).collect();
    let per_batch = scope.sequences_per_batch();
    for &index in &indices {
        // The same batch again, so that the frames do not depend on what was known.
        if !shown.contains_key(&index) {
            scorer.batch_from(index - index % per_batch, total, &indices, &mut shown);
        }
    }
    let frames: Vec<&KeptSequence> = indices.iter().map(|index| &shown[index]).collect();
    let mut tensors = stored(&frames);
    tensors.extend(predictor.pictures(pack, scope, device));
    let names = selected.into_iter().map(|(_, name)| name).collect();
    Ok(Some(Evaluation { scores: averaged(&all), tensors, names }))
}

/// Returns the best, the median and the worst sequence by PSNR, labelled as such.
fn ranked(all: &[SequenceScores]) -> Vec<(usize, String)> {
    let [model, psnr] = [Predictor::Model.as_str(), MetricName::Psnr.as_str()];
    let value = |scores: &SequenceScores| mean(scores.by_frame[model][psnr].iter().copied());
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|&a, &b| value(&all[b]).total_cmp(&value(&all[a])));
    let (Some(&best), Some(&worst)) = (order.first(), order.last()) else { return Vec::new() };
    let median = order[(order.len() - 1) / 2];
    [("best", best), ("median", median), ("worst", worst)]
        .map(|(rank, index)| (index, format!("{} ({rank} by PSNR)", all[index].name)))
        .into()
}

/// Averages over sequences.
fn averaged(all: &[SequenceScores]) -> Scores {
    let Some(first) = all.first() else { return Scores::new() };
    let metrics = |(predictor, metrics): (&String, &BTreeMap<String, Vec<f64>>)| {
        let curves = |metric: &String| -> Vec<&Vec<f64>> {
            all.iter().map(|it| &it.by_frame[predictor][metric]).collect()
        };
        let of = |metric: &String| score(&curves(metric));
        let scores = metrics.keys().map(|metric| (metric.clone(), of(metric)));
        (predictor.clone(), scores.collect())
    };
    first.by_frame.iter().map(metrics).collect()
}

/// The frames of a sequence that are saved for the report, each `[T, C, H, W]`.
struct KeptSequence {
    truth: Tensor,
    /// Predictions of the first samples.
    samples: Vec<Tensor>,
    /// The sample with the highest PSNR, with its PSNR.
    best: Option<(f64, Tensor)>,
}

/// Scores sequences of a split.
struct Scorer<'a> {
    predictor: &'a dyn VideoPredictor,
    pack: &'a Pack,
    scope: Scope,
    rollout: RolloutProtocol,
    counts: FrameCounts,
    device: tch::Device,
}

impl Scorer<'_> {
    /// Scores the batch of sequences that begins with `first`, and saves the frames of `selected` ones.
    fn batch_from(
        &self,
        first: usize,
        total: usize,
        selected: &[usize],
        shown: &mut BTreeMap<usize, KeptSequence>,
    ) -> Vec<SequenceScores> {
        let last = (first + self.scope.sequences_per_batch()).min(total);
        let samples = self.rollout.samples.len();
        let row = |sequence| (0..samples).map(move |sample| SampleRow { sequence, sample });
        let rows: Vec<SampleRow> = (first..last).flat_map(row).collect();
        let mut scored: Vec<Vec<ScoredRow>> = (first..last).map(|_| Vec::new()).collect();
        for rows in rows.chunks(self.scope.batch_size) {
            for (row, scores) in rows.iter().zip(self.predicted(rows, selected, shown)) {
                scored[row.sequence - first].push(scores);
            }
        }
        (first..).zip(scored).map(|(sequence, samples)| self.combined(sequence, samples)).collect()
    }

    /// Predicts and scores rows.
    fn predicted(
        &self,
        rows: &[SampleRow],
        selected: &[usize],
        shown: &mut BTreeMap<usize, KeptSequence>,
    ) -> Vec<ScoredRow> {
        let Self { pack, device, counts, .. } = *self;
        let split = self.scope.protocol.split;
        let [height, width, channels] = pack.frame_shape();
        let shape = FrameShape { channels, height, width };
        let indices: Vec<usize> = rows.iter().map(|row| row.sequence).collect();
        let batch = batch::load(&Examples { pack, split, indices: &indices, device }, counts);
        let PredictedRows { frames, mut others } = self.predictor.predict(&RolloutRequest {
            batch: &batch,
            rows,
            protocol: self.scope.protocol,
            rollout: self.rollout,
        });
        others.resize(rows.len(), FrameScores::new());
        let (truth, predicted) = (to_host::<f32>(&batch.frames), to_host::<f32>(&frames));
        let score = |(b, (&row, others)): (usize, (&SampleRow, FrameScores))| {
            let at = |t: usize| {
                let start = (t * rows.len() + b) * shape.len();
                start..start + shape.len()
            };
            let last = at(counts.context - 1);
            let curves = |of: &dyn Fn(usize) -> std::ops::Range<usize>, prediction: &[f32]| {
                let of_metric = |metric: &FrameMetric| {
                    (counts.context..counts.total)
                        .map(|t| metric.of(&truth[at(t)], &prediction[of(t)], shape))
                        .collect()
                };
                self.predictor.metrics().iter().map(of_metric).collect()
            };
            let model: Vec<Vec<f64>> = curves(&at, &predicted);
            let copied = match row.sample {
                0 => curves(&|_| last.clone(), &truth),
                _ => Vec::new(),
            };
            if selected.contains(&row.sequence) {
                let b = batch::size(b);
                let frames = frames.select(1, b);
                let truth = || batch.frames.select(1, b);
                let sequence = shown.entry(row.sequence).or_insert_with(|| KeptSequence {
                    truth: truth(),
                    samples: Vec::new(),
                    best: None,
                });
                self.show(sequence, row, frames, &model);
            }
            ScoredRow { model, copied, others }
        };
        rows.iter().zip(others).enumerate().map(score).collect()
    }

    /// Saves the frames of a sample, if reports show them.
    fn show(
        &self,
        sequence: &mut KeptSequence,
        row: SampleRow,
        frames: Tensor,
        model: &[Vec<f64>],
    ) {
        // A sequence may be selected twice and its batch be predicted again.
        if row.sample < KEPT_SAMPLES && row.sample == sequence.samples.len() {
            sequence.samples.push(frames.shallow_clone());
        }
        let psnr = self.predictor.metrics().iter().position(|&it| it == FrameMetric::Psnr);
        let Some(psnr) = psnr.map(|at| mean(model[at].iter().copied())) else { return };
        if sequence.best.as_ref().is_none_or(|(best, _)| psnr > *best) {
            sequence.best = Some((psnr, frames));
        }
    }

    /// Combines the samples of a sequence.
    fn combined(&self, sequence: usize, samples: Vec<ScoredRow>) -> SequenceScores {
        let metrics = self.predictor.metrics();
        let named = |curves: Vec<Vec<f64>>| -> BTreeMap<String, Vec<f64>> {
            let names = metrics.iter().map(|metric| metric.name().as_str().to_owned());
            names.zip(curves).collect()
        };
        let mut by_frame = FrameScores::new();
        let mut curves = SampleCurves::new();
        for ScoredRow { model, copied, others } in samples {
            if !copied.is_empty() {
                by_frame.insert(Predictor::CopyLastFrame.as_str().to_owned(), named(copied));
                for (predictor, scores) in others {
                    by_frame.entry(predictor).or_default().extend(scores);
                }
            }
            curves.push(model);
        }
        let statistics = statistics(metrics, &curves);
        for (predictor, curves) in statistics.by_frame {
            let scores = by_frame.entry(predictor.as_str().to_owned()).or_default();
            scores.extend(named(curves));
        }
        let name = self.pack.sequence_name(self.scope.protocol.split, sequence).to_owned();
        SequenceScores { name, by_frame, by_sample: named(statistics.by_sample) }
    }
}

/// Curves over predicted frames of one row.
struct ScoredRow {
    /// By metric.
    model: Vec<Vec<f64>>,
    /// The same of the copy-last-frame baseline; only of the first sample.
    copied: Vec<Vec<f64>>,
    /// What the system scores besides frames.
    others: FrameScores,
}

/// Returns the frames of the sequences as tensors of [`rollouts`](reprise_base::vocabulary::rollouts).
fn stored(shown: &[&KeptSequence]) -> Vec<StoredTensor> {
    let Some(first) = shown.first() else { return Vec::new() };
    let bytes = |frames: &[Tensor]| {
        batch::to_bytes(&Tensor::stack(frames, 0).movedim_int(-3, -1)) // [N, …, T, H, W, C]
    };
    let each = |of: &dyn Fn(&KeptSequence) -> Tensor| {
        shown.iter().map(|sequence| of(sequence)).collect::<Vec<_>>()
    };
    let mut tensors = vec![
        (PREDICTION, bytes(&each(&|sequence| sequence.samples[0].shallow_clone()))),
        (TRUTH, bytes(&each(&|sequence| sequence.truth.shallow_clone()))),
    ];
    if first.samples.len() > 1 {
        tensors.push((SAMPLES, bytes(&each(&|it| Tensor::stack(&it.samples, 0)))));
        let best = |it: &KeptSequence| it.best.as_ref().map(|(_, frames)| frames.shallow_clone());
        let best: Option<Vec<Tensor>> = shown.iter().map(|sequence| best(sequence)).collect();
        tensors.extend(best.map(|best| (BEST_SAMPLE, bytes(&best))));
    }
    tensors.into_iter().map(|(name, tensor)| to_stored(name.to_owned(), &tensor)).collect()
}
