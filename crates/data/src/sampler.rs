//! Which sequences each training step uses: a pure function of the seed and the step.
//!
//! There is no iterator state, so a resumed run only needs its next step. A sequence is its index in the
//! split's sorted order. Start from [`Order::new`]; a loop over an epoch calls [`Order::batches`] once.

use super::kaggle::minibatches;
use reprise_base::{
    config::data::Sampler,
    rng::{numpy::RandomState, streams::Stream, torch::Generator},
    scalar::{Count, Seed, Step},
};

/// Name of the stream that [`Sampler::EpochPermutation`] draws from; the nonce is the number of the pass.
pub const ORDER_STREAM: &str = "data.order";

/// Why sequences cannot be put in an order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamplerError {
    #[error("failed to order training sequences: the training split is empty")]
    NoSequences,
    #[error(
        "failed to order training sequences: this sampler drops incomplete batches, and \
         {sequences} sequences do not fill a batch of {batch_size}"
    )]
    NoFullBatch { sequences: usize, batch_size: usize },
    #[error("failed to order training sequences: seed {seed} is above {largest}")]
    SeedTooLarge { seed: Seed, largest: Seed },
}

/// The order of a run's training sequences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Order {
    sampler: Sampler,
    seed: Seed,
    sequences: usize,
    batch_size: usize,
    /// Name of the stream that [`Sampler::EpochPermutation`] draws from.
    stream: &'static str,
}

impl Order {
    /// Returns the order in which a run with this seed visits a split of `sequences` sequences.
    pub fn new(
        sampler: Sampler,
        seed: Seed,
        sequences: usize,
        batch_size: Count,
    ) -> Result<Self, SamplerError> {
        let batch_size = batch_size.len();
        if sequences == 0 {
            return Err(SamplerError::NoSequences);
        }
        let largest = sampler.largest_seed();
        if seed > largest {
            return Err(SamplerError::SeedTooLarge { seed, largest });
        }
        let drops_rest = !matches!(sampler, Sampler::EpochPermutation | Sampler::Fresh);
        if drops_rest && batch_size > sequences {
            return Err(SamplerError::NoFullBatch { sequences, batch_size });
        }
        Ok(Self { sampler, seed, sequences, batch_size, stream: ORDER_STREAM })
    }

    /// Returns the order with permutations from another stream.
    #[must_use]
    pub const fn on(self, stream: &'static str) -> Self {
        Self { stream, ..self }
    }

    /// Returns the sequences of the batch of `step`, counted over the whole run.
    pub fn batch(&self, step: Step) -> Vec<usize> {
        self.batches(step, 1).swap_remove(0)
    }

    /// Returns the batches of `steps` consecutive steps, beginning with step `first`.
    ///
    /// `EpochPermutation` concatenates one permutation of all sequences per pass and cuts the result
    /// into batches. A batch may span two passes, and none is incomplete. The permutation of pass `p`
    /// is drawn from [`ORDER_STREAM`] at `p`.
    ///
    /// `Original` concatenates the passes of [`loader_pass`]. As in the original, a pass does not end
    /// with the epoch: if an epoch has fewer steps than a pass has batches, the next epoch continues
    /// it; if it has more, a new pass begins within the epoch.
    ///
    /// `Minibatches` concatenates passes of [`minibatches`]. One generator draws all permutations, so
    /// those of earlier passes are drawn again.
    ///
    /// `Fresh` counts: a sequence of the run has its number among all that are drawn, not among those of the split.
    pub fn batches(&self, first: Step, steps: u64) -> Vec<Vec<usize>> {
        match self.sampler {
            Sampler::EpochPermutation => self.permuted(first, steps),
            Sampler::Original { workers } => self.as_loaded(workers, first, steps),
            Sampler::Minibatches => self.as_iterated(first, steps),
            Sampler::Fresh => self.counted(first, steps),
        }
    }

    fn counted(&self, first: Step, steps: u64) -> Vec<Vec<usize>> {
        let batch = |step: u64| {
            let start = index(step) * self.batch_size;
            (start..start + self.batch_size).collect()
        };
        (first.0..first.0 + steps).map(batch).collect()
    }

    fn as_iterated(&self, first: Step, steps: u64) -> Vec<Vec<usize>> {
        let per_pass = (self.sequences / self.batch_size) as u64;
        let mut random = RandomState::new(self.small_seed());
        for _ in 0..first.0 / per_pass {
            random.permutation(self.sequences);
        }
        let passes = first.0 / per_pass..(first.0 + steps).div_ceil(per_pass);
        let batches =
            passes.flat_map(|_| minibatches(self.sequences, self.batch_size, &mut random));
        batches.skip(index(first.0 % per_pass)).take(index(steps)).collect()
    }

    /// Returns the seed of a sampler whose largest seed has 32 bits.
    fn small_seed(&self) -> u32 {
        u32::try_from(self.seed.0).expect("a larger seed was refused")
    }

