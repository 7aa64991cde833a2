//! Roll-outs of a split, scored frame by frame together with the copy-last-frame baseline.
//!
//! The noise of a prediction depends on its sequence and sample alone, and averages are taken over sequences, so
//! scores do not depend on the batch size, except for the rounding of libtorch's kernels.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::ControlFlow,
};

use tch::Tensor;

use super::{
    frame_metric::{FrameMetric, mean, of_set, score},
    networks::{FrameFeatures, Lpips, NetworkError, Networks},
    samples::{SampleCurves, statistics},
    scope::{Course, EvaluateError, Evaluation, Scope},
};
use crate::{
    libtorch::convert::{to_host, to_stored},
    train::batch::{self, Batch, Examples, FrameCounts},
};
use reprise_base::{
    config::protocol::{Protocol, RolloutProtocol},
    metrics::{FrameShape, frechet::frechet_distance},
    vocabulary::{
        MetricName, Predictor,
        rollouts::{BEST_SAMPLE, PREDICTION, SAMPLES, TRUTH},
    },
};
use reprise_data::Pack;
use reprise_store::store::{
    evaluation::{ClipFeatures, SequenceScores},
    event::Scores,
    tensors::StoredTensor,
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
) -> Result<Option<Evaluation>, EvaluateError> {
    let rollout = scope.protocol.rollout.expect("the protocol says how frames are predicted");
    let counts = FrameCounts::new(rollout.context, rollout.horizon);
    let total = scope.sequences(pack);
    let first: Vec<usize> = (0..total.min(KEPT_SEQUENCES)).collect();
    let mut shown = BTreeMap::new();
    let none = Networks::default();
    let (mut all, networks, mut after_batch) = match course {
        Course::Training => (Vec::new(), &none, None),
        Course::Recorded { known, networks, after_batch } => (known, networks, Some(after_batch)),
    };
    let scorer = Scorer { predictor, pack, scope, rollout, counts, device, networks };
    while all.len() < total {
        let scored = scorer.batch_from(all.len(), total, &first, &mut shown)?;
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
            scorer.batch_from(index - index % per_batch, total, &indices, &mut shown)?;
        }
    }
    let frames: Vec<&KeptSequence> = indices.iter().map(|index| &shown[index]).collect();
    let mut tensors = stored(&frames);
    tensors.extend(predictor.pictures(pack, scope, device));
    let names = selected.into_iter().map(|(_, name)| name).collect();
    let mut scores = averaged(&all);
    if let Some(network) = &networks.fvd {
        let name = network.name();
        for (predictor, value) in set_distances(&all) {
            scores.entry(predictor).or_default().insert(name.clone(), of_set(value));
        }
    }
    Ok(Some(Evaluation { scores, tensors, names }))
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

/// Returns the FVD of each predictor: all its clips against all true ones.
fn set_distances(all: &[SequenceScores]) -> Vec<(String, f64)> {
    let set = |name: &str| -> Vec<&[f32]> {
        let of_name = all.iter().filter_map(|it| it.features.get(name));
        of_name.flatten().map(|features| features.0.as_slice()).collect()
    };
    let truth = set(TRUTH);
    let predictors = [Predictor::Model, Predictor::CopyLastFrame].map(Predictor::as_str);
    predictors.map(|name| (name.to_owned(), frechet_distance(&truth, &set(name)))).into()
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
    networks: &'a Networks,
}

