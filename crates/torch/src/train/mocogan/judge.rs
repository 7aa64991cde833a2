//! Scoring of generated videos against held-out real ones.
//!
//! A generated frame has no true frame, so sets of videos are compared
//! ([`metrics::distribution`](reprise_base::metrics::distribution)).

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::{
    MocoganSystem,
    real::{Cutting, category, signed},
};
use crate::{
    libtorch::convert::{to_host, to_stored},
    models::mocogan::VideoGenerator,
    nn::Mode,
    train::{
        batch::{size, unit},
        evaluate::{Evaluation, Fvd, Judge, NetworkError, Networks, Scope, of_set},
        noise::RolloutNoise,
    },
};
use reprise_base::{
    metrics::{
        distribution::{ClassMeans, Described, VideoShape, energy_distance},
        frechet::frechet_distance,
    },
    vocabulary::{
        MetricName, Predictor,
        rollouts::{GENERATED_VIDEOS, REAL_VIDEOS},
    },
};
use reprise_data::{Pack, Split};
use reprise_store::store::{event::Score, tensors::StoredTensor};

/// Videos that are cut out of each held-out sequence.
const VIDEOS_PER_SEQUENCE: usize = 6;
/// Videos of each category that are saved for the report.
const SHOWN_VIDEOS: usize = 3;

/// Scores of one predictor by metric.
type SetScores = BTreeMap<String, Score>;

/// Videos with their categories.
struct RealVideos {
    shape: VideoShape,
    /// Each `[T, H, W, C]`.
    bytes: Vec<Vec<u8>>,
    categories: Vec<usize>,
}

impl RealVideos {
    /// Cuts videos out of evenly spaced sequences of a split.
    fn cut(
        cutting: Cutting,
        pack: &Pack,
        request: RealVideosRequest,
        categories: &[String],
    ) -> Self {
        let RealVideosRequest { split, sequences, per_sequence } = request;
        let mut videos =
            Self { shape: cutting.shape(pack), bytes: Vec::new(), categories: Vec::new() };
        let available = pack.sequences(split);
        let sequences = sequences.min(available);
        for number in 0..sequences {
            let index = number * available / sequences;
            let name = category(pack.sequence_name(split, index));
            let class = categories.iter().position(|known| known == name).unwrap_or(0);
            videos.bytes.extend(cutting.spread(&pack.sequence(split, index), per_sequence));
            videos.categories.extend(std::iter::repeat_n(class, per_sequence));
        }
        videos
    }

    fn described(&self) -> DescribedSet {
        let videos = self.bytes.iter().map(|video| Described::new(video, self.shape)).collect();
        DescribedSet { videos, categories: self.categories.clone() }
    }
}

/// Which real videos to cut.
#[derive(Clone, Copy)]
struct RealVideosRequest {
    split: Split,
    /// Maximum number of sequences.
    sequences: usize,
    per_sequence: usize,
}

/// Descriptors of a set of videos.
struct DescribedSet {
    videos: Vec<Described>,
    categories: Vec<usize>,
}

impl DescribedSet {
    fn part(&self, part: fn(&Described) -> &[f64]) -> Vec<&[f64]> {
        self.videos.iter().map(part).collect()
    }
}

