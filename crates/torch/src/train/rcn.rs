//! Training of the Recombinator Network (section Training of the original's notebook).
//!
//! A sequence is an image, its position the keypoints in the network's units: (p − 48) / 48 for a
//! coordinate p in pixels. [`predict`] implements `reprise generate`.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use super::{
    batch::{self, Examples, FrameCounts, size},
    evaluate::{Evaluation, Judge, NetworkError, Networks, Scope, Scoring},
    state::{StateError, TrainState},
    system::{At, Divergence, Scalars, System, UnfitData},
    trained::Trained,
};
use crate::{
    libtorch::convert::{to_host, to_stored},
    models::rcn::{
        DropoutPass, DropoutUniforms, Rcn, RcnSizes, RcnVariant,
        training::{self, objective, rmse, rmse_pixels},
    },
    nn::params::Builder,
};
use reprise_base::{
    config::{
        RunSpec,
        model::{
            RcnSpec,
            rcn::{Dropout, HALF_SIDE, Keep, PredictionDropout},
        },
    },
    metrics::keypoints::{Keypoint, SquaredErrors, keypoints},
    rng::streams::{Draws, Stream},
    scalar::Seed,
    vocabulary::{
        MetricName, Predictor, SeriesName,
        rollouts::{KEYPOINT_IMAGES, KEYPOINT_PREDICTION, KEYPOINT_RMSE_PREFIX, KEYPOINT_TRUTH},
    },
};
use reprise_data::{Pack, Split, kaggle::SIDE};
use reprise_store::store::{
    event::{Score, Scores},
    record::SeriesDefinition,
    tensors::StoredTensor,
};

/// Stream of the uniforms for the flattened map, by step.
const FLAT_STREAM: &str = "dropout/flat";
/// Stream of the uniforms for the first fully connected layer, by step.
const HIDDEN_STREAM: &str = "dropout/hidden";
/// Stands in for the split in the stream name of images of no data set.
const UNSEEN: &str = "unseen";

/// Bias of the last layer, with one element per coordinate.
const LAST_BIAS: &str = "fc2.b";

/// Images that are saved for the report.
const KEPT_IMAGES: usize = 16;

/// An image is a sequence of one frame.
const ONE_FRAME: FrameCounts = FrameCounts { context: 0, total: 1 };

/// Checks that images have the original's size and that there are keypoints.
///
/// # Errors
/// If images have another size or no keypoints.
pub fn check_data(pack: &Pack) -> Result<(), UnfitData> {
    let (expected, found) = ([SIDE, SIDE, 1], pack.frame_shape());
    if found != expected {
        return Err(UnfitData::FrameShape { expected, found });
    }
    if pack.position_names().is_empty() {
        return Err(UnfitData::NoKeypoints);
    }
    Ok(())
}

/// Model and optimizer of a run.
#[derive(Debug)]
pub struct RcnSystem {
    model: Rcn,
    sizes: RcnSizes,
    state: TrainState,
    seed: Seed,
    dropout: Dropout,
    prediction: PredictionDropout,
}

impl RcnSystem {
    /// Builds the model with its initial weights.
    pub fn new(spec: &RunSpec, rcn: &RcnSpec, coordinates: usize, device: Device) -> Self {
        let builder = Builder::new(spec.seed, Kind::Float, device);
        let sizes = sizes(rcn, coordinates);
        let model = Rcn::new(&builder, variant(rcn), sizes);
        let params = builder.finish();
        Self {
            model,
            sizes,
            state: TrainState::new(spec.optimizer, params),
            seed: spec.seed,
            dropout: rcn.dropout,
            prediction: rcn.prediction,
        }
    }

    /// Returns the uniforms of an update, or `None` without dropout.
    fn training_uniforms(&self, images: usize, at: At) -> Option<(Keep, DropoutUniforms)> {
        let Dropout::Keep(keep) = self.dropout else { return None };
        let draws = |name: &str| [Stream::new(self.seed, name).at(at.batch.0)];
        let rows = size(images);
        let uniforms = DropoutUniforms {
            flat: uniforms(&mut draws(FLAT_STREAM), rows, self.sizes.flat()),
            hidden: uniforms(&mut draws(HIDDEN_STREAM), rows, self.sizes.hidden),
        };
        Some((keep, uniforms))
    }