    fn permuted(&self, first: Step, steps: u64) -> Vec<Vec<usize>> {
        let stream = Stream::new(self.seed, self.stream);
        let (batch_size, sequences) = (self.batch_size as u64, self.sequences as u64);
        let start = first.0 * batch_size;
        let drawn = steps * batch_size;
        let mut order = Vec::new();
        for pass in start / sequences..(start + drawn).div_ceil(sequences) {
            order.extend(stream.at(pass).permutation(self.sequences));
        }
        let skipped = index(start % sequences);
        order[skipped..][..index(drawn)].chunks_exact(self.batch_size).map(<[_]>::to_vec).collect()
    }

    fn as_loaded(&self, workers: u32, first: Step, steps: u64) -> Vec<Vec<usize>> {
        let per_pass = (self.sequences / self.batch_size) as u64;
        let passes = first.0 / per_pass..(first.0 + steps).div_ceil(per_pass);
        let batches = passes.flat_map(|pass| loader_pass(self, workers, pass).sequences);
        batches.skip(index(first.0 % per_pass)).take(index(steps)).collect()
    }
}

/// What one iterator over the original's `DataLoader(shuffle=True, drop_last=True)` yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoaderPass {
    /// The shuffled indices that the loader requests from its dataset, batch by batch.
    pub indices: Vec<Vec<usize>>,
    /// The sequences that the dataset returns instead.
    pub sequences: Vec<Vec<usize>>,
}

/// Returns the pass of the iterator number `pass`, counted from 0 over the run.
///
/// PyTorch's generator, seeded with the run's seed, draws two 64-bit numbers for every new iterator. One
/// seeds the workers and has no effect here. The other seeds a generator whose `randperm` is the order
/// of the indices. The dataset uses only the first index that it is asked for, as the seed of NumPy's
/// global state (`set_seed`), and then draws every sequence with replacement by
/// `np.random.randint(number of sequences)`:
/// - With `workers` processes, each iterator starts new processes with unseeded copies of the dataset.
///   Worker `w` serves the batches `w, w + workers, …` and is seeded with the first index of its
///   first batch. Workers with equal first indices draw the same sequences.
/// - With 0 workers there is one dataset object. The first index of the run seeds it, and later
///   iterators continue with the same NumPy state.
///
/// In the original, other code draws from the same two generators (initial weights, noise on the CPU,
/// the validation loader), which changes the order. Here, as in the reference cases, only the loader
/// draws.
pub fn loader_pass(order: &Order, workers: u32, pass: u64) -> LoaderPass {
    let indices = loader_indices(order, pass);
    let mut states: Vec<RandomState> = match workers {
        0 => {
            let mut state = seeded(loader_indices(order, 0)[0][0]);
            for _ in 0..pass * (indices.len() * order.batch_size) as u64 {
                draw(&mut state, order.sequences);
            }
            vec![state]
        }
        workers => indices.iter().take(workers as usize).map(|batch| seeded(batch[0])).collect(),
    };
    let streams = states.len();
    let mut serve = |batch: usize| -> Vec<usize> {
        let state = &mut states[batch % streams];
        (0..order.batch_size).map(|_| draw(state, order.sequences)).collect()
    };
    let sequences = (0..indices.len()).map(&mut serve).collect();
    LoaderPass { indices, sequences }
}

/// Returns the complete batches of shuffled indices of iterator number `pass`.
fn loader_indices(order: &Order, pass: u64) -> Vec<Vec<usize>> {
    let mut global = Generator::manual_seed(order.seed.0);
    let mut shuffle_seed = 0;
    for _ in 0..=pass {
        global.random_i64(); // the workers' base seed
        shuffle_seed = global.random_i64();
    }
    let shuffled = Generator::manual_seed(shuffle_seed).randperm(order.sequences);
    shuffled.chunks_exact(order.batch_size).map(<[_]>::to_vec).collect()
}

fn seeded(index: usize) -> RandomState {
    RandomState::new(u32::try_from(index).expect("a split has fewer than 2^32 sequences"))
}

fn draw(state: &mut RandomState, sequences: usize) -> usize {
    let below = i64::try_from(sequences).expect("a split has fewer than 2^63 sequences");
    usize::try_from(state.randint(0, below)).expect("a sequence's index is not negative")
}

