//! Generated videos beside real ones that training has not seen.
//!
//! Nothing is predicted, so no frame has a truth: sets of videos are compared
//! ([`metrics::distribution`](crate::metrics::distribution)).

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::{
    MocoganSystem,
    real::{Cutting, category, signed},
};
use crate::{
    data::{Pack, Split},
    libtorch::convert::to_stored,
    metrics::distribution::{ClassMeans, Described, VideoShape, energy_distance},
    models::mocogan::VideoGenerator,
    nn::Mode,
    store::{event::Score, tensors::StoredTensor},
    train::{
        batch::size,
        evaluate::{Evaluation, MODEL, Scope},
        noise::RolloutNoise,
    },
};

/// Videos that are cut out of each held-out clip.
const VIDEOS_PER_CLIP: usize = 6;
/// Pictured videos of each category.
const PICTURED: usize = 3;

/// Videos of training against those of the evaluated split: what a perfect memory would score.
const REAL_VIDEOS: &str = "real_videos";
/// The generator with its initial weights.
const UNTRAINED: &str = "untrained_generator";
/// The mean training video, again and again.
const MEAN_VIDEO: &str = "mean_video";

/// Scores of one predictor by metric.
type BySet = BTreeMap<String, Score>;

/// Videos `[T, H, W, C]` of bytes.
struct Videos {
    shape: VideoShape,
    /// One after the other.
    bytes: Vec<Vec<u8>>,
    /// The category of each.
    categories: Vec<usize>,
}

impl Videos {
    /// Cuts videos out of at most `clips` clips of a split, evenly spread over it.
    fn real(cutting: Cutting, pack: &Pack, of: Wanted, categories: &[String]) -> Self {
        let Wanted { split, clips, per_clip } = of;
        let mut videos =
            Self { shape: cutting.shape(pack), bytes: Vec::new(), categories: Vec::new() };
        let there = pack.sequences(split);
        let clips = clips.min(there);
        for number in 0..clips {
            let index = number * there / clips;
            let name = category(pack.sequence_name(split, index));
            let class = categories.iter().position(|known| known == name).unwrap_or(0);
            videos.bytes.extend(cutting.spread(&pack.sequence(split, index), per_clip));
            videos.categories.extend(std::iter::repeat_n(class, per_clip));
        }
        videos
    }

    fn described(&self) -> Set {
        let videos = self.bytes.iter().map(|video| Described::new(video, self.shape)).collect();
        Set { videos, categories: self.categories.clone() }
    }
}

/// Which real videos are wanted.
#[derive(Clone, Copy)]
struct Wanted {
    split: Split,
    clips: usize,
    per_clip: usize,
}

/// Videos as they are compared.
struct Set {
    videos: Vec<Described>,
    categories: Vec<usize>,
}

impl Set {
    fn part(&self, part: fn(&Described) -> &[f64]) -> Vec<&[f64]> {
        self.videos.iter().map(part).collect()
    }
}

impl MocoganSystem {
    /// Scores generated videos beside baselines, as many as there are real ones to compare with.
    pub(super) fn judged(&self, pack: &Pack, scope: Scope) -> Evaluation {
        let Scope { split, sequences, batch_size, .. } = scope;
        let real = |of| Videos::real(self.cutting, pack, of, &self.categories);
        let held_out = real(Wanted { split, clips: sequences, per_clip: VIDEOS_PER_CLIP });
        let count = held_out.bytes.len();
        let clips = pack.sequences(Split::Train).min(count);
        let known = real(Wanted { split: Split::Train, clips, per_clip: count.div_ceil(clips) });
        let (known, compared) = {
            let known = known.described();
            let compared = Compared::new(self, held_out.described(), &known);
            (known, compared)
        };

        let made =
            self.made(&self.model.generator, split, count.max(PICTURED * self.codes()), scope);
        let mut of_model = compared.scores(&self.first(count, &made, held_out.shape));
        if self.is_conditional() {
            let share = self.recognized(&held_out, split, batch_size);
            of_model.insert("recognition_accuracy".to_owned(), score(share));
        }
        let mut of_real = compared.distances(&known);
        of_real.extend(compared.accuracy(&compared.held_out));
        let untrained = self.made(&self.untrained().generator, split, count, scope);
        let mean = Set { videos: vec![Described::mean(&known.videos)], categories: Vec::new() };
        let scores = [
            (MODEL, of_model),
            (REAL_VIDEOS, of_real),
            (UNTRAINED, compared.scores(&self.first(count, &untrained, held_out.shape))),
            (MEAN_VIDEO, compared.distances(&mean)),
        ];
        let (pictures, names) = self.pictures(&made, &held_out);
        Evaluation {
            scores: scores.map(|(name, scores)| (name.to_owned(), scores)).into(),
            pictures,
            names,
        }
    }

    /// Describes the first generated videos.
    fn first(&self, count: usize, made: &[Vec<u8>], shape: VideoShape) -> Set {
        let videos = made[..count].iter().map(|video| Described::new(video, shape)).collect();
        Set { videos, categories: (0..count).map(|number| self.requested(number)).collect() }
    }

