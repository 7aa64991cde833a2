//! The Recombinator Network in training (seed document 004, section Training).
//!
//! A sequence is a picture, its position the keypoints, already as the network learns them:
//! (p − 48) / 48 of a coordinate p in pixels. [`predict`] is what `reprise predict` shows pictures to.

use std::collections::BTreeMap;

use tch::{Device, Kind, Tensor};

use super::{
    batch::{self, Examples, size},
    evaluate::{Evaluation, MODEL, Scope},
    state::{StateError, TrainState},
    system::{At, Divergence, Horizon, Scalars, System, UnfitData},
};
use crate::{
    config::{
        RunSpec,
        model::{
            RcnSpec,
            rcn::{Dropout, HALF_SIDE, Keep, PredictionDropout},
        },
    },
    data::{Pack, Split, kaggle::SIDE},
    libtorch::convert::to_stored,
    metrics::keypoints::{Keypoint, SquaredErrors, keypoints},
    models::rcn::{
        DropoutPass, DropoutUniforms, Rcn, Sizes, Variant,
        training::{self, objective, rmse, rmse_pixels},
    },
    nn::params::Builder,
    rng::streams::{Draws, Stream},
    scalar::Seed,
    store::{
        event::{Score, Scores},
        record::SeriesDefinition,
        tensors::StoredTensor,
    },
};

/// Name of the baseline that predicts the mean position of the training pictures for every picture.
pub const MEAN_POSITION: &str = "mean_position";

/// Stream of the uniforms behind the flattened map, by step.
const FLAT_STREAM: &str = "dropout/flat";
/// Stream of the uniforms behind the first fully connected layer, by step.
const HIDDEN_STREAM: &str = "dropout/hidden";
/// Stream of the uniforms of predictions, by split and picture.
const PREDICTION_STREAM: &str = "prediction_dropout";
/// The pictures of `reprise predict` count as a split of their own.
const UNSEEN: &str = "unseen";

/// The last layer's bias, which has an element for each coordinate.
const LAST_BIAS: &str = "fc2.b";

/// Pictures that are kept for the report.
const KEPT_PICTURES: usize = 6;

/// A picture is a sequence of one frame, and nothing follows it.
const ONE_FRAME: Horizon = Horizon { context: 0, frames: 1 };

/// Refuses pictures of another size than the document's, and pictures without keypoints.
///
/// # Errors
/// If they have.
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
    sizes: Sizes,
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

    /// Returns the uniforms of an update with so many pictures; nothing if nothing is dropped.
    fn training_uniforms(&self, pictures: usize, at: At) -> Option<(Keep, DropoutUniforms)> {
        let Dropout::Keep(keep) = self.dropout else { return None };
        let draws = |name: &str| [Stream::new(self.seed, name).at(at.step.0)];
        let rows = size(pictures);
        let uniforms = DropoutUniforms {
            flat: uniforms(&mut draws(FLAT_STREAM), rows, self.sizes.flat()),
            hidden: uniforms(&mut draws(HIDDEN_STREAM), rows, self.sizes.hidden),
        };
        Some((keep, uniforms))
    }

    /// Returns the uniforms of predictions, for each picture its own whatever batch it is in; nothing
    /// if nothing is dropped.
    fn prediction_uniforms(&self, of: &str, pictures: &[u64]) -> Option<(Keep, DropoutUniforms)> {
        let keep = match (self.prediction, self.dropout) {
            (PredictionDropout::AsInTraining, Dropout::Keep(keep)) => keep,
            (PredictionDropout::Off, _) | (_, Dropout::Off) => return None,
        };
        let stream = Stream::new(self.seed, &format!("{PREDICTION_STREAM}/{of}"));
        let mut draws: Vec<Draws> = pictures.iter().map(|&picture| stream.at(picture)).collect();
        let flat = uniforms(&mut draws, 1, self.sizes.flat());
        let hidden = uniforms(&mut draws, 1, self.sizes.hidden);
        Some((keep, DropoutUniforms { flat, hidden }))
    }

    /// Predicts scaled coordinates, a row a picture, of pictures `[B, 1, 96, 96]` in [0, 1].
    fn predict(&self, images: &Tensor, of: &str, pictures: &[u64]) -> Vec<f32> {
        let drawn = self.prediction_uniforms(of, pictures).map(|drawn| on(drawn, images.device()));
        host(&training::predict(&self.model, images, &pass(drawn.as_ref())))
    }
}

/// Returns what the network of a run is made of.
const fn variant(rcn: &RcnSpec) -> Variant {
    Variant {
        recombination: rcn.recombination,
        activation: rcn.activation,
        dense_weights: rcn.dense_weights,
    }
}