    /// Returns the uniforms of predictions, or `None` without dropout. They depend on the index of an
    /// image within its split, not on its batch.
    fn prediction_uniforms(
        &self,
        seed: Seed,
        split: &str,
        indices: &[u64],
    ) -> Option<(Keep, DropoutUniforms)> {
        let keep = match (self.prediction, self.dropout) {
            (PredictionDropout::AsInTraining, Dropout::Keep(keep)) => keep,
            (PredictionDropout::Off, _) | (_, Dropout::Off) => return None,
        };
        let stream = Stream::new(seed, &prediction_stream_name(split));
        let mut draws: Vec<Draws> = indices.iter().map(|&index| stream.at(index)).collect();
        let flat = uniforms(&mut draws, 1, self.sizes.flat());
        let hidden = uniforms(&mut draws, 1, self.sizes.hidden);
        Some((keep, DropoutUniforms { flat, hidden }))
    }

    /// Predicts scaled coordinates of images `[B, 1, 96, 96]` in [0, 1], one row per image.
    fn predict(&self, images: &Tensor, seed: Seed, split: &str, indices: &[u64]) -> Vec<f32> {
        let drawn = self.prediction_uniforms(seed, split, indices);
        let drawn = drawn.map(|drawn| on(drawn, images.device()));
        to_host(&training::predict(&self.model, images, &pass(drawn.as_ref())))
    }
}

const fn variant(rcn: &RcnSpec) -> RcnVariant {
    RcnVariant {
        recombination: rcn.recombination,
        activation: rcn.activation,
        dense_weights: rcn.dense_weights,
    }
}

fn sizes(rcn: &RcnSpec, coordinates: usize) -> RcnSizes {
    RcnSizes {
        height: size(SIDE),
        width: size(SIDE),
        channels: 1,
        hidden: rcn.hidden_units.size(),
        coordinates: size(coordinates),
    }
}

/// The images whose keypoints are to be predicted; their place decides their dropout mask, if there is one.
#[derive(Clone, Copy, Debug)]
pub enum KeypointImages<'a> {
    /// Images of a data set: places within a split.
    Known { pack: &'a Pack, split: Split, seed: Seed, indices: &'a [usize] },
    /// Other images: grey values, 96×96 each.
    Unseen(&'a [&'a [u8]]),
}

/// Predicts keypoints in pixels, one row per image. Dropout follows the settings of the run.
///
/// # Errors
/// If the weights do not fit the model.
pub fn predict(
    trained: Trained<'_>,
    rcn: &RcnSpec,
    images: KeypointImages<'_>,
) -> Result<Vec<Vec<f64>>, StateError> {
    let Trained { spec, tensors, device } = trained;
    let coordinates = tensors.iter().find(|tensor| tensor.name == LAST_BIAS);
    let coordinates = coordinates.map_or(0, |bias| bias.shape.iter().product());
    let mut system = RcnSystem::new(spec, rcn, coordinates, device);
    system.state.load_model(tensors)?;
    let (split, seed) = match images {
        KeypointImages::Known { split, seed, .. } => (split.name(), seed),
        KeypointImages::Unseen(_) => (UNSEEN, spec.seed),
    };
    let images: Vec<(u64, &[u8])> = match images {
        KeypointImages::Known { pack, split, indices, .. } => {
            indices.iter().map(|&at| (at as u64, pack.sequence(split, at).frames)).collect()
        }
        KeypointImages::Unseen(images) => (0..).zip(images.iter().copied()).collect(),
    };
    let mut predicted = Vec::with_capacity(images.len());
    for images in images.chunks(spec.evaluation.batch_size.len()) {
        let (indices, grey): (Vec<u64>, Vec<&[u8]>) = images.iter().copied().unzip();
        let grey = Tensor::from_slice(&grey.concat()).to_device(device);
        let images = batch::unit(&grey.view([-1, 1, size(SIDE), size(SIDE)]));
        let scaled = system.predict(&images, seed, split, &indices);
        predicted.extend(
            scaled.chunks(coordinates).map(|row| row.iter().copied().map(pixels).collect()),
        );
    }
    Ok(predicted)
}

impl System for RcnSystem {
    fn state(&self) -> &TrainState {
        &self.state
    }

    fn state_mut(&mut self) -> &mut TrainState {
        &mut self.state
    }