impl Scorer<'_> {
    /// Returns the metrics of frames, in the order of a row's curves.
    fn metrics(&self) -> Vec<MetricName> {
        let of_pixels = self.predictor.metrics().iter().map(|metric| metric.name());
        of_pixels.chain(self.networks.lpips.as_ref().map(|_| MetricName::Lpips)).collect()
    }

    /// Returns their names in records.
    fn names(&self) -> Vec<String> {
        let of_pixels = self.predictor.metrics().iter().map(|metric| metric.name().as_str());
        let lpips = self.networks.lpips.iter().map(Lpips::name);
        of_pixels.map(str::to_owned).chain(lpips).collect()
    }

    /// Scores the batch of sequences that begins with `first`, and saves the frames of `selected` ones.
    fn batch_from(
        &self,
        first: usize,
        total: usize,
        selected: &[usize],
        shown: &mut BTreeMap<usize, KeptSequence>,
    ) -> Result<Vec<SequenceScores>, NetworkError> {
        let last = (first + self.scope.sequences_per_batch()).min(total);
        let samples = self.rollout.samples.len();
        let row = |sequence| (0..samples).map(move |sample| SampleRow { sequence, sample });
        let rows: Vec<SampleRow> = (first..last).flat_map(row).collect();
        let mut scored: Vec<Vec<ScoredRow>> = (first..last).map(|_| Vec::new()).collect();
        for rows in rows.chunks(self.scope.batch_size) {
            for (row, scores) in rows.iter().zip(self.predicted(rows, selected, shown)?) {
                scored[row.sequence - first].push(scores);
            }
        }
        let of_sequences = (first..).zip(scored);
        Ok(of_sequences.map(|(sequence, samples)| self.combined(sequence, samples)).collect())
    }

    /// Predicts and scores rows.
    fn predicted(
        &self,
        rows: &[SampleRow],
        selected: &[usize],
        shown: &mut BTreeMap<usize, KeptSequence>,
    ) -> Result<Vec<ScoredRow>, NetworkError> {
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
        let mut in_features = self.in_features(rows, &batch.frames, &frames)?.into_iter();
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
            let RowFeatures { lpips, features } = in_features.next().unwrap_or_default();
            let [lpips_of_model, lpips_of_copied] = lpips;
            let mut model: Vec<Vec<f64>> = curves(&at, &predicted);
            model.extend(lpips_of_model);
            let mut copied = match row.sample {
                0 => curves(&|_| last.clone(), &truth),
                _ => Vec::new(),
            };
            copied.extend(lpips_of_copied);
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
            ScoredRow { model, copied, others, features }
        };
        Ok(rows.iter().zip(others).enumerate().map(score).collect())
    }

    /// Compares rows in the features of the networks; `truth` and `frames` are `[T, B, C, H, W]`.
    fn in_features(
        &self,
        rows: &[SampleRow],
        truth: &Tensor,
        frames: &Tensor,
    ) -> Result<Vec<RowFeatures>, NetworkError> {
        let mut all: Vec<RowFeatures> = rows.iter().map(|_| RowFeatures::default()).collect();
        let FrameCounts { context, total } = self.counts;
        let (start, horizon) = (batch::size(context), batch::size(total - context));
        let is_first = |row: &SampleRow| row.sample == 0;
        if let Some(network) = &self.networks.lpips {
            let mut of_truth: BTreeMap<usize, FrameFeatures> = BTreeMap::new();
            for (b, row) in rows.iter().enumerate() {
                let of = |frames: &Tensor, start, count| {
                    network.features(&frames.select(1, batch::size(b)).narrow(0, start, count))
                };
                let truth = match of_truth.entry(row.sequence) {
                    Entry::Occupied(known) => known.into_mut(),
                    // The last context frame is what the baseline repeats.
                    Entry::Vacant(new) => new.insert(of(truth, start - 1, horizon + 1)?),
                };
                let (truth, model) = (&*truth, of(frames, start, horizon)?);
                let steps = || 0..total - context;
                let distances = steps().map(|t| truth.distance(t + 1, &model, t)).collect();
                let copied = || steps().map(|t| truth.distance(t + 1, truth, 0)).collect();
                all[b].lpips = [Some(distances), is_first(row).then(copied)];
            }
        }
        if let Some(network) = &self.networks.fvd {
            let clips = |frames: &Tensor| frames.permute([1, 2, 0, 3, 4]); // [B, C, T, H, W]
            let model = network.features(&clips(frames))?;
            for (row, features) in all.iter_mut().zip(model) {
                row.features.push((Predictor::Model.as_str(), features));
            }
            let first: Vec<usize> = (0..rows.len()).filter(|&b| is_first(&rows[b])).collect();
            if !first.is_empty() {
                let places: Vec<i64> = first.iter().map(|&b| batch::size(b)).collect();
                let places = Tensor::from_slice(&places).to_device(truth.device());
                let truth = truth.index_select(1, &places);
                let last = truth.narrow(0, start - 1, 1);
                let repeated = last.repeat([horizon, 1, 1, 1, 1]);
                let copied = Tensor::cat(&[truth.narrow(0, 0, start), repeated], 0);
                let of_truth = network.features(&clips(&truth))?;
                let of_copied = network.features(&clips(&copied))?;
                for (b, (truth, copied)) in
                    first.into_iter().zip(of_truth.into_iter().zip(of_copied))
                {
                    all[b].features.push((TRUTH, truth));
                    all[b].features.push((Predictor::CopyLastFrame.as_str(), copied));
                }
            }
        }
        Ok(all)
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
        let names = self.names();
        let named = |curves: Vec<Vec<f64>>| -> BTreeMap<String, Vec<f64>> {
            names.iter().cloned().zip(curves).collect()
        };
        let mut by_frame = FrameScores::new();
        let mut curves = SampleCurves::new();
        let mut clips: BTreeMap<String, Vec<ClipFeatures>> = BTreeMap::new();
        for ScoredRow { model, copied, others, features } in samples {
            for (name, features) in features {
                clips.entry(name.to_owned()).or_default().push(ClipFeatures(features));
            }
            if !copied.is_empty() {
                by_frame.insert(Predictor::CopyLastFrame.as_str().to_owned(), named(copied));
                for (predictor, scores) in others {
                    by_frame.entry(predictor).or_default().extend(scores);
                }
            }
            curves.push(model);
        }
        let statistics = statistics(&self.metrics(), &curves);
        for (predictor, curves) in statistics.by_frame {
            let scores = by_frame.entry(predictor.as_str().to_owned()).or_default();
            scores.extend(named(curves));
        }
        let name = self.pack.sequence_name(self.scope.protocol.split, sequence).to_owned();
        let by_sample = named(statistics.by_sample);
        SequenceScores { name, by_frame, by_sample, features: clips }
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
    /// Features of clips in FVD's network, by predictor; those of the truth and the baseline only of the first sample.
    features: Vec<(&'static str, Vec<f32>)>,
}

/// What feature networks say about a row.
#[derive(Default)]
struct RowFeatures {
    /// LPIPS by predicted frame: of the model, and, of the first sample, of the copy-last-frame baseline.
    lpips: [Option<Vec<f64>>; 2],
    features: Vec<(&'static str, Vec<f32>)>,
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
