//! Noise and random choices from the named streams of a run.

use std::collections::BTreeMap;

use tch::Tensor;

use super::evaluate::SampleRow;
use crate::models::{
    ChoicePurpose, IndexChoice, NoisePurpose, NoiseSource, RandomSource,
    physical_interaction::sampling::ShuffleSource,
};
use reprise_base::{
    rng::streams::{Draws, Stream},
    scalar::{Seed, Step},
};
use reprise_data::Split;

/// Noise of one optimizer step. Each purpose has its own stream, drawn in order of time.
#[derive(Debug)]
pub struct StepNoise {
    seed: Seed,
    step: Step,
    draws: BTreeMap<NoisePurpose, Draws>,
    choices: BTreeMap<ChoicePurpose, Draws>,
}

impl StepNoise {
    /// Creates the noise of a step.
    pub fn new(seed: Seed, step: Step) -> Self {
        Self { seed, step, draws: BTreeMap::new(), choices: BTreeMap::new() }
    }

    fn draws(&mut self, purpose: NoisePurpose) -> &mut Draws {
        let (seed, step) = (self.seed, self.step);
        let stream = || Stream::new(seed, stream_name(purpose)).at(step.0);
        self.draws.entry(purpose).or_insert_with(stream)
    }
}

impl NoiseSource for StepNoise {
    fn standard_normal(
        &mut self,
        purpose: NoisePurpose,
        _: u64,
        shape: &[i64],
        like: &Tensor,
    ) -> Tensor {
        tensor(&self.draws(purpose).normal(elements(shape)), shape, like)
    }

    /// Draws all noise on the host, so that a device gets one copy.
    fn standard_normals(
        &mut self,
        purpose: NoisePurpose,
        draws: u64,
        shape: &[i64],
        like: &Tensor,
    ) -> Vec<Tensor> {
        let stream = self.draws(purpose);
        let values: Vec<f32> = (0..draws).flat_map(|_| stream.normal(elements(shape))).collect();
        let block = tensor(&values, &[&[-1], shape].concat(), like);
        // Memory of their own: the last bits of a product can depend on the place of a factor.
        block.unbind_copy(0)
    }
}

impl RandomSource for StepNoise {
    fn choose(&mut self, purpose: ChoicePurpose, choice: IndexChoice) -> Vec<i64> {
        let (seed, step) = (self.seed, self.step);
        let draws = self
            .choices
            .entry(purpose)
            .or_insert_with(|| Stream::new(seed, choice_stream_name(purpose)).at(step.0));
        chosen(draws, choice)
    }
}

/// Stream of the permutations by which scheduled sampling assigns true frames to sequences.
pub const SAMPLING_ORDER_STREAM: &str = "sampling_order";

/// Permutations of a batch in one optimizer step, drawn in order of time.
#[derive(Debug)]
pub struct StepShuffle {
    draws: Draws,
}

impl StepShuffle {
    /// Creates the permutations of a step.
    pub fn new(seed: Seed, step: Step) -> Self {
        Self { draws: Stream::new(seed, SAMPLING_ORDER_STREAM).at(step.0) }
    }
}

impl ShuffleSource for StepShuffle {
    fn permutation(&mut self, _: u64, batch: i64) -> Vec<i64> {
        chosen(&mut self.draws, IndexChoice::Distinct { count: batch, below: batch })
    }
}

/// Noise of a roll-out. Each sequence has its own, independent of its batch.
#[derive(Debug)]
pub struct RolloutNoise {
    sequences: Vec<Draws>,
}

impl RolloutNoise {
    /// Creates the noise of the given sequences of a split, equal in every evaluation.
    pub fn new(seed: Seed, split: Split, sequences: &[usize]) -> Self {
        let stream = Stream::new(seed, &rollout_stream_name(split.name()));
        Self { sequences: sequences.iter().map(|&index| stream.at(index as u64)).collect() }
    }

    /// Creates the noise of samples. The first sample of a sequence has the noise of [`RolloutNoise::new`].
    pub fn of_samples(seed: Seed, split: Split, rows: &[SampleRow]) -> Self {
        let draws = |row: &SampleRow| {
            let name = match row.sample {
                0 => rollout_stream_name(split.name()),
                sample => sample_stream_name(split.name(), sample),
            };
            Stream::new(seed, &name).at(row.sequence as u64)
        };
        Self { sequences: rows.iter().map(draws).collect() }
    }
}

impl NoiseSource for RolloutNoise {
    fn standard_normal(&mut self, _: NoisePurpose, _: u64, shape: &[i64], like: &Tensor) -> Tensor {
        let columns = elements(&shape[1..]);
        let values: Vec<f32> =
            self.sequences.iter_mut().flat_map(|draws| draws.normal(columns)).collect();
        tensor(&values, shape, like)
    }
}