    fn update(&mut self, examples: &Examples<'_>, at: At) -> Result<Scalars, Divergence> {
        let drawn = self.training_uniforms(examples.indices.len(), at);
        let drawn = drawn.map(|drawn| on(drawn, examples.device));
        self.state.zero_grad();
        let objective = objective(&self.model, &load(examples), &pass(drawn.as_ref()));
        self.state.backward(&objective.loss);
        let loss = objective.loss.double_value(&[]);
        let scalars = Scalars::from([(SeriesName::Loss, loss), (SeriesName::Rmse, rmse(loss))]);
        // The original reports "gradient vanished/exploded" here.
        Divergence::check(&scalars)?;
        self.state.step();
        Ok(scalars)
    }

    fn scoring(&self) -> Scoring<'_> {
        Scoring::Whole(self)
    }

    fn choosing_metric(&self) -> MetricName {
        MetricName::Rmse
    }

    fn series(&self) -> Vec<(SeriesName, SeriesDefinition)> {
        let define = SeriesDefinition::new;
        vec![
            (
                SeriesName::Loss,
                define(
                    "training loss",
                    "",
                    "mean squared error over the batch and all coordinates, (pixel - 48) / 48, with \
                     the update's dropout",
                ),
            ),
            (
                SeriesName::Rmse,
                define(
                    "training RMSE",
                    "",
                    "root of the training loss; the original reports 0.03528, the root of its mean loss \
                     over the batches of the last epoch",
                ),
            ),
        ]
    }

    fn streams(&self) -> Vec<(String, &'static str)> {
        vec![
            (FLAT_STREAM.to_owned(), "dropout of the flattened map, by step"),
            (HIDDEN_STREAM.to_owned(), "dropout of the first fully connected layer, by step"),
            (prediction_stream_name("SPLIT"), "dropout of predictions, by image, if any"),
        ]
    }
}

impl Judge for RcnSystem {
    fn judge(
        &self,
        pack: &Pack,
        scope: Scope,
        _: &Networks,
        device: Device,
    ) -> Result<Evaluation, NetworkError> {
        let Scope { protocol, batch_size } = scope;
        let split = protocol.split;
        let indices: Vec<usize> = (0..scope.sequences(pack)).collect();
        let mean = mean_position(pack);
        let (mut model, mut baseline) = (SquaredErrors::default(), SquaredErrors::default());
        let mut kept = Kept::new(pack);
        for indices in indices.chunks(batch_size) {
            let images = load(&Examples { pack, split, indices, device }).images;
            let all: Vec<u64> = indices.iter().map(|&index| index as u64).collect();
            let predicted = self.predict(&images, protocol.seed, split.name(), &all);
            for (&index, predicted) in indices.iter().zip(predicted.chunks(mean.len())) {
                let truth = pack.sequence(split, index).positions;
                model.add(truth, predicted);
                baseline.add(truth, &mean);
                kept.add(pack, split, index, predicted);
            }
        }
        let scores = [(Predictor::Model, &model), (Predictor::MeanPosition, &baseline)]
            .map(|(name, errors)| (name.as_str().to_owned(), scores(errors)));
        let tensors = kept.tensors([&model, &baseline]);
        Ok(Evaluation { scores: Scores::from(scores), tensors, names: kept.names })
    }
}

/// Returns the name of the stream of the uniforms of predictions, by image.
fn prediction_stream_name(split: &str) -> String {
    format!("prediction_dropout/{split}")
}

/// Returns the scores of all images; an image has no scores by frame.
fn scores(errors: &SquaredErrors) -> BTreeMap<String, Score> {
    let score = |of: fn(f64) -> f64| Score {
        mean: of(errors.mean()),
        by_frame: Vec::new(),
        by_sequence: errors.by_image().into_iter().map(of).collect(),
    };
    BTreeMap::from([
        (MetricName::Rmse.as_str().to_owned(), score(rmse)),
        (MetricName::RmsePixels.as_str().to_owned(), score(rmse_pixels)),
    ])
}

/// Returns the mean of each scaled coordinate over all training images.
fn mean_position(pack: &Pack) -> Vec<f64> {
    let images = pack.sequences(Split::Train);
    let mut sums = vec![0.0; pack.position_size()];
    for index in 0..images {
        let positions = pack.sequence(Split::Train, index).positions;
        for (sum, &position) in sums.iter_mut().zip(positions) {
            *sum += f64::from(position);
        }
    }
    sums.into_iter().map(|sum| sum / images as f64).collect()
}

