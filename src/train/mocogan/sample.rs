//! Generated videos whose categories are asked for.

use tch::Tensor;

use super::MocoganSystem;
use crate::{
    data::Split,
    models::{
        Choice, ChoicePurpose, NoisePurpose, NoiseSource, RandomSource, mocogan::VideoGenerator,
    },
    nn::Mode,
    train::{batch::size, noise::RolloutNoise},
};

impl MocoganSystem {
    /// Returns the category in which video `number` is made.
    pub(super) fn requested(&self, number: usize) -> usize {
        number % self.codes()
    }

    /// Makes videos in evaluation mode, `[N, C, T, S, S]` in (−1, 1).
    ///
    /// A number names a video and its category, and the video is the same whatever others are made with
    /// it, but for the start of an LSTM's motion, which is the first video's.
    pub(super) fn sample(
        &self,
        generator: &VideoGenerator,
        split: Split,
        numbers: &[usize],
    ) -> Tensor {
        let categories = numbers.iter().map(|&number| size(self.requested(number))).collect();
        let noise = RolloutNoise::new(self.seed, split, numbers);
        let mut random = Requested { noise, categories };
        let (samples, frames) = (size(numbers.len()), generator.video_length());
        tch::no_grad(|| generator.sample_videos(samples, frames, Mode::Eval, &mut random).frames)
    }
}

/// Noise of roll-outs in which the category of each video is asked for.
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
    fn choose(&mut self, purpose: ChoicePurpose, choice: Choice) -> Vec<i64> {
        match purpose {
            ChoicePurpose::Category => self.categories.clone(),
            ChoicePurpose::Frames | ChoicePurpose::Start => self.noise.choose(purpose, choice),
        }
    }
}