impl RandomSource for RolloutNoise {
    /// Draws one number per sequence from the sequence's own noise. Other choices come from the first
    /// sequence.
    fn choose(&mut self, _: ChoicePurpose, choice: IndexChoice) -> Vec<i64> {
        match choice {
            IndexChoice::Independent { count, below }
                if elements(&[count]) == self.sequences.len() =>
            {
                let one = IndexChoice::Independent { count: 1, below };
                self.sequences.iter_mut().flat_map(|draws| chosen(draws, one)).collect()
            }
            IndexChoice::Independent { .. } | IndexChoice::Distinct { .. } => {
                self.sequences.first_mut().map_or_else(Vec::new, |draws| chosen(draws, choice))
            }
        }
    }
}

fn chosen(draws: &mut Draws, choice: IndexChoice) -> Vec<i64> {
    let index = |n: u64| i64::try_from(n).expect("a draw fits an i64");
    match choice {
        IndexChoice::Independent { count, below } => {
            let below = elements(&[below]) as u64;
            (0..count).map(|_| index(draws.below(below))).collect()
        }
        IndexChoice::Distinct { count, below } => {
            let order = draws.permutation(elements(&[below]));
            order.into_iter().take(elements(&[count])).map(|i| index(i as u64)).collect()
        }
    }
}

/// Returns the name of the stream for a purpose.
pub const fn stream_name(purpose: NoisePurpose) -> &'static str {
    match purpose {
        NoisePurpose::Posterior => "posterior_noise",
        NoisePurpose::Prior => "prior_noise",
        NoisePurpose::Rollout => "rollout_noise",
        NoisePurpose::Content => "content_noise",
        NoisePurpose::MotionStart => "motion_start",
        NoisePurpose::Motion => "motion_noise",
        NoisePurpose::Instance => "instance_noise",
    }
}

/// Returns the name of the stream of roll-outs on a split.
pub fn rollout_stream_name(split: &str) -> String {
    format!("{}/{split}", stream_name(NoisePurpose::Rollout))
}

/// Returns the name of the stream of a further sample of each roll-out on a split.
fn sample_stream_name(split: &str, sample: impl std::fmt::Display) -> String {
    format!("{}/{sample}", rollout_stream_name(split))
}

/// Returns the name of the stream for a choice.
pub const fn choice_stream_name(purpose: ChoicePurpose) -> &'static str {
    match purpose {
        ChoicePurpose::Category => "category_choice",
        ChoicePurpose::Frames => "frame_choice",
        ChoicePurpose::Start => "start_choice",
    }
}

fn elements(shape: &[i64]) -> usize {
    usize::try_from(shape.iter().product::<i64>()).expect("sizes are not negative")
}

fn tensor(values: &[f32], shape: &[i64], like: &Tensor) -> Tensor {
    Tensor::from_slice(values).view(shape).to_kind(like.kind()).to_device(like.device())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_step(step: u64, choice: IndexChoice) -> Vec<i64> {
        StepNoise::new(Seed(1), Step(step)).choose(ChoicePurpose::Frames, choice)
    }

    #[test]
    fn distinct_choices_are_distinct_and_in_range() {
        let mut numbers = at_step(0, IndexChoice::Distinct { count: 20, below: 24 });
        assert!(numbers.iter().all(|number| (0..24).contains(number)));
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 20);
    }

    /// Permutations of a batch of six for the first two frames after the context.
    fn orders(step: u64) -> [Vec<i64>; 2] {
        let mut shuffle = StepShuffle::new(Seed(1), Step(step));
        [0, 1].map(|draw| shuffle.permutation(draw, 6))
    }

    #[test]
    fn an_order_contains_every_sequence_once() {
        for order in (0..20).flat_map(orders) {
            let mut sorted = order;
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn orders_differ_within_a_step_and_between_steps_and_repeat_with_the_step() {
        let [first, second] = orders(3);
        assert_ne!(first, second);
        assert_ne!([first.clone(), second.clone()], orders(4));
        assert_eq!([first, second], orders(3));
    }

    #[test]
    fn independent_choices_reach_every_number() {
        let numbers = at_step(0, IndexChoice::Independent { count: 200, below: 3 });
        assert_eq!(numbers.len(), 200);
        assert!((0..3).all(|number| numbers.contains(&number)));
    }

    #[test]
    fn a_step_repeats_its_choices_and_shares_none_with_the_next() {
        let choice = IndexChoice::Independent { count: 50, below: 1000 };
        assert_eq!(at_step(7, choice), at_step(7, choice));
        assert_ne!(at_step(7, choice), at_step(8, choice));
    }
}