/// Returns the sizes of the network of a run.
fn sizes(rcn: &RcnSpec, coordinates: usize) -> Sizes {
    Sizes {
        height: size(SIDE),
        width: size(SIDE),
        channels: 1,
        hidden: rcn.hidden_units.size(),
        coordinates: size(coordinates),
    }
}

/// Weights to predict with.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// Every tensor of the model.
    pub tensors: &'a [StoredTensor],
    /// Where they go.
    pub device: Device,
}

/// Predicts keypoints in pixels with given weights, a row a picture.
///
/// `pictures` are grey values, 96×96 each. Dropout is what the run's settings say; its uniforms belong
/// to the place of a picture.
///
/// # Errors
/// If the weights do not fit the model.
pub fn predict(
    spec: &RunSpec,
    rcn: &RcnSpec,
    weights: Weights<'_>,
    pictures: &[&[u8]],
) -> Result<Vec<Vec<f64>>, StateError> {
    let Weights { tensors, device } = weights;
    let coordinates = tensors.iter().find(|tensor| tensor.name == LAST_BIAS);
    let coordinates = coordinates.map_or(0, |bias| bias.shape.iter().product());
    let mut system = RcnSystem::new(spec, rcn, coordinates, device);
    system.state.load_model(tensors)?;
    let mut predicted = Vec::with_capacity(pictures.len());
    let batch_size = spec.evaluation.batch_size.len();
    for (batch, pictures) in pictures.chunks(batch_size).enumerate() {
        let first = (batch * batch_size) as u64;
        let places: Vec<u64> = (first..).take(pictures.len()).collect();
        let grey = Tensor::from_slice(&pictures.concat()).to_device(device);
        let images = batch::unit(&grey.view([-1, 1, size(SIDE), size(SIDE)]));
        let scaled = system.predict(&images, UNSEEN, &places);
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
        self.state.params.zero_grad();
        let objective = objective(&self.model, &load(examples), &pass(drawn.as_ref()));
        objective.loss.backward();
        let loss = objective.loss.double_value(&[]);
        let scalars = Scalars::from([("loss", loss), ("rmse", rmse(loss))]);
        // Where the original says "gradient vanished/exploded".
        Divergence::check(&scalars)?;
        self.state.step();
        Ok(scalars)
    }

    fn evaluate(&self, pack: &Pack, scope: Scope, device: Device) -> Evaluation {
        let Scope { split, sequences, batch_size, .. } = scope;
        let indices: Vec<usize> = (0..sequences.min(pack.sequences(split))).collect();
        let mean = mean_position(pack);
        let (mut model, mut baseline) = (SquaredErrors::default(), SquaredErrors::default());
        let mut kept = Kept::new(pack);
        for indices in indices.chunks(batch_size) {
            let images = load(&Examples { pack, split, indices, device }).images;
            let places: Vec<u64> = indices.iter().map(|&index| index as u64).collect();
            let predicted = self.predict(&images, split.name(), &places);
            for (&index, predicted) in indices.iter().zip(predicted.chunks(mean.len())) {
                let truth = pack.sequence(split, index).positions;
                model.add(truth, predicted);
                baseline.add(truth, &mean);
                kept.picture(pack, split, index, predicted);
            }
        }
        let scores = [(MODEL, &model), (MEAN_POSITION, &baseline)]
            .map(|(name, errors)| (name.to_owned(), scores(errors)));
        let tensors = kept.tensors([&model, &baseline]);
        Evaluation { scores: Scores::from(scores), pictures: tensors, names: kept.names }
    }

    fn choosing_metric(&self) -> &'static str {
        "rmse"
    }

    fn series(&self) -> Vec<(&'static str, SeriesDefinition)> {
        let define = SeriesDefinition::new;
        vec![
            (
                "loss",
                define(
                    "training loss",
                    "",
                    "mean squared error over the batch and all coordinates, (pixel - 48) / 48, with \
                     the update's dropout",
                ),
            ),
            (
                "rmse",
                define(
                    "training RMSE",
                    "",
                    "root of the training loss; the document's 0.03528 is the root of such a loss, \
                     mean over the batches of its last epoch",
                ),
            ),
        ]
    }

    fn streams(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            (FLAT_STREAM, "which pixels of the flattened map are kept, by step"),
            (HIDDEN_STREAM, "which units of the first fully connected layer are kept, by step"),
            (
                "prediction_dropout/SPLIT",
                "which activations a prediction keeps, by picture, if it drops any",
            ),
        ]
    }
}