impl Judge for MocoganSystem {
    /// Scores generated videos and baselines against as many held-out videos.
    fn judge(
        &self,
        pack: &Pack,
        scope: Scope,
        networks: &Networks,
        _: tch::Device,
    ) -> Result<Evaluation, NetworkError> {
        let (split, sequences) = (scope.protocol.split, scope.protocol.sequences.len());
        let cut = |request| RealVideos::cut(self.cutting, pack, request, &self.categories);
        let held_out =
            cut(RealVideosRequest { split, sequences, per_sequence: VIDEOS_PER_SEQUENCE });
        let count = held_out.bytes.len();
        let sequences = pack.sequences(Split::Train).min(count);
        let per_sequence = count.div_ceil(sequences);
        let real = cut(RealVideosRequest { split: Split::Train, sequences, per_sequence });
        let training = real.described();
        let reference = ReferenceVideos::new(self, held_out.described(), &training);

        let shown = SHOWN_VIDEOS * self.category_count();
        let generated = self.generate(&self.model.generator, count.max(shown), scope);
        let mut of_model = reference.scores(&self.describe(&generated[..count], held_out.shape));
        if self.is_conditional() {
            let share = self.recognized(&held_out, scope);
            of_model.insert(MetricName::RecognitionAccuracy.as_str().to_owned(), of_set(share));
        }
        let mut of_real = reference.distances(&training);
        of_real.extend(reference.accuracy(&reference.held_out));
        let untrained = self.generate(&self.untrained().generator, count, scope);
        let mean = DescribedSet {
            videos: vec![Described::mean(&training.videos)],
            categories: Vec::new(),
        };
        let untrained_scores = reference.scores(&self.describe(&untrained, held_out.shape));
        let mut scores = [
            (Predictor::Model, of_model),
            (Predictor::RealVideos, of_real),
            (Predictor::UntrainedGenerator, untrained_scores),
            (Predictor::MeanVideo, reference.distances(&mean)),
        ];
        if let Some(network) = &networks.fvd {
            let name = network.name();
            let of = |videos: &[Vec<u8>]| self.features(network, videos, held_out.shape);
            let truth = of(&held_out.bytes)?;
            for (predictor, videos) in [
                (Predictor::Model, &generated[..count]),
                (Predictor::RealVideos, &real.bytes),
                (Predictor::UntrainedGenerator, &untrained),
            ] {
                let distance = frechet_distance(&slices(&truth), &slices(&of(videos)?));
                let of_predictor = scores.iter_mut().find(|(it, _)| *it == predictor);
                of_predictor.expect("it is scored").1.insert(name.clone(), of_set(distance));
            }
        }
        let (tensors, names) = self.tensors(&generated, &held_out);
        Ok(Evaluation {
            scores: scores.map(|(name, scores)| (name.as_str().to_owned(), scores)).into(),
            tensors,
            names,
        })
    }
}

impl MocoganSystem {
    /// Describes generated videos, numbered from 0.
    fn describe(&self, generated: &[Vec<u8>], shape: VideoShape) -> DescribedSet {
        let videos = generated.iter().map(|video| Described::new(video, shape)).collect();
        let categories = (0..generated.len()).map(|number| self.requested(number)).collect();
        DescribedSet { videos, categories }
    }

    /// Computes the features of videos in FVD's network.
    fn features(
        &self,
        network: &Fvd,
        videos: &[Vec<u8>],
        shape: VideoShape,
    ) -> Result<Vec<Vec<f32>>, NetworkError> {
        let VideoShape { frames, height, width, channels } = shape;
        let shape = [frames, height, width, channels].map(size);
        let of = |video: &Vec<u8>| {
            let pixels = unit(&Tensor::from_slice(video).to_device(self.device).view(shape));
            network.features(&pixels.permute([3, 0, 1, 2]).unsqueeze(0)) // [1, C, T, H, W]
        };
        let features: Vec<Vec<Vec<f32>>> = videos.iter().map(of).collect::<Result<_, _>>()?;
        Ok(features.into_iter().flatten().collect())
    }

    /// Generates the first `count` videos of a split, each `[T, H, W, C]`.
    fn generate(&self, generator: &VideoGenerator, count: usize, scope: Scope) -> Vec<Vec<u8>> {
        let numbers: Vec<usize> = (0..count).collect();
        let mut videos = Vec::new();
        for numbers in numbers.chunks(scope.batch_size) {
            let frames = self.sample(generator, scope.protocol, numbers); // [N, C, T, S, S]
            let frames = ((frames + 1.0) * 127.5).round().clamp(0.0, 255.0).to_kind(Kind::Uint8);
            let frames = frames.permute([0, 2, 3, 4, 1]).contiguous().to_device(tch::Device::Cpu);
            videos.extend((0..numbers.len()).map(|number| to_host(&frames.get(size(number)))));
        }
        videos
    }

