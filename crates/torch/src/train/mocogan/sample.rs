//! Generation of videos with given categories.

use tch::Tensor;

use super::MocoganSystem;
use crate::{
    models::{
        ChoicePurpose, IndexChoice, NoisePurpose, NoiseSource, RandomSource,
        mocogan::VideoGenerator,
    },
    nn::Mode,
    train::{batch::size, noise::RolloutNoise},
};
use reprise_base::config::protocol::Protocol;

impl MocoganSystem {
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