/// The images of an evaluation that are saved for the report.
#[derive(Debug)]
struct Kept {
    keypoints: Vec<Keypoint>,
    names: Vec<String>,
    grey: Vec<u8>,
    truth: Vec<f64>,
    prediction: Vec<f64>,
}

impl Kept {
    fn new(pack: &Pack) -> Self {
        let keypoints = keypoints(pack.position_names());
        let (names, grey) = (Vec::new(), Vec::new());
        Self { keypoints, names, grey, truth: Vec::new(), prediction: Vec::new() }
    }

    fn add(&mut self, pack: &Pack, split: Split, index: usize, predicted: &[f32]) {
        if self.names.len() == KEPT_IMAGES {
            return;
        }
        let sequence = pack.sequence(split, index);
        self.names.push(pack.sequence_name(split, index).to_owned());
        self.grey.extend(sequence.frames);
        for keypoint in &self.keypoints {
            // The report draws only keypoints with both coordinates.
            let &[x, y] = keypoint.columns.as_slice() else { continue };
            self.truth.extend([x, y].map(|column| pixels(sequence.positions[column])));
            self.prediction.extend([x, y].map(|column| pixels(predicted[column])));
        }
    }

    /// Returns the tensors `keypoints/…` of [`rollouts`](reprise_base::vocabulary::rollouts). The errors of
    /// keypoints are those over the whole split, of the model and of the baseline.
    fn tensors(&self, errors: [&SquaredErrors; 2]) -> Vec<StoredTensor> {
        let images = size(self.names.len());
        if images == 0 {
            return Vec::new();
        }
        let stored = |name: &str, tensor: &Tensor| to_stored(name.to_owned(), tensor);
        let grey = Tensor::from_slice(&self.grey).view([images, size(SIDE), size(SIDE)]);
        let floats = |values: &[f64]| Tensor::from_slice(values).to_kind(Kind::Float);
        let points = |values: &[f64]| floats(values).view([images, -1, 2]);
        let mut tensors = vec![stored(KEYPOINT_IMAGES, &grey)];
        if !self.truth.is_empty() {
            tensors.push(stored(KEYPOINT_PREDICTION, &points(&self.prediction)));
            tensors.push(stored(KEYPOINT_TRUTH, &points(&self.truth)));
        }
        tensors.extend(self.keypoints.iter().map(|keypoint| {
            let errors = errors.map(|errors| rmse_pixels(errors.of(keypoint)));
            stored(&format!("{KEYPOINT_RMSE_PREFIX}{}", keypoint.name), &floats(&errors))
        }));
        tensors
    }
}

/// Converts a scaled coordinate to pixels.
fn pixels(scaled: f32) -> f64 {
    HALF_SIDE * f64::from(scaled) + HALF_SIDE
}

fn load(examples: &Examples<'_>) -> training::KeypointBatch {
    let batch = batch::load(examples, ONE_FRAME);
    // A view, not `squeeze`: the stride of an axis of length 1 decides which convolution kernel is
    // used, and so the last bits.
    let images = batch.frames.view([-1, 1, size(SIDE), size(SIDE)]);
    training::KeypointBatch { images, positions: batch.condition.squeeze_dim(0) }
}

fn pass(drawn: Option<&(Keep, DropoutUniforms)>) -> DropoutPass<'_> {
    match drawn {
        Some((keep, uniforms)) => DropoutPass::Drawn { keep: *keep, uniforms },
        None => DropoutPass::Off,
    }
}

fn on((keep, drawn): (Keep, DropoutUniforms), device: Device) -> (Keep, DropoutUniforms) {
    let DropoutUniforms { flat, hidden } = drawn;
    (keep, DropoutUniforms { flat: flat.to_device(device), hidden: hidden.to_device(device) })
}

/// Draws `rows` rows of `columns` uniforms from each stream in turn.
fn uniforms(draws: &mut [Draws], rows: i64, columns: i64) -> Tensor {
    let each = usize::try_from(rows * columns).expect("sizes are not negative");
    let mut values = vec![0.0; draws.len() * each];
    for (draws, values) in draws.iter_mut().zip(values.chunks_mut(each.max(1))) {
        draws.fill_uniform(values);
    }
    Tensor::from_slice(&values).to_kind(Kind::Float).view([-1, columns])
}

#[cfg(test)]
mod tests;
