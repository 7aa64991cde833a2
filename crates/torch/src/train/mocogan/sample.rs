//! Generation of videos with given categories, contents and motions.

use tch::{Kind, Tensor};

use super::MocoganSystem;
use crate::{
    models::{
        ChoicePurpose, IndexChoice, NoisePurpose, NoiseSource, RandomSource,
        mocogan::VideoGenerator,
    },
    nn::Mode,
    train::{batch::size, noise::RolloutNoise},
};
use reprise_base::{config::protocol::Protocol, scalar::Count, text::quoted_list};

/// The codes of a grid of videos.
#[derive(Debug)]
pub struct GridCodes {
    /// Number of contents.
    pub contents: usize,
    /// Category of each motion; 0 if the model has none.
    pub categories: Vec<usize>,
    /// Frames of a video.
    pub frames: Count,
}

/// Why the videos cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GridProblem {
    #[error("failed to generate: the model has no categories")]
    NoCategories,
    #[error(
        "failed to generate: the model has no category `{name}`; it has {}",
        quoted_list(known)
    )]
    Category { name: String, known: Vec<String> },
    #[error(
        "failed to generate {asked} frames: the LSTM of the model computes the motion of at most {most}"
    )]
    TooManyFrames { asked: u64, most: i64 },
}

impl MocoganSystem {
    /// Generates a video of every content with every motion, `[A·B, T, C, S, S]` in (0, 1), content by content.
    ///
    /// Content and motion `n` are those of video `n` of `MocoganSystem::sample`.
    pub fn grid(&self, protocol: Protocol, codes: &GridCodes) -> Tensor {
        let GridCodes { contents, categories, frames } = codes;
        let generator = &self.model.generator;
        let numbers: Vec<usize> = (0..categories.len().max(*contents)).collect();
        let of_number = |&number: &usize| size(categories[number % categories.len()]);
        let noise = RolloutNoise::new(protocol.seed, protocol.split, &numbers);
        let mut random = Requested { noise, categories: numbers.iter().map(of_number).collect() };
        tch::no_grad(|| {
            let (samples, frames) = (size(numbers.len()), frames.size());
            let parts = generator.sample_parts(samples, frames, Mode::Eval, &mut random);
            let z = generator.join(parts.crossed(size(*contents), size(categories.len()))).z;
            // Frames are independent of each other: as many at a time as an evaluation generates.
            let at_once = self.batch_size * generator.video_length();
            let made: Vec<Tensor> = z
                .split(at_once, 0)
                .iter()
                .map(|z| (generator.frames(z, Mode::Eval) + 1.0) / 2.0)
                .collect();
            let made = Tensor::cat(&made, 0).to_kind(Kind::Float); // [A·B·T, C, S, S]
            let [channels, height, width] = [1, 2, 3].map(|axis| made.size()[axis]);
            made.view([-1, frames, channels, height, width])
        })
    }

    /// Returns the category of video `number`.
    pub(super) fn requested(&self, number: usize) -> usize {
        number % self.category_count()
    }

    /// Generates videos in evaluation mode, `[N, C, T, S, S]` in (−1, 1).
    ///
    /// A number determines a video and its category, independently of the other videos of a batch.
    /// Exception: with an LSTM, all videos of a batch use the start of the first one.
    pub(super) fn sample(
        &self,
        generator: &VideoGenerator,
        protocol: Protocol,
        numbers: &[usize],
    ) -> Tensor {
        let categories = numbers.iter().map(|&number| size(self.requested(number))).collect();
        let noise = RolloutNoise::new(protocol.seed, protocol.split, numbers);
        let mut random = Requested { noise, categories };
        let (samples, frames) = (size(numbers.len()), generator.video_length());
        tch::no_grad(|| generator.sample_videos(samples, frames, Mode::Eval, &mut random).frames)
    }
}

/// Noise of roll-outs with given categories.
struct Requested {
    noise: RolloutNoise,
    categories: Vec<i64>,
}

impl NoiseSource for Requested {
    fn standard_normal(
        &mut self,
        purpose: NoisePurpose,
        draw: u64,
        shape: &[i64],
        like: &Tensor,
    ) -> Tensor {
        self.noise.standard_normal(purpose, draw, shape, like)
    }
}

impl RandomSource for Requested {
    fn choose(&mut self, purpose: ChoicePurpose, choice: IndexChoice) -> Vec<i64> {
        match purpose {
            ChoicePurpose::Category => self.categories.clone(),
            ChoicePurpose::Frames | ChoicePurpose::Start => self.noise.choose(purpose, choice),
        }
    }
}