    /// Makes the first `count` videos of a split, `[T, H, W, C]` each.
    fn made(
        &self,
        generator: &VideoGenerator,
        split: Split,
        count: usize,
        scope: Scope,
    ) -> Vec<Vec<u8>> {
        let numbers: Vec<usize> = (0..count).collect();
        let mut videos = Vec::new();
        for numbers in numbers.chunks(scope.batch_size) {
            let frames = self.sample(generator, split, numbers); // [N, C, T, S, S]
            let frames = ((frames + 1.0) * 127.5).round().clamp(0.0, 255.0).to_kind(Kind::Uint8);
            let frames = frames.permute([0, 2, 3, 4, 1]).contiguous().to_device(tch::Device::Cpu);
            for number in 0..numbers.len() {
                let video = frames.get(size(number)).contiguous();
                let mut bytes = vec![0; video.numel()];
                video.copy_data(&mut bytes, video.numel());
                videos.push(bytes);
            }
        }
        videos
    }

    /// Returns the share of real videos whose category the video discriminator names.
    fn recognized(&self, real: &Videos, split: Split, batch_size: usize) -> f64 {
        let VideoShape { frames, height, width, channels } = real.shape;
        let [frames, height, width, channels] = [frames, height, width, channels].map(size);
        let numbers: Vec<usize> = (0..real.bytes.len()).collect();
        let mut right = 0.0;
        for numbers in numbers.chunks(batch_size) {
            let bytes = numbers.iter().map(|&n| real.bytes[n].as_slice()).collect::<Vec<_>>();
            let shape = [-1, frames, height, width, channels];
            let videos = signed(&bytes.concat(), &shape, self.device).permute([0, 4, 1, 2, 3]);
            // Noise on its inputs is not that of the generated videos.
            let noisy: Vec<usize> = numbers.iter().map(|n| n + real.bytes.len()).collect();
            let mut random = RolloutNoise::new(self.seed, split, &noisy);
            let discriminator = &self.model.video_discriminator;
            let logits =
                tch::no_grad(|| discriminator.forward(&videos, Mode::Eval, &mut random).category);
            let named = logits.expect("categories are learned").argmax(1, false);
            let truth: Vec<i64> = numbers.iter().map(|&n| size(real.categories[n])).collect();
            let truth = Tensor::from_slice(&truth).to_device(self.device);
            right += named.eq_tensor(&truth).sum(Kind::Double).double_value(&[]);
        }
        right / real.bytes.len() as f64
    }

    /// Returns generated videos, category by category, and a real one of each category where those of
    /// the latent code are the data's; and what the categories are called.
    fn pictures(&self, made: &[Vec<u8>], held_out: &Videos) -> (Vec<StoredTensor>, Vec<String>) {
        let codes = self.codes();
        let VideoShape { frames, height, width, channels } = held_out.shape;
        let stored = |name: &str, videos: &[&[u8]]| {
            let shape = [videos.len(), frames, height, width, channels].map(size);
            to_stored(name.to_owned(), &Tensor::from_slice(&videos.concat()).view(shape))
        };
        let of_code = |code: usize| (0..PICTURED).map(move |video| video * codes + code);
        let generated: Vec<&[u8]> =
            (0..codes).flat_map(of_code).map(|number| made[number].as_slice()).collect();
        let mut pictures = vec![stored("generated_videos", &generated)];
        if !self.is_conditional() {
            let names = (0..codes).map(|code| format!("code {code}"));
            return (pictures, names.collect());
        }
        let one_of = |code: usize| {
            let at = held_out.categories.iter().position(|&category| category == code)?;
            Some(held_out.bytes[at].as_slice())
        };
        let real: Option<Vec<&[u8]>> = (0..codes).map(one_of).collect();
        pictures.extend(real.map(|real| stored("real_videos", &real)));
        (pictures, self.categories.clone())
    }
}

/// What videos are compared with.
struct Compared {
    held_out: Set,
    /// How training videos of each category move, where categories are asked for.
    classes: Option<ClassMeans>,
}

impl Compared {
    fn new(system: &MocoganSystem, held_out: Set, known: &Set) -> Self {
        let vectors = known.part(|video| &video.motion_energy);
        let classes = if system.is_conditional() {
            ClassMeans::of(system.categories.len(), known.categories.iter().copied().zip(vectors))
        } else {
            None
        };
        Self { held_out, classes }
    }

    fn scores(&self, set: &Set) -> BySet {
        let mut scores = self.distances(set);
        scores.extend(self.accuracy(set));
        scores
    }

    fn distances(&self, set: &Set) -> BySet {
        let between = |part: fn(&Described) -> &[f64]| {
            score(energy_distance(&set.part(part), &self.held_out.part(part)))
        };
        BTreeMap::from([
            ("energy_distance".to_owned(), between(|video| &video.blocks)),
            ("motion_energy_distance".to_owned(), between(|video| &video.motion)),
        ])
    }

    /// Returns the share of videos that move as their category does in training.
    fn accuracy(&self, set: &Set) -> BySet {
        let Some(classes) = &self.classes else { return BTreeMap::new() };
        let pairs = set.videos.iter().zip(&set.categories);
        let right = pairs
            .filter(|(video, category)| classes.nearest(&video.motion_energy) == **category)
            .count();
        let share = right as f64 / set.videos.len() as f64;
        BTreeMap::from([("category_accuracy".to_owned(), score(share))])
    }
}

/// A score of a set as a whole.
fn score(value: f64) -> Score {
    Score { mean: value, by_frame: Vec::new(), by_sequence: Vec::new() }
}