fn index(count: u64) -> usize {
    usize::try_from(count).expect("lengths in memory fit in a usize")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(sampler: Sampler, seed: u64, sequences: usize, batch_size: u32) -> Order {
        Order::new(sampler, Seed(seed), sequences, Count::literal(batch_size)).expect("valid")
    }

    /// Compares the first batch of a pass of the original's loader over 40 sequences.
    #[track_caller]
    fn check(workers: u32, seed: u64, pass: u64, indices: [usize; 4], sequences: [usize; 4]) {
        let order = order(Sampler::Original { workers }, seed, 40, 4);
        let found = loader_pass(&order, workers, pass);
        assert_eq!((found.indices.len(), found.sequences.len()), (10, 10));
        assert_eq!(found.indices[0], indices);
        assert_eq!(found.sequences[0], sequences);
        assert_eq!(order.batch(Step(pass * 10)), sequences);
    }

    #[test]
    fn one_process_is_seeded_once_in_a_run() {
        check(0, 1, 0, [14, 11, 12, 20], [24, 12, 22, 7]);
        check(0, 1, 1, [24, 26, 4, 5], [13, 17, 37, 13]);
    }

    #[test]
    fn every_iterator_seeds_new_workers() {
        check(2, 417, 0, [36, 26, 37, 38], [5, 34, 30, 33]);
        check(2, 417, 2, [30, 34, 19, 36], [37, 37, 12, 23]);
        check(4, 1, 1, [24, 26, 4, 5], [34, 3, 0, 23]);
    }

    #[test]
    fn workers_serve_batches_in_turn() {
        let pass = loader_pass(&order(Sampler::Original { workers: 4 }, 1, 40, 4), 4, 0);
        assert_eq!(pass.sequences[3], [18, 23, 16, 34]);
        assert_eq!(pass.sequences[4], [38, 28, 10, 16]);
        assert_eq!(pass.sequences[9], [9, 4, 11, 17]);
    }

    #[test]
    fn the_order_of_our_own_sampler_never_changes() {
        let order = order(Sampler::EpochPermutation, 1, 7, 3);
        let batches = order.batches(Step(0), 5);
        insta::assert_snapshot!(format!("{batches:?}"), @"[[2, 3, 0], [6, 5, 4], [1, 3, 0], [2, 5, 4], [1, 6, 4]]");
    }

    #[test]
    fn seeds_beyond_the_generators_of_the_originals_are_refused() {
        let order = |sampler, seed| Order::new(sampler, Seed(seed), 11, Count::literal(1)).err();
        let (seed, largest) = (Seed(1 << 32), Seed(u64::from(u32::MAX)));
        for sampler in [Sampler::Minibatches, Sampler::Original { workers: 0 }] {
            assert_eq!(order(sampler, largest.0), None);
            assert_eq!(order(sampler, seed.0), Some(SamplerError::SeedTooLarge { seed, largest }));
        }
        assert_eq!(order(Sampler::EpochPermutation, Seed::MAX.0), None);
    }

    #[test]
    fn minibatches_are_those_of_one_numpy_generator() {
        let order = order(Sampler::Minibatches, 1337, 7, 3);
        let mut random = RandomState::new(1337);
        let passes: Vec<_> = (0..3).flat_map(|_| minibatches(7, 3, &mut random)).collect();
        assert_eq!(order.batches(Step(0), 6), passes);
        assert_eq!(order.batches(Step(3), 2), passes[3..5]);
    }

    #[test]
    fn an_empty_split_is_refused() {
        let refused = Order::new(Sampler::EpochPermutation, Seed(1), 0, Count::literal(1));
        assert_eq!(refused, Err(SamplerError::NoSequences));
    }

    #[test]
    fn the_original_needs_one_full_batch() {
        let original = Sampler::Original { workers: 0 };
        let error = Order::new(original, Seed(1), 11, Count::literal(12)).unwrap_err();
        insta::assert_snapshot!(error, @"failed to order training sequences: this sampler drops incomplete batches, and 11 sequences do not fill a batch of 12");
        assert!(Order::new(Sampler::EpochPermutation, Seed(1), 11, Count::literal(12)).is_ok());
    }

    fn any_sampler() -> impl Strategy<Value = Sampler> {
        prop_oneof![
            Just(Sampler::EpochPermutation),
            (0_u32..6).prop_map(|workers| Sampler::Original { workers }),
            Just(Sampler::Minibatches),
        ]
    }

    proptest! {
        #[test]
        fn a_plan_of_many_steps_is_the_batches_of_each(
            sampler in any_sampler(), seed in 0..=u64::from(u32::MAX), sequences in 5_usize..40, batch_size in 1_u32..6,
            first in 0_u64..60, steps in 0_u64..30
        ) {
            let order = order(sampler, seed, sequences, batch_size);
            let one_by_one: Vec<_> = (first..first + steps).map(|s| order.batch(Step(s))).collect();
            prop_assert_eq!(order.batches(Step(first), steps), one_by_one);
        }

        #[test]
        fn every_pass_of_our_own_sampler_visits_every_sequence_once(
            seed in 0..=Seed::MAX.0, sequences in 1_usize..40, batch_size in 1_u32..50
        ) {
            let order = order(Sampler::EpochPermutation, seed, sequences, batch_size);
            let visits = order.batches(Step(0), 3 * sequences as u64).concat();
            for pass in visits.chunks_exact(sequences) {
                let mut visited = pass.to_vec();
                visited.sort_unstable();
                prop_assert_eq!(visited, (0..sequences).collect::<Vec<_>>());
            }
        }

        #[test]
        fn every_batch_is_full_and_within_the_split(
            sampler in any_sampler(), seed in 0..=u64::from(u32::MAX), sequences in 5_usize..40, batch_size in 1_u32..6,
            step in 0_u64..200
        ) {
            let batch = order(sampler, seed, sequences, batch_size).batch(Step(step));
            prop_assert_eq!(batch.len(), batch_size as usize);
            prop_assert!(batch.iter().all(|&sequence| sequence < sequences));
        }
    }
}