/// Returns the scores of all pictures; there are no frames to list.
fn scores(errors: &SquaredErrors) -> BTreeMap<String, Score> {
    let score = |of: fn(f64) -> f64| Score {
        mean: of(errors.mean()),
        by_frame: Vec::new(),
        by_sequence: errors.by_image().into_iter().map(of).collect(),
    };
    BTreeMap::from([
        ("rmse".to_owned(), score(rmse)),
        ("rmse_pixels".to_owned(), score(rmse_pixels)),
    ])
}

/// Returns the mean of each coordinate over all training pictures, scaled.
fn mean_position(pack: &Pack) -> Vec<f64> {
    let pictures = pack.sequences(Split::Train);
    let mut sums = vec![0.0; pack.position_size()];
    for index in 0..pictures {
        let positions = pack.sequence(Split::Train, index).positions;
        for (sum, &position) in sums.iter_mut().zip(positions) {
            *sum += f64::from(position);
        }
    }
    sums.into_iter().map(|sum| sum / pictures as f64).collect()
}

/// What an evaluation keeps for the report.
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

    fn picture(&mut self, pack: &Pack, split: Split, index: usize, predicted: &[f32]) {
        if self.names.len() == KEPT_PICTURES {
            return;
        }
        let sequence = pack.sequence(split, index);
        self.names.push(pack.sequence_name(split, index).to_owned());
        self.grey.extend(sequence.frames);
        for keypoint in &self.keypoints {
            // Only a point with both coordinates can be drawn.
            let &[x, y] = keypoint.columns.as_slice() else { continue };
            self.truth.extend([x, y].map(|column| pixels(sequence.positions[column])));
            self.prediction.extend([x, y].map(|column| pixels(predicted[column])));
        }
    }

    /// Returns `keypoints/picture` u8 `[N, 96, 96]`, `keypoints/truth` and `keypoints/prediction` in
    /// pixels `[N, points, 2]`, and for every keypoint `keypoints/rmse_pixels/NAME` `[2]`: the errors of
    /// model and baseline over the whole split.
    fn tensors(&self, errors: [&SquaredErrors; 2]) -> Vec<StoredTensor> {
        let pictures = size(self.names.len());
        if pictures == 0 {
            return Vec::new();
        }
        let stored = |name: &str, tensor: &Tensor| to_stored(format!("keypoints/{name}"), tensor);
        let grey = Tensor::from_slice(&self.grey).view([pictures, size(SIDE), size(SIDE)]);
        let floats = |values: &[f64]| Tensor::from_slice(values).to_kind(Kind::Float);
        let points = |values: &[f64]| floats(values).view([pictures, -1, 2]);
        let mut tensors = vec![stored("picture", &grey)];
        if !self.truth.is_empty() {
            tensors.push(stored("prediction", &points(&self.prediction)));
            tensors.push(stored("truth", &points(&self.truth)));
        }
        tensors.extend(self.keypoints.iter().map(|keypoint| {
            let errors = errors.map(|errors| rmse_pixels(errors.of(keypoint)));
            stored(&format!("rmse_pixels/{}", keypoint.name), &floats(&errors))
        }));
        tensors
    }
}

/// Turns a scaled coordinate into pixels.
fn pixels(scaled: f32) -> f64 {
    HALF_SIDE * f64::from(scaled) + HALF_SIDE
}

fn load(examples: &Examples<'_>) -> training::Examples {
    let batch = batch::load(examples, ONE_FRAME);
    // A view, not `squeeze`: which kernel computes a convolution, and so its last bits, depends even on
    // the stride of an axis of one channel.
    let images = batch.frames.view([-1, 1, size(SIDE), size(SIDE)]);
    training::Examples { images, positions: batch.condition.squeeze_dim(0) }
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

/// Draws `rows` rows of so many columns from each of the draws, one after the other.
fn uniforms(draws: &mut [Draws], rows: i64, columns: i64) -> Tensor {
    let each = usize::try_from(rows * columns).expect("sizes are not negative");
    let mut values = vec![0.0; draws.len() * each];
    for (draws, values) in draws.iter_mut().zip(values.chunks_mut(each.max(1))) {
        draws.fill_uniform(values);
    }
    Tensor::from_slice(&values).to_kind(Kind::Float).view([-1, columns])
}

/// Copies a tensor to host memory as f32.
fn host(tensor: &Tensor) -> Vec<f32> {
    let tensor = tensor.to_device(Device::Cpu).to_kind(Kind::Float).contiguous();
    let mut values = vec![0.0; tensor.numel()];
    tensor.copy_data(&mut values, tensor.numel());
    values
}

#[cfg(test)]
mod tests;