    /// Returns the share of real videos whose category the video discriminator predicts.
    fn recognized(&self, real: &RealVideos, scope: Scope) -> f64 {
        let Scope { protocol, batch_size } = scope;
        let VideoShape { frames, height, width, channels } = real.shape;
        let [frames, height, width, channels] = [frames, height, width, channels].map(size);
        let numbers: Vec<usize> = (0..real.bytes.len()).collect();
        let mut right = 0.0;
        for numbers in numbers.chunks(batch_size) {
            let bytes = numbers.iter().map(|&n| real.bytes[n].as_slice()).collect::<Vec<_>>();
            let shape = [-1, frames, height, width, channels];
            let videos = signed(&bytes.concat(), &shape, self.device).permute([0, 4, 1, 2, 3]);
            // Other numbers than those of the generated videos, so that the noise is independent.
            let unused: Vec<usize> = numbers.iter().map(|n| n + real.bytes.len()).collect();
            let mut random = RolloutNoise::new(protocol.seed, protocol.split, &unused);
            let discriminator = &self.model.video_discriminator;
            let logits =
                tch::no_grad(|| discriminator.forward(&videos, Mode::Eval, &mut random).category);
            let predicted = logits.expect("categories are learned").argmax(1, false);
            let truth: Vec<i64> = numbers.iter().map(|&n| size(real.categories[n])).collect();
            let truth = Tensor::from_slice(&truth).to_device(self.device);
            right += predicted.eq_tensor(&truth).sum(Kind::Double).double_value(&[]);
        }
        right / real.bytes.len() as f64
    }

    /// Returns generated videos, category by category, and the names of the categories; with them one
    /// real video per category if generated categories mean those of the data.
    fn tensors(
        &self,
        generated: &[Vec<u8>],
        held_out: &RealVideos,
    ) -> (Vec<StoredTensor>, Vec<String>) {
        let codes = self.category_count();
        let VideoShape { frames, height, width, channels } = held_out.shape;
        let stored = |name: &str, videos: &[&[u8]]| {
            let shape = [videos.len(), frames, height, width, channels].map(size);
            to_stored(name.to_owned(), &Tensor::from_slice(&videos.concat()).view(shape))
        };
        let of_code = |code: usize| (0..SHOWN_VIDEOS).map(move |video| video * codes + code);
        let shown: Vec<&[u8]> =
            (0..codes).flat_map(of_code).map(|number| generated[number].as_slice()).collect();
        let mut tensors = vec![stored(GENERATED_VIDEOS, &shown)];
        if !self.is_conditional() {
            return (tensors, self.code_names());
        }
        let one_of = |code: usize| {
            let at = held_out.categories.iter().position(|&category| category == code)?;
            Some(held_out.bytes[at].as_slice())
        };
        let real: Option<Vec<&[u8]>> = (0..codes).map(one_of).collect();
        tensors.extend(real.map(|real| stored(REAL_VIDEOS, &real)));
        (tensors, self.categories.clone())
    }
}

fn slices(vectors: &[Vec<f32>]) -> Vec<&[f32]> {
    vectors.iter().map(Vec::as_slice).collect()
}

/// The real videos that others are compared with.
struct ReferenceVideos {
    held_out: DescribedSet,
    /// Mean motion of the training videos of each category, if generated categories mean these.
    classes: Option<ClassMeans>,
}

impl ReferenceVideos {
    fn new(system: &MocoganSystem, held_out: DescribedSet, training: &DescribedSet) -> Self {
        let vectors = training.part(|video| &video.motion_energy);
        let classes = if system.is_conditional() {
            ClassMeans::of(
                system.categories.len(),
                training.categories.iter().copied().zip(vectors),
            )
        } else {
            None
        };
        Self { held_out, classes }
    }

    fn scores(&self, set: &DescribedSet) -> SetScores {
        let mut scores = self.distances(set);
        scores.extend(self.accuracy(set));
        scores
    }

    fn distances(&self, set: &DescribedSet) -> SetScores {
        let between = |part: fn(&Described) -> &[f64]| {
            of_set(energy_distance(&set.part(part), &self.held_out.part(part)))
        };
        BTreeMap::from([
            (MetricName::EnergyDistance.as_str().to_owned(), between(|video| &video.blocks)),
            (MetricName::MotionEnergyDistance.as_str().to_owned(), between(|video| &video.motion)),
        ])
    }

    /// Returns the share of videos whose motion is nearest to that of their category in training.
    fn accuracy(&self, set: &DescribedSet) -> SetScores {
        let Some(classes) = &self.classes else { return BTreeMap::new() };
        let pairs = set.videos.iter().zip(&set.categories);
        let right = pairs
            .filter(|(video, category)| classes.nearest(&video.motion_energy) == **category)
            .count();
        let share = right as f64 / set.videos.len() as f64;
        BTreeMap::from([(MetricName::CategoryAccuracy.as_str().to_owned(), of_set(share))])
    }
}
